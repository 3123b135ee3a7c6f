"""A new actor key goes from the phrase to the node and the kit: nothing is lost, nothing comes twice."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlcipher3.dbapi2 import Connection
from typing_extensions import override

from yurt.client.core import Core
from yurt.client.devices import own_record
from yurt.client.engine import Engine
from yurt.client.portability import key_changing
from yurt.client.portability.kit_keeper import KitKeeper
from yurt.client.testing import Town
from yurt.client.testing_node import HARBOUR, Door, FakeNode
from yurt.client.testing_rooms import core_of
from yurt.client.testing_waits import PATIENCE_S
from yurt.client.vault import key_changes, kits, moves
from yurt.client.vault.kits import KitRow
from yurt.client.vault.moves import MoveRow
from yurt.identity.phrase import RecoveryPhrase
from yurt.lab.world.network import Network
from yurt.portability.actor_key import fingerprint_of_private
from yurt.portability.kit import seal_graph
from yurt.portability.kit_contents import GraphContents
from yurt.portability.kit_file import OpenKit, encode_kit, open_kit
from yurt.portability.kit_keys import decode_kit_public, kit_secrets
from yurt.portability.kit_part import KEYS, decode_part
from yurt.portability.roster import sign_roster
from yurt.wire.actor_key_commands import ChangeActorKey
from yurt.wire.command import Answer, Command, Done
from yurt.wire.portability_commands import KeepKit, KitKept
from yurt.wire.problems import ProblemError, refuse


class KeyNode(FakeNode):
    """A node that takes keys, or not."""

    keys: tuple[bytes, ...] = ()
    graphs: tuple[int, ...] = ()
    problem: ProblemError | None = None

    @override
    async def _do(self, door: Door, command: Command) -> Answer:
        if isinstance(command, KeepKit):
            return self._keep(command)
        if not isinstance(command, ChangeActorKey):
            return await super()._do(door, command)
        if self.problem is not None:
            raise self.problem
        self.keys += (command.key,)
        return Done()

    def _keep(self, command: KeepKit) -> KitKept:
        """As a buddy that has keys which another device sealed later."""
        parts = [decode_part(part) for part in command.parts]
        if any(part.part == KEYS for part in parts):
            raise refuse("refused", "a newer part of this kit is kept already", rule="kitOld")
        self.graphs += tuple(part.counter for part in parts)
        return KitKept(keys=2**40, graph=self.graphs[-1], kept_at=1)


class Ana:
    """Somebody with a kit, and her node."""

    def __init__(self, town: Town, node: KeyNode, engine: Engine, words: RecoveryPhrase) -> None:
        self.town = town
        self.node = node
        self.engine = engine
        self.words = words

    @property
    def core(self) -> Core:
        """Inside her engine."""
        return core_of(self.engine)

    async def wants_a_key(self) -> bytes:
        """Keep a new key, as a revocation does; gives it."""
        core = self.core
        new = await key_changing.make_key(core, self.words)
        await core.write(lambda tx: key_changing.keep(tx, core.account, new, core.clock.now_ms()))
        return new.key

    async def kit(self) -> OpenKit:
        """What the words open of what the vault has."""
        row = await self.core.vault.read(kits.load)
        assert row is not None
        record = own_record.own_record(self.core.account)
        return open_kit([encode_kit(record, [row.keys])], kit_secrets(self.words))

    async def keys(self) -> list[bytes]:
        """Fingerprints of the keys in the kit, in their order."""
        found = (await self.kit()).keys
        assert found is not None
        return [fingerprint_of_private(key.private) for key in found.actor_keys]

    async def waits(self) -> bool:
        """Whether a key waits for the node."""
        return await self.core.vault.read(key_changes.load) is not None


@pytest.fixture
async def ana(tmp_path: Path) -> AsyncIterator[Ana]:
    """Ana, who has joined."""
    network = await asyncio.to_thread(Network.make, tmp_path / "network", [HARBOUR])
    node = KeyNode(network.endpoints[HARBOUR], network.certificate_file(HARBOUR), network.key_file(HARBOUR))
    town = Town(tmp_path, network.write_map("town"), node)
    await node.start()
    told = list[RecoveryPhrase]()
    engine = await town.join("ana", told.append)
    yield Ana(town, node, engine, *told)
    await town.close()


async def test_the_node_has_it_first_and_then_the_kit(ana: Ana) -> None:
    """The key is in the vault only until the node has it; the kit keeps the one before it, too."""
    (first,) = await ana.keys()
    key = await ana.wants_a_key()
    assert await ana.keys() == [first]

    assert await key_changing.finish(ana.core) == "new"

    assert ana.node.keys == (key,)
    assert (await ana.keys(), await ana.waits()) == ([fingerprint_of_private(key), first], False)
    assert await key_changing.finish(ana.core) == "none"
    third = await ana.wants_a_key()
    await key_changing.finish(ana.core)
    assert await ana.keys() == [fingerprint_of_private(one) for one in (third, key)]


async def test_it_goes_on_after_a_restart(ana: Ana) -> None:
    """A node that cannot take it now gets the very same key later; the kit is as it was until then."""
    before, key = await ana.keys(), await ana.wants_a_key()
    ana.node.problem = refuse("overloaded", "not now", retry_after=1.0)
    with pytest.raises(ProblemError):
        await key_changing.finish(ana.core)
    assert (await ana.waits(), await ana.keys()) == (True, before)

    await ana.town.leave(ana.engine)
    ana.node.problem = None
    ana.engine = await ana.town.open("ana")

    assert await ana.core.until(lambda tx: key_changes.load(tx) is None, PATIENCE_S)
    assert ana.node.keys == (key,)
    assert (await ana.keys())[0] == fingerprint_of_private(key)


async def test_another_device_was_later(ana: Ana) -> None:
    """Of two keys the later one counts: this one is forgotten, and the kit as it was."""
    before = await ana.keys()
    await ana.wants_a_key()
    ana.node.problem = refuse("refused", "there is a newer one", rule="keyOld")

    assert await key_changing.finish(ana.core) == "other"

    assert (await ana.waits(), await ana.keys()) == (False, before)


async def test_keys_of_another_device_hold_up_no_graph(ana: Ana) -> None:
    """A buddy has newer keys than this device: it takes the graph alone, and the keys are not tried again."""
    kit = await ana.core.vault.read(kits.load)
    assert kit is not None
    sealed = replace(kit, graph=await a_graph(ana, kit), counter=kit.counter + 1, stale=False)

    def unit(tx: Connection) -> None:
        kits.save(tx, sealed)
        kits.set_buddies(tx, ("hilltop.example",))

    await ana.core.vault.write(unit)
    keeper = KitKeeper(ana.core)
    await keeper.hand_out()
    await keeper.hand_out()

    (buddy,) = await ana.core.vault.read(kits.buddies)
    assert (buddy.keys, buddy.problem) == (2**40, "")
    assert set(ana.node.graphs) == {buddy.graph}


async def a_graph(ana: Ana, kit: KitRow) -> bytes:
    """The kit's other part, with nobody in it."""
    record, device, now_s = own_record.own_record(ana.core.account), ana.core.account.device, ana.core.now_s
    roster = sign_roster([], device, record, time=now_s)
    public = decode_kit_public(kit.public, record.did)
    contents = GraphContents(record.did, roster)
    return seal_graph(contents, public, device, record, counter=kit.counter + 1, time=now_s)


async def test_nothing_changes_in_a_move(ana: Ana) -> None:
    """A move that was confirmed holds record and key of its beginning; one that was not, the key."""

    async def refusal(step: str, *, prepared_too: bool) -> str:
        row = MoveRow(
            kind="move",
            step=step,
            job=os.urandom(16),
            name="ana",
            node="new.example",
            code="",
            secret=b"",
            previous="",
            records=(),
            record=b"",
            statement=b"",
            actor_key=b"",
            login_key=b"",
            started=1,
        )
        await ana.core.write(lambda tx: moves.save(tx, row))
        try:
            await ana.core.vault.read(lambda tx: key_changing.check_not_moving(tx, prepared_too=prepared_too))
        except ProblemError as error:
            return str(error.problem.detail["rule"])
        return ""

    assert [await refusal(step, prepared_too=False) for step in ("carried", "confirmed", "told")] == [
        "",
        "moving",
        "moving",
    ]
    assert [await refusal(step, prepared_too=True) for step in ("carried", "cancelled", "watched")] == [
        "moving",
        "",
        "",
    ]

"""What nodes carry beside a room's log: checkpoints go past the hub, history lies in pieces."""

import hashlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from yurt.node.bus import LocalBus
from yurt.node.dispatcher import Caller, Context
from yurt.node.hub.checkpoints import Checkpoints
from yurt.node.hub.history_blobs import HistoryBlobs
from yurt.node.hub.states import RoomStates
from yurt.node.limiter import Limiter
from yurt.node.peers.asks import Asks, answer
from yurt.node.store.sqlite import SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.streams.fanout import Fanout
from yurt.node.streams.tail import Tail
from yurt.node.testing import until
from yurt.node.testing_clock import SetClock
from yurt.rooms.common.checkpoint import Checkpoint, Seen
from yurt.rooms.common.policy import RoomPolicy
from yurt.rooms.rehearsal import Device, Town
from yurt.rooms.testing import HUB, NOW_MS, ROOM_ID, Person
from yurt.wire.checkpoint_commands import FetchCheckpoints, GiveCheckpoint, KeptCheckpoints
from yurt.wire.command import Answer, Done
from yurt.wire.exchange import Ask
from yurt.wire.history_commands import PIECE, GetHistory, PutHistory
from yurt.wire.position import Position
from yurt.wire.problems import ProblemError, refuse

HILL = "hilltop.example"
A = TypeVar("A", bound=Answer)


def person(name: str, number: int, node: str) -> Person:
    """Somebody who lives at a node."""
    somebody = Person(name, number)
    somebody.actor = f"https://{node}/users/{name}"
    return somebody


ANA, BO, EVE = person("ana", 21, HUB), person("bo", 22, HILL), person("eve", 23, HILL)
ANA_PHONE, BO_PHONE, EVE_PHONE = Device(ANA), Device(BO), Device(EVE)


class Ways:
    """The ways between the nodes of a test; one that is closed cannot be passed."""

    def __init__(self) -> None:
        self.asks: dict[str, Asks] = {}
        self.closed = False

    async def ask(self, node: str, what: str, actor: str, struct: Any, shape: type[A]) -> A:  # noqa: ANN401  # any struct
        if self.closed or node not in self.asks:
            raise refuse("peerUnreachable", f"{node} is not there")
        found = await answer(self.asks[node], Ask(b"", actor, what, msgspec.msgpack.encode(struct)))
        return msgspec.msgpack.decode(found, type=shape)


@dataclass
class Node:
    """What a node has beside its logs."""

    store: SqliteStore
    clock: SetClock
    told: Checkpoints
    history: HistoryBlobs
    fanout: Fanout

    async def kept(self, who: Device) -> tuple[bytes, ...]:
        fetched = await self.told.fetch(called_by(who), FetchCheckpoints(ROOM_ID))
        assert isinstance(fetched, KeptCheckpoints)
        return fetched.checkpoints


def called_by(who: Device) -> Context:
    """A call of somebody's device."""
    name = who.person.actor.rpartition("/")[2]
    return Context("", Caller(name, who.person.actor, who.person.did, who.keys.device_id))


def word_of(who: Device, seq: int, room: bytes = ROOM_ID, signer: Device | None = None) -> bytes:
    """What a device says that it has seen."""
    seen = Seen(room, Position(1, seq), bytes([seq]) * 32, 1, b"", bytes(32))
    return Checkpoint.make((signer or who).keys, who.person.did, seen).encode()


async def rule_of(call: Any) -> str:  # noqa: ANN401  # any call
    """Why something is refused."""
    with pytest.raises(ProblemError) as refused:
        await call
    return str(refused.value.problem.detail.get("rule", refused.value.problem.code))


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[tuple[Node, Node, Ways]]:
    """Harbour, the hub, and the hilltop; Ana lives at the one, Bo and Eve at the other. Eve is in no room."""
    town = Town.found(RoomPolicy.first(HUB, ROOM_ID, ANA.did), ANA_PHONE, BO_PHONE)
    state = replace(town.hub, head=Position(1, 90))
    ways, clock, made = Ways(), SetClock(NOW_MS), list[Node]()
    for name in (HUB, HILL):
        store = await SqliteStore.open(tmp_path / f"{name}.db", STEPS, lambda _: None)
        states, limiter, fanout = RoomStates(store), Limiter(), Fanout(store, LocalBus(), Tail())
        states.keep(state)
        told = Checkpoints(name, store, states, limiter, ways, fanout)
        history = HistoryBlobs(name, store, states, clock, limiter, ways, quota=3 * PIECE)
        ways.asks[name] = {**told.asks(), **history.asks()}
        made.append(Node(store, clock, told, history, fanout))
    yield made[0], made[1], ways
    for node in made:
        await node.told.stop()
        node.fanout.close()
        await node.store.close()


async def arrives(node: Node, who: Device, word: bytes) -> None:
    """Wait until a node has a checkpoint."""

    async def there() -> bool:
        return word in await node.kept(who)

    await until(there)


async def test_a_word_goes_to_the_other_nodes_and_waits_for_one_that_is_away(
    nodes: tuple[Node, Node, Ways], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest of each device stands at every node; an older one, said again, changes nothing."""
    monkeypatch.setattr("yurt.node.hub.checkpoints.FIRST_RETRY_S", 0.02)
    harbour, hill, ways = nodes
    hill.told.start()
    ways.closed = True
    await hill.told.give(called_by(BO_PHONE), GiveCheckpoint(ROOM_ID, word_of(BO_PHONE, 5)))
    newer = word_of(BO_PHONE, 6)
    await hill.told.give(called_by(BO_PHONE), GiveCheckpoint(ROOM_ID, newer))
    assert await harbour.kept(ANA_PHONE) == ()
    ways.closed = False
    await arrives(harbour, ANA_PHONE, newer)
    await hill.told.give(called_by(BO_PHONE), GiveCheckpoint(ROOM_ID, word_of(BO_PHONE, 4)))
    assert await hill.kept(BO_PHONE) == (newer,) == await harbour.kept(ANA_PHONE)


async def test_a_word_from_beyond_every_log_is_refused_by_every_node(nodes: tuple[Node, Node, Ways]) -> None:
    """No store has a place for it: it is refused, and breaks nothing."""
    harbour, _, ways = nodes
    for seq in (2**64 - 1, 2**63):
        seen = Seen(ROOM_ID, Position(1, seq), bytes(32), 1, b"", bytes(32))
        word = Checkpoint.make(BO_PHONE.keys, BO.did, seen).encode()
        ask = ways.ask(HUB, GiveCheckpoint.name, BO.actor, GiveCheckpoint(ROOM_ID, word), Done)
        assert await rule_of(ask) == "malformedCheckpoint"
    assert await harbour.kept(ANA_PHONE) == ()


async def test_a_forged_word_is_refused_wherever_it_comes_from(nodes: tuple[Node, Node, Ways]) -> None:
    """Not another room's, another device's, one of the future, or one that another node brings."""
    harbour, hill, ways = nodes
    bo = called_by(BO_PHONE)

    async def give(word: bytes) -> str:
        return await rule_of(hill.told.give(bo, GiveCheckpoint(ROOM_ID, word)))

    assert await give(b"\1") == "malformedCheckpoint"
    assert await give(word_of(BO_PHONE, 5, room=bytes(32))) == "checkpointRoom"
    assert await give(word_of(BO_PHONE, 5, signer=ANA_PHONE)) in ("checkpointDevice", "checkpointSignature")
    assert await give(word_of(BO_PHONE, 5)[:-1] + b"\0") == "checkpointSignature"
    assert await give(word_of(ANA_PHONE, 5)) == "checkpointOwner"
    assert await give(word_of(BO_PHONE, 91)) == "checkpointOwner"
    assert await give(word_of(EVE_PHONE, 5)) == "checkpointDevice"
    eve = called_by(EVE_PHONE)
    assert await rule_of(hill.told.give(eve, GiveCheckpoint(ROOM_ID, word_of(EVE_PHONE, 5)))) == "notFound"
    assert await rule_of(hill.told.fetch(eve, FetchCheckpoints(ROOM_ID))) == "notFound"

    async def bring(actor: str, word: bytes) -> str:
        brought = GiveCheckpoint(ROOM_ID, word)
        return await rule_of(ways.ask(HILL, "checkpoint", actor, brought, KeptCheckpoints))

    assert await bring(ANA.actor, word_of(BO_PHONE, 5)) == "notAllowed"  # the hub speaks for Bo
    assert await bring(f"https://{HUB}/users/nobody", word_of(ANA_PHONE, 5)) == "notFound"
    assert await hill.kept(BO_PHONE) == () == await harbour.kept(ANA_PHONE)


async def put(node: Node, who: Device, blob: bytes, digest: bytes = b"") -> int:
    """Put all pieces of a blob; returns how many were needed."""
    digest, have, count = digest or hashlib.sha256(blob).digest(), 0, 0
    while have < len(blob):
        piece = PutHistory(ROOM_ID, digest, len(blob), have, blob[have : have + PIECE])
        have, count = (await node.history.put(called_by(who), piece)).have, count + 1
    return count


async def test_history_lies_in_pieces_for_who_is_in_the_room(nodes: tuple[Node, Node, Ways]) -> None:
    """Put with interruptions, fetched through the own node; for nobody else, and for a week."""
    harbour, hill, _ = nodes
    blob = os.urandom(2 * PIECE + 100)
    digest = hashlib.sha256(blob).digest()
    first = PutHistory(ROOM_ID, digest, len(blob), 0, blob[:PIECE])
    await harbour.history.put(called_by(ANA_PHONE), first)
    again = await harbour.history.put(called_by(ANA_PHONE), first)  # the answer was lost
    assert again.have == PIECE
    get = GetHistory(ROOM_ID, digest, HUB)
    assert await rule_of(hill.history.get(called_by(BO_PHONE), get)) == "notFound"  # not whole yet
    assert await put(harbour, ANA_PHONE, blob) == 3

    found = b""
    while len(found) < len(blob):
        get = GetHistory(ROOM_ID, digest, HUB, len(found))
        found += (await hill.history.get(called_by(BO_PHONE), get)).data
    assert found == blob

    assert await rule_of(hill.history.get(called_by(EVE_PHONE), get)) == "notFound"
    elsewhere = GetHistory(ROOM_ID, digest, "mill.example")
    assert await rule_of(hill.history.get(called_by(BO_PHONE), elsewhere)) == "notFound"
    harbour.clock.ms += 8 * 86_400_000
    assert await rule_of(hill.history.get(called_by(BO_PHONE), get)) == "notFound"


async def test_pieces_that_are_not_the_named_blob_are_dropped(nodes: tuple[Node, Node, Ways]) -> None:
    """A blob is what it is named after; nobody fills the disk, or another's blob."""
    harbour, _, _ = nodes
    blob = os.urandom(PIECE + 1)
    assert await rule_of(put(harbour, ANA_PHONE, blob, digest=bytes(32))) == "historyHash"
    wrong = PutHistory(ROOM_ID, hashlib.sha256(blob).digest(), len(blob), 0, blob[:10])
    assert await rule_of(harbour.history.put(called_by(ANA_PHONE), wrong)) == "historyPiece"
    await put(harbour, ANA_PHONE, blob)
    assert (
        await rule_of(put(harbour, BO_PHONE, blob[:-1] + b"!", hashlib.sha256(blob).digest())) == "notFound"
    )
    await put(harbour, ANA_PHONE, os.urandom(PIECE))
    assert await rule_of(put(harbour, ANA_PHONE, os.urandom(PIECE))) == "tooLarge"

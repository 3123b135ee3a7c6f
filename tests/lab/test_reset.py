"""Somebody forgot the passphrase: what the operator types, what they do, and what they have again."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from yurt.client.clock import SystemClock
from yurt.client.devices import new_device
from yurt.client.devices.entrance import enter
from yurt.client.devices.from_kit_calls import EnteredFromKit, EnterFromKit
from yurt.client.devices.linking import identity_of
from yurt.client.paths import load_network
from yurt.client.portability.calls import KitStatus, KitView, SaveKit, SetBuddy
from yurt.identity.signed_record import VerifiedRecord
from yurt.lab.world.people import PATIENCE_S, Person, follow, meet, until
from yurt.lab.world.shell import Shell
from yurt.lab.world.world import HARBOUR, HILLTOP, World

pytestmark = pytest.mark.asyncio
ANEW = "another passphrase"


def everybody(record: VerifiedRecord) -> tuple[bytes, ...]:
    """Shut all devices out: all are lost."""
    return tuple(certificate.device.device_id for certificate in record.record.devices)


def nobody(record: VerifiedRecord) -> tuple[bytes, ...]:  # noqa: ARG001  # its shape
    """Shut no other device out."""
    return ()


async def restored(
    world: World, lost: Person, revoke: Callable[[VerifiedRecord], tuple[bytes, ...]]
) -> Person:
    """The same person on a new device, with nothing but 24 words."""
    network, clock = load_network(lost.map_file), SystemClock(lost.map_file)
    home = lost.home.parent / "anew"
    made = new_device.restore(
        home, HARBOUR, identity_of(lost.phrase), ANEW, revoke=revoke, network=network, clock=clock
    )
    engine = await enter(home, ANEW, made, network=network, clock=clock)
    again = Person(lost.name, home, lost.map_file, engine, lost.phrase)
    world.people.append(again)
    return again


async def saved(person: Person, path: Path, rooms: int) -> bytes:
    """Save a person's kit once so many rooms are in it."""

    async def sealed() -> bool:
        return (await person.engine.call(KitStatus(), KitView)).rooms == rooms

    await until(sealed, f"the kit has {rooms} rooms")
    await person.engine.call(SaveKit(path=str(path)), KitView)
    return await asyncio.to_thread(path.read_bytes)


async def test_a_reset_and_24_words_bring_somebody_back(tmp_path: Path) -> None:
    """`account reset`, then `device restore`: a new passphrase, the same person, the same ties."""
    async with World.open(tmp_path, HARBOUR) as world:
        ana, bo = await world.person("ana", HARBOUR), await world.person("bo", HARBOUR)
        await follow(bo, ana)
        await ana.close()  # the vault is shut, and nobody remembers what opens it
        operator = Shell.of(tmp_path / "operator", ana.map_file)
        node = str(world.nodes[HARBOUR].data)

        reset = await operator.yurt("node", "--json", "account", "reset", "ana", "--data", node)
        listed = await operator.yurt("node", "--json", "account", "list", "--data", node)
        again = await restored(world, ana, nobody)
        followers = await again.engine.followers()

        assert json.loads(reset.out) == {"name": "ana", "reset": True}, reset.err
        standings = {one["name"]: one["devices"] for one in map(json.loads, listed.out.splitlines())}
        assert standings == {"ana": 0, "bo": 1}
        assert (await again.engine.status()).address == ana.address
        assert [person.address for person in followers] == [bo.address]


async def test_a_kit_brings_the_rooms_back(tmp_path: Path) -> None:
    """Every device lost: a buddy's kit and 24 words open the room again, and the next loss is covered too."""
    async with World.open(tmp_path, HARBOUR, HILLTOP) as world:
        ana, bo = await world.person("ana", HARBOUR), await world.person("bo", HILLTOP)
        await follow(ana, bo)
        room = await meet(bo, ana)
        await ana.engine.call(SetBuddy(node=HILLTOP, phrase=ana.phrase), KitView)

        async def kept(person: Person = ana) -> bool:
            view = await person.engine.call(KitStatus(), KitView)
            return any(buddy.graph for buddy in view.buddies) and view.rooms == 1

        await until(kept, "the buddy has the kit", within=2 * PATIENCE_S)
        await ana.close()

        again = await restored(world, ana, everybody)
        entered = await again.engine.call(EnterFromKit(phrase=ana.phrase), EnteredFromKit)
        twice = await again.engine.call(EnterFromKit(phrase=ana.phrase), EnteredFromKit)
        await bo.engine.send(room, "you are back")
        await again.reads(room, "you are back")
        await again.engine.send(room, "with a new device")
        await bo.reads(room, "with a new device")

        assert (entered.done, entered.left, entered.notes, entered.problem) == (1, 0, (), "")
        assert entered.age_s >= 0
        assert (twice.done, twice.left, twice.notes) == (1, 0, ())
        (view,) = await again.engine.rooms()
        assert (view.name, view.stopped) == ("harbour watch", "")
        kit = await again.engine.call(KitStatus(), KitView)
        assert (kit.exists, kit.has_keys, [one.node for one in kit.buddies]) == (True, True, [HILLTOP])


async def test_a_kit_opens_nothing_by_itself(tmp_path: Path) -> None:
    """Somebody else's kit counts for nothing; a stale one brings back into rooms, but not who was removed."""
    async with World.open(tmp_path, HARBOUR, HILLTOP) as world:
        ana, bo = await world.person("ana", HARBOUR), await world.person("bo", HILLTOP)
        await follow(ana, bo)
        kept, left = await meet(bo, ana), await meet(bo, ana, name="the back room")
        stale = await saved(ana, tmp_path / "stale.kit", 2)
        theirs = await saved(bo, tmp_path / "theirs.kit", 2)
        await bo.engine.send(kept, "the room goes on")
        await ana.reads(kept, "the room goes on")
        await bo.engine.remove(left, ana.address)
        await ana.close()

        again = await restored(world, ana, everybody)
        damaged = stale[:-40] + bytes(40)
        none = await again.engine.call(
            EnterFromKit(phrase=ana.phrase, files=(theirs, damaged, b"")), EnteredFromKit
        )
        entered = await again.engine.call(EnterFromKit(phrase=ana.phrase, files=(stale,)), EnteredFromKit)
        await bo.engine.send(kept, "welcome back")
        await again.reads(kept, "welcome back")
        await bo.engine.send(left, "we are among ourselves", wait="accepted")

        assert (none.age_s, none.done, none.left) == (-1, 0, 1)
        assert none.problem
        assert (entered.done, entered.left) == (1, 0)
        assert [note.partition(":")[0] for note in entered.notes] == ["the room the back room"]
        assert [view.stopped for view in await again.engine.rooms() if view.room == left] == ["comingBack"]
        assert [one.address for one in await bo.engine.participants(left)] == [bo.address]
        assert "we are among ourselves" not in await again.texts(left)

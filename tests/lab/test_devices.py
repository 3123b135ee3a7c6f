"""A person with several devices, on real nodes: linking while people talk, revoking, and coming back."""

import asyncio
import json
import sqlite3
from http import HTTPStatus
from pathlib import Path

import pytest
from sqlcipher3.dbapi2 import Connection

from yurt.client.clock import SystemClock
from yurt.client.devices import new_device, others
from yurt.client.devices.calls import (
    AwaitLink,
    AwaitRooms,
    BeginLink,
    DeviceViews,
    LinkCodeView,
    LinkView,
    ListDevices,
    RevokeDevice,
    RoomsSettled,
    SettleRooms,
)
from yurt.client.devices.entrance import enter
from yurt.client.devices.linking import identity_of
from yurt.client.engine import Engine
from yurt.client.paths import load_network
from yurt.client.testing_rooms import core_of
from yurt.client.vault import revocations
from yurt.client.vault.mls_store import VaultGroupStore
from yurt.client.vault.open import Vault
from yurt.lab.world.people import PASSPHRASE, PATIENCE_S, Person, follow, meet, until
from yurt.lab.world.process import NodeProcess
from yurt.lab.world.shell import Shell
from yurt.lab.world.world import HARBOUR, HILLTOP, World
from yurt.mls.errors import RemoteMlsError
from yurt.mls.group import Group
from yurt.wire.frames import room_log
from yurt.wire.registry import EntryKind

pytestmark = pytest.mark.asyncio


def another(person: Person, engine: Engine, home: Path) -> Person:
    """The same person on another device."""
    return Person(person.name, home, person.map_file, engine, person.phrase)


async def join_by_code(person: Person, code: LinkCodeView, home: Path) -> Person:
    """What `yurt device join` does."""
    network, clock = load_network(person.map_file), SystemClock(person.map_file)
    made = new_device.join_by_code(home, code.node, code.code, PASSPHRASE, network=network, clock=clock)
    engine = await enter(home, PASSPHRASE, made, network=network, clock=clock)
    return another(person, engine, home)


async def link(world: World, person: Person) -> Person:
    """What `yurt device link` and `yurt device join` do together."""
    code = await person.engine.call(BeginLink(phrase=person.phrase), LinkCodeView)
    home = world.folder / "people" / f"{person.address}-2"
    laptop, view = await asyncio.gather(
        join_by_code(person, code, home), person.engine.call(AwaitLink(within=PATIENCE_S), LinkView)
    )
    world.people.append(laptop)
    assert view.outcome == "linked", view.problem
    return laptop


async def settled(person: Person) -> None:
    """Every room is as the record says."""

    async def done() -> bool:
        found = await person.engine.call(SettleRooms(), RoomsSettled)
        return not found.left

    await until(done, f"{person.name}'s rooms are settled")


async def read_with_server_access(thief: Person, node: NodeProcess, room: bytes) -> list[int]:
    """Count which of the last five messages a stolen vault and the node's database open, and which not."""
    database = sqlite3.connect(f"file:{node.data / 'node.db'}?mode=ro", uri=True)
    rows = database.execute(
        "SELECT body FROM entry JOIN log ON log.id = entry.log WHERE name = ? AND kind = ? ORDER BY seq",
        (room_log(room), EntryKind.MESSAGE),
    ).fetchall()
    database.close()
    vault = await asyncio.to_thread(Vault.open, thief.home, PASSPHRASE)

    def read(tx: Connection) -> list[int]:
        opened = shut = 0
        for (body,) in rows[-5:]:
            try:
                Group.load(VaultGroupStore(tx), room).process(body, at=0)
                opened += 1
            except RemoteMlsError:
                shut += 1
        return [opened, shut]

    found = await vault.write(read)
    await vault.close()
    return found


async def devices(person: Person) -> DeviceViews:
    """What `yurt devices` shows."""
    return await person.engine.call(ListDevices(), DeviceViews)


async def test_a_second_device_is_linked_while_people_talk_and_the_first_is_revoked_later(
    tmp_path: Path,
) -> None:
    """Both devices end with the same timeline; a revoked one is out of the room on two nodes, for good."""
    async with World.open(tmp_path) as world:
        ana = await world.person("ana", HARBOUR)
        bo = await world.person("bo", HILLTOP)
        await follow(bo, ana)
        room = await meet(ana, bo)
        await ana.engine.send(room, "before", wait="accepted")

        async def talk() -> None:
            for number in range(20):
                await bo.engine.send(room, f"while {number}", wait="accepted")

        talking = asyncio.create_task(talk())
        laptop = await link(world, ana)
        await settled(ana)
        await laptop.enters(room)
        await talking
        await laptop.engine.send(room, "from the laptop", wait="accepted")
        await ana.engine.send(room, "from the phone", wait="accepted")
        for person in (ana, bo, laptop):
            await person.has(room, "from the phone")
            await person.has(room, "from the laptop")
        assert (await laptop.has(room, "from the phone")).own
        await laptop.has(room, "before")
        on_phone = await ana.texts(room)
        assert len(set(on_phone)) == len(on_phone) == 23

        async def same() -> bool:
            return await laptop.texts(room) == on_phone

        # What was encrypted before the laptop came, and placed after it, the phone tells.
        await until(same, "the laptop shows what the phone shows")
        assert (await laptop.engine.status()).undecryptable == 0
        both = await devices(laptop)
        assert [view.rooms for view in both.devices] == [1, 1]
        assert both.devices[0].own
        lines = [item.text for item in await bo.engine.timeline(room) if item.kind == "roster"]
        assert any("added a device of ana" in line for line in lines)
        assert (await bo.engine.participants(room))[1].devices == 2

        diary = (await laptop.engine.create_room("diary")).room
        await ana.enters(diary)
        await laptop.sees(diary, lambda item: "added a device of ana" in item.text)

        phone = (await devices(ana)).devices[0].device_id
        revoked = await laptop.engine.call(
            RevokeDevice(device=phone.hex()[:8], phrase=ana.phrase), RoomsSettled
        )
        assert (revoked.done, revoked.left) == (2, 0)
        await bo.sees(room, lambda item: "removed a device of ana" in item.text)
        for number in range(5):
            await bo.engine.send(room, f"later {number}", wait="accepted")
        await laptop.has(room, "later 4")
        assert not [text for text in await ana.texts(room) if text.startswith("later")]

        async def shut_out() -> bool:
            return not (await ana.engine.status()).connected

        await until(shut_out, "the revoked device is signed out")
        await ana.close()
        assert await read_with_server_access(ana, world.nodes[HARBOUR], room) == [0, 5]
        await laptop.engine.send(room, "alone now", wait="accepted")
        await bo.reads(room, "alone now")
        assert [view.own for view in (await devices(laptop)).devices] == [True]
        path = f"/records/{(await laptop.engine.status()).did}?from=3"

        async def heard() -> bool:
            return (await world.nodes[HILLTOP].ask("GET", path)).status == HTTPStatus.OK

        await until(heard, "the other node hears of the revocation")


async def test_who_lost_every_device_comes_back_with_the_phrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The phrase makes a new device and shuts lost ones out; if nobody else can, others take them out.

    They do so also if they were away in between.
    """
    monkeypatch.setattr(others, "OTHERS_S", (1.0, 1.5))
    monkeypatch.setattr(others, "LAST_S", (0.0, 0.1))
    async with World.open(tmp_path, HARBOUR) as world:
        ana, bo = await world.person("ana", HARBOUR), await world.person("bo", HARBOUR)
        await follow(bo, ana)
        room = await meet(ana, bo)
        network, clock = load_network(ana.map_file), SystemClock(ana.map_file)

        async def restore(name: str, *, revoke: bool) -> Person:
            home = tmp_path / name
            made = new_device.restore(
                home,
                HARBOUR,
                identity_of(ana.phrase),
                PASSPHRASE,
                revoke=lambda record: tuple(c.device.device_id for c in record.record.devices if revoke),
                network=network,
                clock=clock,
            )
            person = another(ana, await enter(home, PASSPHRASE, made, network=network, clock=clock), home)
            world.people.append(person)
            return person

        tablet = await restore("tablet", revoke=False)
        in_rooms = await tablet.engine.call(AwaitRooms(within=PATIENCE_S), RoomsSettled)
        assert (in_rooms.done, in_rooms.left) == (1, 0)
        await tablet.engine.send(room, "found again", wait="accepted")
        await ana.has(room, "found again")
        await ana.close()
        await tablet.close()
        desktop = await restore("desktop", revoke=True)
        assert await core_of(bo.engine).until(lambda tx: bool(revocations.waiting(tx)), PATIENCE_S)
        await bo.close()
        await bo.reopen()
        await bo.sees(room, lambda item: "removed ana" in item.text)
        assert [view.own for view in (await devices(desktop)).devices] == [True]


async def test_two_shells_link_list_and_revoke(tmp_path: Path) -> None:
    """What a person types: link here, join there, look, revoke; an answer is a line, or JSON."""
    async with World.open(tmp_path, HARBOUR) as world:
        map_file = await world.map_of("ana@harbour.example")
        phone = Shell.of(tmp_path / "phone", map_file)
        laptop = Shell.of(tmp_path / "laptop", map_file, "another passphrase")
        words = str(tmp_path / "ana.phrase")
        joined = await phone.yurt("join", world.invites[HARBOUR], "ana", "--phrase-file", words)
        assert joined.code == 0, joined.err
        await phone.yurt("room", "create", "diary")

        linking = await phone.begin("device", "link", "--phrase-file", words, "--json")
        assert linking.stdout is not None
        shown = json.loads(await linking.stdout.readline())
        here = await laptop.yurt("device", "join", "ana@harbour.example", shown["code"], "--json")
        rest, _ = await linking.communicate()
        assert (here.code, json.loads(here.out)["address"]) == (0, "ana@harbour.example"), here.err
        device = json.loads(rest)["device"]
        assert (json.loads(rest)["rooms"], json.loads(rest)["left"]) == (1, 0)
        assert json.loads(here.out)["rooms"] == 1

        again = await laptop.yurt("device", "join", "harbour.example", shown["code"])
        assert (again.code, len(again.err.splitlines())) == (3, 1)
        listed = [json.loads(line) for line in (await phone.yurt("devices", "--json")).out.splitlines()]
        assert [(one["this"], one["signed_in"]) for one in listed] == [(True, True), (False, True)]
        assert "(this one)" in (await laptop.yurt("devices")).out

        wrong = await phone.yurt("device", "revoke", "beef0000")  # judged before the words are asked for
        assert (wrong.code, len(wrong.err.splitlines())) == (4, 1)
        blind = await phone.yurt("device", "revoke", device[:8])
        assert (blind.code, "--phrase-file" in blind.err) == (2, True)
        gone = await phone.yurt("device", "revoke", device[:8], "--phrase-file", words)
        assert (gone.code, "is shut out" in gone.out) == (0, True), gone.err
        assert len((await phone.yurt("devices")).out.splitlines()) == 1
        shut = await laptop.yurt("followers")
        assert (shut.code, "not in the newest person record" in shut.err) == (6, True), shut.err

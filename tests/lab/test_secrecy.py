"""What servers and former members cannot read, whatever they hold: disks, backups, packets, old keys."""

import asyncio
import base64
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from sqlcipher3.dbapi2 import Connection

from yurt.client.api import PersonView
from yurt.client.calls import Nothing
from yurt.client.devices.calls import DeviceViews, ListDevices, RevokeDevice, RoomsSettled
from yurt.client.history.calls import InviteWithHistory
from yurt.client.invitations.calls import JoinByLink, JoinView, LinkView, MakeLink
from yurt.client.rooms.naming import NameRoom
from yurt.client.vault.mls_store import VaultGroupStore
from yurt.client.vault.open import Vault
from yurt.lab.world.devices import link_device
from yurt.lab.world.people import PASSPHRASE, PATIENCE_S, Person, follow, meet
from yurt.lab.world.process import NodeProcess
from yurt.lab.world.world import HARBOUR, HILLTOP, World
from yurt.mls.errors import MlsError
from yurt.mls.group import Group
from yurt.wire.frames import room_log
from yurt.wire.post_commands import Post, Posted
from yurt.wire.registry import EntryKind

pytestmark = pytest.mark.asyncio

LATER: Final = 200

RECORDER: Final = """
import pathlib, ssl, sys
import yurt.wire.gate as gate

data = pathlib.Path(sys.argv[sys.argv.index("--data") + 1])
packets = open(data.parent / "packets", "ab", buffering=0)

def keep(function, chosen):
    def kept(*arguments, **options):
        result = function(*arguments, **options)
        packets.write(bytes(chosen(arguments, result)))
        return result
    return kept

def was_read(arguments, result):
    return result if isinstance(result, bytes) else bytes(arguments[2])[:result]

# Frames of clients are masked (RFC 6455, 5.3): they are kept as the gate gets them.
gate.decode_msgpack = keep(gate.decode_msgpack, lambda arguments, result: arguments[0])
ssl.SSLObject.write = keep(ssl.SSLObject.write, lambda arguments, result: arguments[1])
ssl.SSLObject.read = keep(ssl.SSLObject.read, was_read)

if sys.argv[1] == "backup":
    from yurt.node import commands
    commands.backup(data, data.parent / "backup.tar")
    sys.exit(0)
from yurt.node.__main__ import main
sys.exit(main())
"""
"""Runs a node as ever, and keeps all that it says and hears as it is inside TLS."""


class Canaries:
    """Words that occur nowhere else."""

    def __init__(self) -> None:
        self.made: dict[str, str] = {}

    def __call__(self, where: str) -> str:
        """Make one, or give the one that was made for a place."""
        return self.made.setdefault(where, f"canary{os.urandom(9).hex()}")

    def found_in(self, content: bytes) -> set[str]:
        """Which canaries are in some bytes, in whatever everyday form."""
        return {where for where, word in self.made.items() if any(form in content for form in _forms(word))}


def _forms(word: str) -> Iterator[bytes]:
    plain = word.encode()
    yield plain
    yield plain.hex().encode()
    yield word.encode("utf-16-le")
    for shift in range(3):  # Base64 of a longer text that has the word somewhere in it
        whole = base64.b64encode(bytes(shift) + plain)
        yield whole[4:-4]
        yield base64.urlsafe_b64encode(bytes(shift) + plain)[4:-4]


def everything_of(node: NodeProcess) -> dict[str, bytes]:
    """Every file of a node, its log, its backup, and what it said and heard."""
    folder = node.data.parent
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_canaries(tmp_path: Path) -> None:
    """What people say, and how they call their rooms, is nowhere on a node and in no packet."""
    canary = Canaries()
    async with World.open(tmp_path, program=("-c", RECORDER)) as world:
        ana, bo = await world.person("ana", HARBOUR), await world.person("bo", HILLTOP)
        await follow(bo, ana)
        room = await meet(ana, bo, name=canary("room name"))
        rename = NameRoom(
            room=room, content_id=os.urandom(16), called=canary("new name"), topic=canary("topic")
        )
        await ana.engine.call(rename, Nothing)
        await ana.engine.send(room, canary("body"), wait="accepted")
        line = await bo.reads(room, canary("body"))
        await bo.engine.send(room, canary("reply"), reply_to=line.item, wait="accepted")
        await bo.engine.react(room, line.item, canary("reaction")[:24], wait="accepted")
        canary.made["reaction"] = canary.made["reaction"][:24]
        own = await ana.has(room, canary("body"))
        await ana.engine.edit(room, own.item, canary("edit"), wait="accepted")
        gone = await ana.engine.send(room, canary("deleted"), wait="accepted")
        await ana.engine.delete(room, gone.item, wait="accepted")
        assert await bo.engine.search(canary("search word")) == []

        cy = await world.person("cy", HILLTOP)
        await follow(cy, ana)
        await ana.engine.call(InviteWithHistory(room=room, address=cy.address), PersonView)
        await cy.sees(room, lambda item: "vouches for them" in item.text)
        make = MakeLink(room=room, secret=os.urandom(16))
        url = (await ana.engine.call(make, LinkView)).url
        canary.made["secret of a link"] = url.partition("#")[2]
        dee = await world.person("dee", HARBOUR)
        joined = await dee.engine.call(JoinByLink(url=url, within=PATIENCE_S), JoinView)
        assert joined.name in canary.made.values()
        await bo.engine.mark_read(room, line.item)
        await world.nodes[HILLTOP].kill()  # a power cut while somebody speaks, and the way back
        await bo.engine.send(room, canary("outbox"))
        await world.nodes[HILLTOP].start()
        await ana.reads(room, canary("outbox"))
        await ana.engine.ask_node(Post(text=canary("public post")), Posted)

        for node in world.nodes.values():
            await node.command("backup")
            found = {name: canary.found_in(content) for name, content in everything_of(node).items()}
            assert {"packets", "log.txt", "backup.tar", "data/node.db", "data/node.db-wal"} <= found.keys()
            assert set().union(*found.values()) <= {"public post"}, found
        # The scan finds what is there: what was said to everybody.
        assert canary.found_in(everything_of(world.nodes[HARBOUR])["packets"]) == {"public post"}


# --- old keys, and all that a node has -----------------------------------------------------------------
def rows_of(node: NodeProcess, room: bytes) -> list[tuple[int, bytes]]:
    """Every message of a room that lies at a node, with its number."""
    with closing(sqlite3.connect(f"file:{node.data / 'node.db'}?mode=ro", uri=True)) as database:
        return database.execute(
            "SELECT seq, body FROM entry JOIN log ON log.id = entry.log "
            "WHERE name = ? AND kind = ? ORDER BY seq",
            (room_log(room), EntryKind.MESSAGE),
        ).fetchall()


async def opened(home: Path, room: bytes, rows: list[tuple[int, bytes]]) -> int:
    """How many messages a vault's keys open."""
    vault = await asyncio.to_thread(Vault.open, home, PASSPHRASE)

    def read(tx: Connection) -> int:
        count = 0
        for _, body in rows:
            try:
                Group.load(VaultGroupStore(tx), room).process(body, at=0)
                count += 1
            except MlsError:
                pass
        return count

    try:
        return await vault.write(read)
    finally:
        await vault.close()


async def copy_of(person: Person, folder: Path) -> Path:
    """What a thief has of a device: its vault, as it is now."""
    await person.close()
    shutil.copytree(person.home, folder)
    await person.reopen()
    return folder


async def test_removed_and_revoked_read_nothing_later_and_joiners_nothing_before(tmp_path: Path) -> None:
    """With the node's database, a copy of all old keys, and a client that goes on asking: 0 of 200."""
    async with World.open(tmp_path) as world:
        ana, bo = await world.person("ana", HARBOUR), await world.person("bo", HARBOUR)
        cy = await world.person("cy", HARBOUR)
        for guest in (bo, cy):
            await follow(guest, ana)
        room = await meet(ana, bo, cy)
        stolen = await link_device(world, bo)
        await stolen.enters(room)
        await ana.engine.send(room, "all of you read this", wait="accepted")
        for person in (bo, cy, stolen):
            await person.reads(room, "all of you read this")
        before = {"a removed person": await copy_of(cy, tmp_path / "cy copy")}
        before["a revoked device"] = await copy_of(stolen, tmp_path / "bo copy")
        last = max(seq for seq, _ in rows_of(world.nodes[HARBOUR], room))

        await ana.engine.remove(room, cy.address)
        own = (await stolen.engine.call(ListDevices(), DeviceViews)).devices[0].device_id
        revoke = RevokeDevice(device=own.hex(), phrase=bo.phrase)
        assert (await bo.engine.call(revoke, RoomsSettled)).left == 0
        for person in (ana, bo):
            await person.sees(room, lambda item: "removed a device of bo" in item.text)
        for number in range(LATER):
            await ana.engine.send(room, f"later {number}")
        await bo.reads(room, f"later {LATER - 1}")
        later = [row for row in rows_of(world.nodes[HARBOUR], room) if row[0] > last]
        assert len(later) >= LATER

        for person, home in ((cy, before["a removed person"]), (stolen, before["a revoked device"])):
            await person.engine.sync(2.0)  # they go on asking their node
            assert not [text for text in await person.texts(room) if text.startswith("later")]
            await person.close()
            await person.reopen()  # with the token, and a new stream
            await person.engine.sync(2.0)
            assert await person.texts(room) == ["all of you read this"]
            await person.close()
            assert await opened(person.home, room, later) == 0
            assert await opened(home, room, later) == 0

        dee = await world.person("dee", HARBOUR)
        await follow(dee, ana)
        await ana.engine.invite(room, dee.address)
        await dee.enters(room)
        await ana.engine.send(room, "welcome, dee", wait="accepted")
        await dee.reads(room, "welcome, dee")
        assert await dee.texts(room) == ["welcome, dee"]
        await dee.close()
        everything = rows_of(world.nodes[HARBOUR], room)
        assert (
            await opened(dee.home, room, everything) == 0
        )  # not even what she has read: those keys are gone
        # The scan opens what can be opened: whoever stayed reads on.
        await bo.close()
        await ana.engine.send(room, "for bo", wait="accepted")
        assert await opened(bo.home, room, rows_of(world.nodes[HARBOUR], room)) >= 1

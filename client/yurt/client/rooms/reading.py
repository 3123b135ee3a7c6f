"""The engine's part for read marks: tells the room how far this person has read, now and then, if they like.

One cumulative mark a device, at least five seconds apart, never in rooms of over 50 people (TRUST 4). A mark
is content: the nodes see no more of it than of a message.
"""

import os
from dataclasses import dataclass
from typing import ClassVar

from sqlcipher3.dbapi2 import Connection

from yurt.client.calls import EngineCall, EngineCalls, Nothing
from yurt.client.core import Core
from yurt.client.outbox import Outbox
from yurt.client.rooms.send import open_room, store
from yurt.client.soon import Soon
from yurt.client.vault import read_by, read_marks, rooms
from yurt.client.vault.read_by import Reader
from yurt.client.vault.timeline import NewItem
from yurt.identity.leaf import VerifiedLeaf
from yurt.rooms.common.content import CONTENT_ID_SIZE
from yurt.rooms.common.said import Mark, Read, encode_said
from yurt.rooms.member.read_marks import MARK_EVERY_MS, MOST_PEOPLE, OwnMark, may_mark
from yurt.wire.frames import room_log
from yurt.wire.position import LogRow


class SwitchReads(EngineCall, frozen=True, kw_only=True):
    """Tell others how far one has read in a room, or tell them no more (`Nothing`)."""

    name: ClassVar[str] = "switch_reads"

    room: bytes
    on: bool


@dataclass(frozen=True, slots=True)
class _Told:
    sent: bool = False
    wait_s: float = 0.0


class Reading:
    """Tells how far the person has read."""

    def __init__(self, core: Core, outbox: Outbox) -> None:
        self._core = core
        self._outbox = outbox
        self._soon = Soon("read marks", self._work)

    def calls(self) -> EngineCalls:
        """What is answered here."""
        return {SwitchReads: self.switch}

    async def close(self) -> None:
        """End."""
        await self._soon.close()

    def look(self, room: bytes | None) -> None:
        """Look whether there is something to tell: the person has read on, or the room is live again."""
        if room is not None:
            self._soon.look(room)

    async def switch(self, call: SwitchReads) -> Nothing:
        """Switch it on or off."""

        def unit(tx: Connection) -> None:
            open_room(tx, call.room)
            read_by.switch(tx, call.room, off=not call.on)

        await self._core.write(unit)
        self.look(call.room)
        return Nothing()

    async def _work(self, room: bytes) -> float:
        core = self._core
        if not core.session.is_live(room_log(room)):
            return 0.0
        now_ms = core.clock.now_ms()
        if await core.vault.read(lambda tx: not _has_news(tx, room)):
            return 0.0
        told = await core.write(lambda tx: _tell(core, tx, room, now_ms))
        if told.sent:
            self._outbox.kick(room)
        return told.wait_s


def take_mark(tx: Connection, room: bytes, row: LogRow, author: VerifiedLeaf, said: Read) -> None:
    """Take in how far a device of somebody else has read."""
    who = Reader(author.did, author.device_id, author.actor)
    read_by.note(tx, room, who, said.object.up_to, row.position)


def _has_news(tx: Connection, room: bytes) -> bool:
    up_to = read_by.position_of(tx, room, read_marks.load(tx, room))
    return up_to > read_by.told(tx, room).up_to and not read_by.is_off(tx, room)


def _tell(core: Core, tx: Connection, room: bytes, now_ms: int) -> _Told:
    found = rooms.find(tx, room)
    if found is None or found.state != "active":
        return _Told()
    up_to = read_by.position_of(tx, room, read_marks.load(tx, room))
    own, people = read_by.told(tx, room), len(found.people)
    if not may_mark(own, up_to, now_ms, people=people, enabled=not read_by.is_off(tx, room)):
        if people > MOST_PEOPLE or up_to <= own.up_to:
            return _Told()
        return _Told(wait_s=max(own.sent_at + MARK_EVERY_MS - now_ms, 0) / 1000 + 0.01)
    read_by.tell(tx, room, OwnMark(up_to, now_ms))
    name = os.urandom(CONTENT_ID_SIZE)
    line = NewItem(room=room, kind="notice", hidden=True)
    store(tx, core.device, found, name, encode_said(Read(name, Mark(up_to))), line)
    return _Told(sent=True)

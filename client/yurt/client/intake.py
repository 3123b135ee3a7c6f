"""What arrives from the node goes into the vault: rows of rooms, and the inbox that brings Welcomes.

The session's ``LogSink``. Each batch is one transaction with the place reached; what follows from it (a new
room to read, an outbox to look at) happens after the commit, and again after a restart if it was missed.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.conversations import tried
from yurt.client.core import Core
from yurt.client.devices import others, own_record
from yurt.client.outbox import Outbox
from yurt.client.people import newer_record
from yurt.client.portability import kit_notices
from yurt.client.rooms import lines
from yurt.client.rooms.join import join_room
from yurt.client.rooms.places import Places
from yurt.client.rooms.receive import Receiver
from yurt.client.vault import cursors, people, resyncs, rooms, timeline
from yurt.client.vault.people import Pin
from yurt.client.vault.rooms import RoomRow
from yurt.client.vault.timeline import NewItem
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.signed_record import SignedRecord, VerifiedRecord, verify_record
from yurt.rooms.common.log_copy import LogCopy
from yurt.wire import limits
from yurt.wire.errors import GateError
from yurt.wire.exchange import WelcomeDelivery
from yurt.wire.frames import INBOX, Gap, room_log, room_of
from yurt.wire.gate import decode_msgpack
from yurt.wire.position import LogRow, Position
from yurt.wire.problems import ProblemError
from yurt.wire.registry import EntryKind, InboxKind

_POISONED: Final = "this room is read no further until a restart: something in it could not be taken in"
NOT_SERVED_S: Final = 1.0
"""When to ask again for a room that the node does not serve yet: its own copy may just be arriving."""


class Intake:
    """Takes rows into the vault."""

    def __init__(self, core: Core, places: Places, outbox: Outbox) -> None:
        self.inbox_live = asyncio.Event()
        """Set each time that the inbox has been read to its head."""
        self.on_stopped: Callable[[bytes], None] = _nobody
        """Hears of a room that cannot be followed any more."""
        self.on_people: Callable[[], None] = _nothing
        """Hears that others may be in a room than before."""
        self.on_record: Callable[[VerifiedRecord], None] = _nobody
        """Hears of each newer record that came."""
        self.on_live: list[Callable[[bytes | None], None]] = []
        """Hear of each room that has been read to its head; None is the inbox."""
        self.on_ring: list[Callable[[bytes], None]] = []
        """Hear that the node has something about a room."""
        self._core = core
        self._receiver = Receiver(core.device, core.groups, places)
        self._outbox = outbox
        self._timers: set[asyncio.TimerHandle] = set()

    def close(self) -> None:
        """Ask for nothing more."""
        for timer in self._timers:
            timer.cancel()

    # --- LogSink ------------------------------------------------------------------------------------
    async def place(self, log: str) -> Position:
        """Tell the newest row taken in."""
        return (await self._core.vault.read(lambda tx: cursors.load(tx, log))).head

    async def take(self, log: str, rows: tuple[LogRow, ...]) -> Position:
        """Take rows in, durably."""
        room = room_of(log)
        if room is None:
            return await self._take_inbox(rows)
        now_ms = self._core.clock.now_ms()
        taken = await self._core.write(lambda tx: self._receiver.take(tx, room, rows, now_ms))
        if any(row.kind == EntryKind.COMMIT for row in rows):
            self.on_people()
        if taken.ahead:
            self._core.clock_ahead.add(room)
        else:
            self._core.clock_ahead.discard(room)
        if taken.room is not None and taken.room.state != "active":
            await self._ended(room, log)
        return taken.place

    async def gap(self, gap: Gap) -> Position:
        """Take in that rows will not come; a room's keys cannot be followed across one."""
        room = room_of(gap.log)
        now_ms = self._core.clock.now_ms()
        await self._core.write(lambda tx: _skip(tx, gap, room, now_ms))
        if room is not None:
            await self._ended(room, gap.log)
        return gap.to

    async def _ended(self, room: bytes, log: str) -> None:
        """Read a room no longer; it may come back (`yurt.client.rooms.heal`)."""
        await self._core.session.unfollow(log)
        self.on_stopped(room)

    async def unavailable(self, log: str) -> None:
        """Ask again later for a room that the node does not serve (yet)."""
        room = room_of(log)
        found = None if room is None else await self._core.vault.read(lambda tx: rooms.find(tx, room))
        if found is not None and found.state == "active":
            self._later(NOT_SERVED_S, log)

    async def poisoned(self, log: str) -> None:
        """Say in the room that it goes on nowhere until a restart; the other rooms do."""
        room = room_of(log)
        if room is not None:
            item = NewItem(room=room, kind="notice", text=_POISONED, reason="poisoned")
            await self._core.write(lambda tx: timeline.add(tx, item))

    def live(self, log: str) -> None:
        """Look into the outbox of a room that can be written to."""
        room = room_of(log)
        if room is None:
            self.inbox_live.set()
        else:
            self._outbox.kick(room)
        for listener in self.on_live:
            listener(room)

    def ring(self, room: bytes) -> None:
        """Pass on that the node has something about a room."""
        for listener in self.on_ring:
            listener(room)

    # --- inbox --------------------------------------------------------------------------------------
    async def _take_inbox(self, rows: tuple[LogRow, ...]) -> Position:
        heard: list[VerifiedRecord] = []
        joined = await self._core.write(partial(self._inbox_rows, rows, heard))
        for record in heard:
            if record.did == self._core.account.did:
                await own_record.take_over(self._core)
                self.inbox_live.set()  # key packages may have to be made anew
            self.on_record(record)
        for room in joined:
            self.on_people()
            await self._core.session.follow(room_log(room.room))
        return await self.place(INBOX)

    def _inbox_rows(
        self, rows: tuple[LogRow, ...], heard: list[VerifiedRecord], tx: Connection
    ) -> list[RoomRow]:
        place, joined = cursors.load(tx, INBOX).head, list[RoomRow]()
        for row in rows:
            if row.position <= place:
                continue
            place = row.position
            match row.kind:
                case InboxKind.WELCOME:
                    joined += self._welcome(tx, row)
                case InboxKind.RECORD:
                    heard += _record(tx, row, self._core.clock.now_ms())
                case InboxKind.CONVERSATION:
                    tried.take(tx, row)
                case InboxKind.KIT:
                    kit_notices.take(tx, row)
                case _:
                    pass  # follows are asked for when somebody looks; unknown kinds are for newer clients
        cursors.save(tx, INBOX, LogCopy(place, b""))
        return joined

    def _welcome(self, tx: Connection, row: LogRow) -> list[RoomRow]:
        try:
            delivery = decode_msgpack(row.body, WelcomeDelivery, limit=limits.NODE_FRAME)
        except GateError:
            return []  # the own node's nonsense: nothing to show, nothing to lose
        room = join_room(tx, self._core.device, self._core.groups, delivery)
        return [room] if isinstance(room, RoomRow) else []

    def _later(self, delay: float, log: str) -> None:
        loop = asyncio.get_running_loop()

        def ask() -> None:
            self._timers.discard(timer)
            loop.create_task(self._core.session.follow(log))  # noqa: RUF006  # ends in one frame

        timer = loop.call_later(delay, ask)
        self._timers.add(timer)


def _nothing() -> None:
    """Hear of it in no way."""


def _nobody(_who: object) -> None:
    """Hear of it in no way."""


def _skip(tx: Connection, gap: Gap, room: bytes | None, now_ms: int) -> None:
    cursors.save(tx, gap.log, LogCopy(gap.to, b""))
    found = None if room is None else rooms.find(tx, room)
    if found is None or found.state != "active":
        return
    text = (
        f"rows up to {gap.to.term}.{gap.to.seq} are gone ({gap.reason}): this room is stopped here. "
        "This device comes back by itself"
    )
    timeline.add(tx, NewItem(room=found.room, kind="notice", text=text, reason=lines.STOPPED))
    rooms.update(tx, rooms.stopped(found, gap.reason))
    resyncs.want(tx, found.room, gap.reason, now_ms)


def _record(tx: Connection, row: LogRow, now_ms: int) -> list[VerifiedRecord]:
    """Take in a newer record: own, or of somebody pinned; of others only what they revoke.

    Returns:
        The record, if it is believed.
    """
    try:
        record = verify_record(SignedRecord.decode(row.body))
        if own_record.keep(tx, row.body) is not None:
            return [record]
        pin = people.by_did(tx, record.did)
        if pin is not None:
            record = newer_record(pin, row.body)
            people.save(
                tx, Pin(pin.did, pin.address, record.record.actor, record.signed.encode(), pin.changed)
            )
        others.keep(tx, record, now_ms)
    except (RemoteIdentityError, ProblemError):
        return []
    return [record]

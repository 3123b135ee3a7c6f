"""Rows of a room's log go into the vault: contents, epochs and the place reached, in one transaction.

    row -> follow (next? chain? time?) -> commit: roster / message: messages / else: chained and skipped

A log that contradicts itself, or a commit that cannot be followed, stops the room: it can still be read,
nothing is sent into it, and a line says why.
"""

from dataclasses import dataclass

from sqlcipher3.dbapi2 import Connection

from yurt.client.errors import ClientError
from yurt.client.rooms import lines
from yurt.client.rooms.groups import Groups
from yurt.client.rooms.leaves import Device
from yurt.client.rooms.messages import Messages
from yurt.client.rooms.places import Places
from yurt.client.rooms.roster import CannotFollow, Roster
from yurt.client.vault import cursors, resyncs, rooms, timeline
from yurt.client.vault.rooms import RoomRow
from yurt.client.vault.timeline import NewItem
from yurt.mls.errors import RowsIncomplete, UnknownGroup
from yurt.rooms.common.errors import LogForked, LogGap
from yurt.rooms.common.log_copy import Continued, Duplicate, LogCopy, follow
from yurt.wire.frames import room_log
from yurt.wire.position import LogRow, Position
from yurt.wire.registry import EntryKind


class RowsLeftOut(ClientError):
    """The node left out rows without saying so: ask again from where the vault stands."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What taking rows in has led to."""

    place: Position
    """The newest row taken in."""
    room: RoomRow | None = None
    ahead: bool = False
    """The hub's clock is far ahead of ours: nothing may be sent (TRUST 3)."""


class Receiver:
    """Takes rows of rooms in; only for the vault's writer thread."""

    def __init__(self, device: Device, groups: Groups, places: Places) -> None:
        self._groups = groups
        self._places = places
        self._roster = Roster(device, groups)
        self._messages = Messages(groups, places)

    def take(self, tx: Connection, room: bytes, rows: tuple[LogRow, ...], now_ms: int) -> Taken:
        """Take rows in, in order; what is here already is passed over.

        Raises:
            RowsLeftOut: There is a hole before the first new row.
        """
        copy, found = cursors.load(tx, room_log(room)), rooms.find(tx, room)
        if found is None or found.state != "active":
            return Taken(copy.head, found)
        before, ahead = found, False
        self._places.note(room, copy)
        for row in rows:
            try:
                step = _next(copy, row, now_ms)
                if step is None:
                    continue
                found = self._take_row(tx, found, row)
            except (UnknownGroup, RowsIncomplete):
                found = _stop(tx, found, row, CannotFollow(lines.STATE_LOST, heals=True), now_ms)
                break
            except CannotFollow as error:
                found = _stop(tx, found, row, error, now_ms)
                break
            copy, ahead = step.copy, step.ahead
            self._places.note(room, copy)
            if found.state != "active":
                break
        cursors.save(tx, room_log(room), copy)
        if found != before:
            rooms.update(tx, found)
        return Taken(copy.head, found, ahead)

    def _take_row(self, tx: Connection, room: RoomRow, row: LogRow) -> RoomRow:
        match row.kind:
            case EntryKind.COMMIT:
                return self._roster.take(tx, room, row)
            case EntryKind.MESSAGE:
                return self._messages.take(tx, room, row)
            case EntryKind.PROPOSAL:
                return self._roster.take_proposal(tx, room, row)
            case _:
                return room  # unknown kinds are chained and skipped (TRUST 4)


def _next(copy: LogCopy, row: LogRow, now_ms: int) -> Continued | None:
    """Check that a row is the next one; None if it is here already.

    Raises:
        CannotFollow: It contradicts the log.
        RowsLeftOut: There is a hole before it.
    """
    try:
        step = follow(copy, row, now_ms)
    except LogForked as error:
        raise CannotFollow(f"{lines.LOG_FORKED}/{error.why}") from error
    except LogGap as error:
        raise RowsLeftOut(f"the node left out rows of a room: {error}") from None
    return None if isinstance(step, Duplicate) else step


def _stop(tx: Connection, room: RoomRow, row: LogRow, error: CannotFollow, now_ms: int) -> RoomRow:
    text = lines.stopped(error.code, heals=error.heals)
    if error.heals:
        resyncs.want(tx, room.room, error.code, now_ms)
    timeline.add(
        tx, NewItem(room=room.room, kind="notice", text=text, reason=lines.STOPPED, position=row.position)
    )
    return rooms.stopped(room, error.code)

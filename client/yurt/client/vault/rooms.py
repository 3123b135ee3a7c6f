"""The rooms of this vault, and what each sending leaf of them has shown so far."""

from dataclasses import dataclass, replace
from typing import Final, Literal

import msgspec
from sqlcipher3.dbapi2 import Connection

from yurt.client.vault.writer import Row
from yurt.rooms.member.received import SenderLog
from yurt.rooms.member.sending import SenderState

RoomState = Literal["creating", "active", "removed", "stopped"]
"""``creating`` until the hub has it; ``stopped`` after a log or commit that cannot be followed."""

_SELECT: Final = (
    "SELECT room, name, topic, hub, state, reason, counter, previous, stamped, epoch, people FROM room"
)

_UNSENT: Final = SenderState()


@dataclass(frozen=True, slots=True)
class RoomRow:
    """A room as the vault has it; its MLS state and its place in the log are in other tables."""

    room: bytes
    name: str
    topic: str
    hub: str
    state: RoomState
    reason: str = ""
    """Code: why it is stopped."""
    sender: SenderState = _UNSENT
    """How far this device's own content has come."""
    stamped: bool = True
    """Whether the place that the Welcome was stamped with has been confirmed by a member's message."""
    epoch: int = 0
    people: tuple[tuple[str, str], ...] = ()
    """Did and actor of each participant, as of the newest epoch; own first."""


def insert(tx: Connection, room: RoomRow) -> None:
    """Add a room."""
    tx.execute(
        """
        INSERT INTO room (room, name, topic, hub, state, reason, counter, previous, stamped, epoch, people)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        _values(room),
    )


def update(tx: Connection, room: RoomRow) -> None:
    """Write a room as it is now."""
    tx.execute(
        """
        UPDATE room SET room = ?, name = ?, topic = ?, hub = ?, state = ?, reason = ?,
            counter = ?, previous = ?, stamped = ?, epoch = ?, people = ? WHERE room = ?
        """,
        (*_values(room), room.room),
    )


def find(tx: Connection, room: bytes) -> RoomRow | None:
    """Look a room up by its id."""
    row = tx.execute(_SELECT + " WHERE room = ?", (room,)).fetchone()
    return None if row is None else _room(row)


def every(tx: Connection) -> list[RoomRow]:
    """Give all rooms, oldest first."""
    rows = tx.execute(_SELECT + " ORDER BY id").fetchall()
    return [_room(row) for row in rows]


def delete(tx: Connection, room: bytes) -> None:
    """Forget a room that never came to be."""
    for statement in (
        "DELETE FROM room WHERE room = ?",
        "DELETE FROM outbox WHERE room = ?",
        "DELETE FROM pending_commit WHERE room = ?",
        "DELETE FROM item WHERE room = ?",
        "DELETE FROM read_mark WHERE room = ?",
        "DELETE FROM own_entry WHERE room = ?",
        "DELETE FROM action WHERE room = ?",
        "DELETE FROM own_leaf WHERE room = ?",
        "DELETE FROM leaving WHERE room = ?",
        "DELETE FROM departure WHERE room = ?",
    ):
        tx.execute(statement, (room,))


def sender_log(tx: Connection, room: bytes, did: str, device_id: bytes) -> SenderLog | None:
    """Give the last message known of a leaf."""
    row = tx.execute(
        "SELECT counter, hash FROM sender WHERE room = ? AND did = ? AND device_id = ?",
        (room, did, device_id),
    ).fetchone()
    return None if row is None else SenderLog(*row)


def keep_sender_log(tx: Connection, room: bytes, did: str, device_id: bytes, log: SenderLog) -> None:
    """Write the last message known of a leaf."""
    tx.execute(
        "INSERT OR REPLACE INTO sender (room, did, device_id, counter, hash) VALUES (?, ?, ?, ?, ?)",
        (room, did, device_id, log.counter, log.hash),
    )


def forget_sender(tx: Connection, room: bytes, did: str, device_id: bytes) -> None:
    """Forget a leaf that left: should it come back, it begins anew."""
    tx.execute("DELETE FROM sender WHERE room = ? AND did = ? AND device_id = ?", (room, did, device_id))


def _values(room: RoomRow) -> tuple[object, ...]:
    return (
        room.room,
        room.name,
        room.topic,
        room.hub,
        room.state,
        room.reason,
        room.sender.counter,
        room.sender.previous,
        int(room.stamped),
        room.epoch,
        msgspec.json.encode(room.people).decode(),
    )


def _room(row: Row) -> RoomRow:
    room, name, topic, hub, state, reason, counter, previous, stamped, epoch, people = row
    pairs = msgspec.json.decode(people, type=tuple[tuple[str, str], ...])
    sender = SenderState(counter, previous)
    return RoomRow(room, name, topic, hub, state, reason, sender, bool(stamped), epoch, pairs)


def stopped(room: RoomRow, reason: str) -> RoomRow:
    """Give a room as it is once its log cannot be followed any more."""
    return replace(room, state="stopped", reason=reason)


def ended(room: RoomRow, reason: str) -> RoomRow:
    """Give a room as it is once this device is out of it."""
    return replace(room, state="removed", reason=reason)

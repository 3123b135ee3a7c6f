"""Rooms that this person has left, until the log says so; and rooms that somebody else wants to leave."""

from dataclasses import dataclass
from typing import Final

from sqlcipher3.dbapi2 import Connection

LEFT: Final = "left"
"""Reason of a room that ended because we left it."""

TABLE: Final = (
    # Own: closed here at once, however long the room takes to notice.
    """
    CREATE TABLE leaving (
        room   BLOB PRIMARY KEY,
        entry  BLOB NOT NULL DEFAULT x'',          -- the SelfRemove, to be sent again byte for byte
        epoch  INTEGER NOT NULL DEFAULT -1         -- of the entry; a later one needs another
    ) STRICT, WITHOUT ROWID
    """,
    # Others': somebody has to commit what they proposed.
    """
    CREATE TABLE departure (
        room   BLOB PRIMARY KEY,
        since  INTEGER NOT NULL                    -- milliseconds since 1970, by the hub's clock
    ) STRICT, WITHOUT ROWID
    """,
)


@dataclass(frozen=True, slots=True)
class Leaving:
    """How far leaving a room has come."""

    room: bytes
    entry: bytes
    epoch: int


def begin(tx: Connection, room: bytes) -> None:
    """Close a room here."""
    tx.execute("INSERT OR IGNORE INTO leaving (room) VALUES (?)", (room,))


def propose(tx: Connection, room: bytes, entry: bytes, epoch: int) -> None:
    """Keep the SelfRemove of an epoch."""
    tx.execute("UPDATE leaving SET entry = ?, epoch = ? WHERE room = ?", (entry, epoch, room))


def find(tx: Connection, room: bytes) -> Leaving | None:
    """Give how far leaving a room has come; None if we stay."""
    row = tx.execute("SELECT room, entry, epoch FROM leaving WHERE room = ?", (room,)).fetchone()
    return None if row is None else Leaving(*row)


def end(tx: Connection, room: bytes) -> bool:
    """Note that we are out; whether we had wanted it."""
    return tx.execute("DELETE FROM leaving WHERE room = ?", (room,)).rowcount > 0


def depart(tx: Connection, room: bytes, since: int) -> None:
    """Note that somebody else wants to leave; the first one counts."""
    tx.execute("INSERT OR IGNORE INTO departure (room, since) VALUES (?, ?)", (room, since))


def departure(tx: Connection, room: bytes) -> int | None:
    """Since when somebody wants to leave a room, in milliseconds since 1970."""
    row = tx.execute("SELECT since FROM departure WHERE room = ?", (room,)).fetchone()
    return None if row is None else int(row[0])


def departed(tx: Connection, room: bytes) -> None:
    """Note that a new epoch began: whoever is still there says it again."""
    tx.execute("DELETE FROM departure WHERE room = ?", (room,))

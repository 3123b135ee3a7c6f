"""Rooms that this device wants to come back into from outside, and when it did (TRUST 7)."""

from dataclasses import dataclass
from typing import Final

from sqlcipher3.dbapi2 import Connection

TABLE: Final = (
    """
    CREATE TABLE resync (
        id       INTEGER PRIMARY KEY,
        room     BLOB NOT NULL,
        why      TEXT NOT NULL,                     -- code: why the room had stopped
        at       INTEGER NOT NULL,                  -- milliseconds since 1970: when it was wanted
        done_at  INTEGER NOT NULL DEFAULT 0         -- when the room went on; 0: still wanted
    ) STRICT
    """,
    "CREATE UNIQUE INDEX resync_wanted ON resync (room) WHERE done_at = 0",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A room that waits for its repair."""

    room: bytes
    why: str


def want(tx: Connection, room: bytes, why: str, now_ms: int) -> None:
    """Note that a room is to be repaired; once."""
    tx.execute("INSERT OR IGNORE INTO resync (room, why, at) VALUES (?, ?, ?)", (room, why, now_ms))


def wanted(tx: Connection) -> list[Wanted]:
    """Give what waits for its repair, oldest first."""
    rows = tx.execute("SELECT room, why FROM resync WHERE done_at = 0 ORDER BY id").fetchall()
    return [Wanted(*row) for row in rows]


def is_wanted(tx: Connection, room: bytes) -> bool:
    """Tell whether a room waits for its repair."""
    return tx.execute("SELECT 1 FROM resync WHERE room = ? AND done_at = 0", (room,)).fetchone() is not None


def done(tx: Connection, room: bytes, now_ms: int) -> None:
    """Note that a room goes on."""
    tx.execute("UPDATE resync SET done_at = ? WHERE room = ? AND done_at = 0", (now_ms, room))


def give_up(tx: Connection, room: bytes) -> None:
    """Note that a room stays as it is, until a person asks for its repair."""
    tx.execute("DELETE FROM resync WHERE room = ? AND done_at = 0", (room,))


def count_done(tx: Connection, room: bytes, since_ms: int) -> int:
    """Count the repairs of a room since a time."""
    (number,) = tx.execute(
        "SELECT count(*) FROM resync WHERE room = ? AND done_at > ?", (room, since_ms)
    ).fetchone()
    return int(number)


def told(tx: Connection, room: bytes, reason: str) -> str:
    """Give the newest line of a room with this reason, so that nothing is said twice; empty if none."""
    row = tx.execute(
        "SELECT text FROM item WHERE room = ? AND reason = ? ORDER BY id DESC LIMIT 1", (room, reason)
    ).fetchone()
    return "" if row is None else str(row[0])

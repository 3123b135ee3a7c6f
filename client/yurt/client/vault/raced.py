"""Messages that were written before this device came into a room, and got their place after it.

They are encrypted for an epoch that this device was never in. The log has them, so they are lines with a
reason; another device of this person, or whoever gives history here, is asked to tell them.
"""

from dataclasses import dataclass
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.wire.position import Position

BEFORE_YOU: Final = "beforeYou"
"""Reason of such a line."""
TRIES: Final = 3

TABLE: Final = (
    """
    CREATE TABLE raced (
        room   BLOB PRIMARY KEY,
        epoch  INTEGER NOT NULL,              -- the first one of this device
        since  INTEGER NOT NULL DEFAULT 0,    -- accepted_at of the first such message
        term   INTEGER NOT NULL DEFAULT 0,    -- the last one's place
        seq    INTEGER NOT NULL DEFAULT 0,
        due    INTEGER NOT NULL DEFAULT 0,    -- milliseconds since 1970: others are asked then
        asked  INTEGER NOT NULL DEFAULT 0     -- how often they were
    ) STRICT, WITHOUT ROWID
    """,
)


@dataclass(frozen=True, slots=True)
class Raced:
    """What is to be asked for in a room."""

    room: bytes
    since: int
    last: Position
    due: int


def enter(tx: Connection, room: bytes, epoch: int) -> None:
    """Note with which epoch this device comes into a room."""
    tx.execute("INSERT OR REPLACE INTO raced (room, epoch) VALUES (?, ?)", (room, epoch))


def is_before(tx: Connection, room: bytes, epoch: int) -> bool:
    """Whether an epoch was over when this device came."""
    row = tx.execute("SELECT epoch FROM raced WHERE room = ?", (room,)).fetchone()
    return row is not None and epoch < row[0]


def note(tx: Connection, room: bytes, position: Position, accepted_at: int, due: int) -> None:
    """Note such a message; others are asked once no more come."""
    tx.execute(
        """
        UPDATE raced SET since = CASE since WHEN 0 THEN ?2 ELSE since END, term = ?3, seq = ?4, due = ?5
        WHERE room = ?1
        """,
        (room, accepted_at, position.term, position.seq, due),
    )


def waiting(tx: Connection) -> list[Raced]:
    """Give what is still to be asked for."""
    rows = tx.execute(
        """
        SELECT room, since, term, seq, due FROM raced
        WHERE since > 0 AND asked < ?1 AND EXISTS (
            SELECT 1 FROM item WHERE item.room = raced.room AND kind = 'undecryptable' AND reason = ?2)
        """,
        (TRIES, BEFORE_YOU),
    ).fetchall()
    return [Raced(room, since, Position(term, seq), due) for room, since, term, seq, due in rows]


def asked(tx: Connection, room: bytes, again_at: int) -> None:
    """Remember that others were asked, and when to ask once more."""
    tx.execute("UPDATE raced SET asked = asked + 1, due = ? WHERE room = ?", (again_at, room))


def give_up(tx: Connection, room: bytes) -> None:
    """Nobody may tell it here: the lines stay, with their reason."""
    tx.execute("UPDATE raced SET asked = ? WHERE room = ?", (TRIES, room))


def line_at(tx: Connection, room: bytes, position: Position) -> int | None:
    """Local id of the line that stands for such a message."""
    row = tx.execute(
        """
        SELECT id FROM item WHERE room = ? AND term = ? AND seq = ? AND kind = 'undecryptable' AND reason = ?
        """,
        (room, position.term, position.seq, BEFORE_YOU),
    ).fetchone()
    return None if row is None else int(row[0])

"""How far others have read each room, and what this device has told of its own person's reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.rooms.member.read_marks import OwnMark
from yurt.wire.position import START, Position

TABLE: Final = (
    """
    CREATE TABLE read_by (
        room       BLOB NOT NULL,
        did        TEXT NOT NULL,
        device_id  BLOB NOT NULL,
        actor      TEXT NOT NULL,
        term       INTEGER NOT NULL,
        seq        INTEGER NOT NULL,
        PRIMARY KEY (room, did, device_id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE read_told (
        room  BLOB PRIMARY KEY,
        term  INTEGER NOT NULL DEFAULT 0,
        seq   INTEGER NOT NULL DEFAULT 0,
        at    INTEGER NOT NULL DEFAULT 0,          -- milliseconds since 1970
        off   INTEGER NOT NULL DEFAULT 0           -- whether the person tells nobody
    ) STRICT, WITHOUT ROWID
    """,
)
SHOWN: Final = 200
"""Own lines, from the end of a room, that are shown anew when somebody has read on."""
_NEXT_REVISION: Final = "(SELECT coalesce(max(revision), 0) + 1 FROM item)"


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose mark it is."""

    did: str
    device_id: bytes
    actor: str


def note(tx: Connection, room: bytes, who: Reader, up_to: Position, at: Position) -> None:
    """Take in a mark that stands at a position; it moves only forward, and never beyond its own place."""
    if up_to >= at:
        return
    before = of(tx, room, who.did)
    tx.execute(
        """
        INSERT INTO read_by (room, did, device_id, actor, term, seq) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (room, did, device_id) DO UPDATE
            SET actor = excluded.actor, term = excluded.term, seq = excluded.seq
        WHERE (excluded.term, excluded.seq) > (term, seq)
        """,
        (room, who.did, who.device_id, who.actor, up_to.term, up_to.seq),
    )
    if up_to <= before:
        return
    changed = tx.execute(
        """
        SELECT id FROM item WHERE room = ?1 AND own = 1 AND hidden = 0 AND kind = 'message' AND seq > 0
            AND (term, seq) > (?2, ?3) AND (term, seq) <= (?4, ?5)
        ORDER BY seq DESC LIMIT ?6
        """,
        (room, before.term, before.seq, up_to.term, up_to.seq, SHOWN),
    ).fetchall()
    tx.executemany(f"UPDATE item SET revision = {_NEXT_REVISION} WHERE id = ?", changed)  # noqa: S608  # a constant


def of(tx: Connection, room: bytes, did: str) -> Position:
    """How far somebody has read, on whichever device."""
    rows = tx.execute("SELECT term, seq FROM read_by WHERE room = ? AND did = ?", (room, did)).fetchall()
    return max((Position(term, seq) for term, seq in rows), default=START)


def forget(tx: Connection, room: bytes, gone: Sequence[str]) -> None:
    """Forget people who went."""
    tx.executemany("DELETE FROM read_by WHERE room = ? AND did = ?", [(room, did) for did in gone])


def told(tx: Connection, room: bytes) -> OwnMark:
    """What this device has told."""
    row = tx.execute("SELECT term, seq, at FROM read_told WHERE room = ?", (room,)).fetchone()
    return OwnMark() if row is None else OwnMark(Position(row[0], row[1]), row[2])


def tell(tx: Connection, room: bytes, mark: OwnMark) -> None:
    """Remember what this device tells."""
    tx.execute(
        """
        INSERT INTO read_told (room, term, seq, at) VALUES (?, ?, ?, ?)
        ON CONFLICT (room) DO UPDATE SET term = excluded.term, seq = excluded.seq, at = excluded.at
        """,
        (room, mark.up_to.term, mark.up_to.seq, mark.sent_at),
    )


def is_off(tx: Connection, room: bytes) -> bool:
    """Whether the person tells nobody how far they have read."""
    row = tx.execute("SELECT off FROM read_told WHERE room = ?", (room,)).fetchone()
    return row is not None and bool(row[0])


def switch(tx: Connection, room: bytes, *, off: bool) -> None:
    """Switch telling others on or off."""
    tx.execute(
        "INSERT INTO read_told (room, off) VALUES (?, ?) ON CONFLICT (room) DO UPDATE SET off = excluded.off",
        (room, int(off)),
    )


def position_of(tx: Connection, room: bytes, item: int) -> Position:
    """Give the position of the newest message of others among the lines of a room up to one."""
    row = tx.execute(
        """
        SELECT term, seq FROM item WHERE room = ? AND id <= ? AND seq > 0 AND kind = 'message' AND own = 0
        ORDER BY id DESC LIMIT 1
        """,
        (room, item),
    ).fetchone()
    return START if row is None else Position(*row)

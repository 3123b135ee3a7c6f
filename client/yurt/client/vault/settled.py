"""What devices said they have seen of each room, and up to where each author's messages are settled by that.

Settled goes only forward: a checkpoint that is replaced, or a person who joins, takes nothing back.
"""

from dataclasses import dataclass
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.wire.position import START, Position

TABLE: Final = (
    """
    CREATE TABLE checkpoint (
        room       BLOB NOT NULL,
        did        TEXT NOT NULL,
        device_id  BLOB NOT NULL,
        term       INTEGER NOT NULL,
        seq        INTEGER NOT NULL,
        body       BLOB NOT NULL,                  -- as it was signed
        PRIMARY KEY (room, did, device_id)
    ) STRICT, WITHOUT ROWID
    """,
    # Up to where an author's messages stand on a second, independent copy (TRUST 4).
    """
    CREATE TABLE settled (
        room  BLOB NOT NULL,
        did   TEXT NOT NULL,                       -- of the author
        term  INTEGER NOT NULL,
        seq   INTEGER NOT NULL,
        PRIMARY KEY (room, did)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE signed (
        room  BLOB PRIMARY KEY,
        at    INTEGER NOT NULL                     -- milliseconds since 1970: the last own checkpoint
    ) STRICT, WITHOUT ROWID
    """,
)
RECENT: Final = 500
"""Lines of a room, from its end, whose authors are looked at."""
_NEXT_REVISION: Final = "(SELECT coalesce(max(revision), 0) + 1 FROM item)"


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """What a device said."""

    did: str
    device_id: bytes
    position: Position
    body: bytes


def keep(tx: Connection, room: bytes, new: KeptCheckpoint) -> bool:
    """Keep the newest of a device; whether this one is."""
    changed = tx.execute(
        """
        INSERT INTO checkpoint (room, did, device_id, term, seq, body) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (room, did, device_id) DO UPDATE SET term = excluded.term, seq = excluded.seq,
            body = excluded.body
        WHERE (excluded.term, excluded.seq) > (term, seq)
        """,
        (room, new.did, new.device_id, new.position.term, new.position.seq, new.body),
    )
    return changed.rowcount > 0


def checkpoints(tx: Connection, room: bytes) -> list[bytes]:
    """Give the newest of each device."""
    rows = tx.execute("SELECT body FROM checkpoint WHERE room = ?", (room,)).fetchall()
    return [bytes(row[0]) for row in rows]


def signed_at(tx: Connection, room: bytes) -> int:
    """When this device last signed one, in milliseconds since 1970."""
    row = tx.execute("SELECT at FROM signed WHERE room = ?", (room,)).fetchone()
    return 0 if row is None else int(row[0])


def note_signed(tx: Connection, room: bytes, at: int) -> None:
    """Remember when this device signed one."""
    tx.execute("INSERT OR REPLACE INTO signed (room, at) VALUES (?, ?)", (room, at))


def newest_by_author(tx: Connection, room: bytes) -> dict[str, Position]:
    """Give the newest position of each author, of the last lines of a room."""
    rows = tx.execute(
        """
        SELECT did, term, seq FROM item
        WHERE room = ? AND seq > 0 AND vouched = '' AND (kind = 'message' OR hidden = 1)
        ORDER BY id DESC LIMIT ?
        """,
        (room, RECENT),
    ).fetchall()
    newest: dict[str, Position] = {}
    for did, term, seq in rows:
        newest[did] = max(newest.get(did, START), Position(term, seq))
    return newest


def up_to(tx: Connection, room: bytes) -> dict[str, Position]:
    """Give up to where each author's messages are settled."""
    rows = tx.execute("SELECT did, term, seq FROM settled WHERE room = ?", (room,)).fetchall()
    return {did: Position(term, seq) for did, term, seq in rows}


def settle(tx: Connection, room: bytes, did: str, position: Position) -> None:
    """Note that an author's messages are settled up to a position; own ones change their look."""
    old = up_to(tx, room).get(did, START)
    if position <= old:
        return
    tx.execute(
        "INSERT OR REPLACE INTO settled (room, did, term, seq) VALUES (?, ?, ?, ?)",
        (room, did, position.term, position.seq),
    )
    changed = tx.execute(
        """
        SELECT id FROM item WHERE room = ?1 AND own = 1 AND did = ?2 AND hidden = 0 AND seq > 0
            AND (term, seq) > (?3, ?4) AND (term, seq) <= (?5, ?6)
        ORDER BY id
        """,
        (room, did, old.term, old.seq, position.term, position.seq),
    ).fetchall()
    tx.executemany(f"UPDATE item SET revision = {_NEXT_REVISION} WHERE id = ?", changed)  # noqa: S608  # a constant

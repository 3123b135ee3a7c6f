"""Own entries by their hash: the only thing about a row of the log that a node cannot choose (TRUST 4).

A place proves nothing: a node may answer with any. Every encryption is remembered, also one that was given
up: should a hub that refused it bring it after all, it is known.
"""

from sqlcipher3.dbapi2 import Connection

from yurt.wire.position import Position


def keep(tx: Connection, room: bytes, item: int, entry_hash: bytes, epoch: int) -> None:
    """Remember an entry, in the transaction that seals it."""
    tx.execute(
        "INSERT INTO own_entry (hash, room, item, epoch) VALUES (?, ?, ?, ?)",
        (entry_hash, room, item, epoch),
    )


def find(tx: Connection, room: bytes, entry_hash: bytes) -> int | None:
    """Give the line that an entry of the log is; None if it is not ours."""
    row = tx.execute(
        "SELECT item FROM own_entry WHERE hash = ? AND room = ?",
        (entry_hash, room),
    ).fetchone()
    return None if row is None else int(row[0])


def place(tx: Connection, item: int, entry_hash: bytes, position: Position, accepted_at: int) -> bool:
    """Note where the log brought an entry; returns whether it is the first one of its line.

    The log's word goes over the receipt's; of several entries of one line, the first in the log counts.
    """
    (seen,) = tx.execute("SELECT max(seen) FROM own_entry WHERE item = ?", (item,)).fetchone()
    tx.execute("UPDATE own_entry SET seen = 1 WHERE hash = ?", (entry_hash,))
    if seen:
        return False
    tx.execute(
        """
        UPDATE item SET state = 'accepted', reason = '', term = ?1, seq = ?2, accepted_at = ?3,
            revision = (SELECT coalesce(max(revision), 0) + 1 FROM item)
        WHERE id = ?4 AND (state, term, seq, accepted_at) <> ('accepted', ?1, ?2, ?3)
        """,
        (position.term, position.seq, accepted_at, item),
    )
    return True

"""Up to where this device has taken in each log; moves in the transaction that took the row in."""

from sqlcipher3.dbapi2 import Connection

from yurt.rooms.common.log_copy import LogCopy
from yurt.wire.position import START, Position


def load(tx: Connection, log: str) -> LogCopy:
    """Give the place reached in a log; the start of one never read."""
    row = tx.execute("SELECT term, seq, chain, accepted_at FROM cursor WHERE log = ?", (log,)).fetchone()
    if row is None:
        return LogCopy(START, b"")
    term, seq, chain, accepted_at = row
    return LogCopy(Position(term, seq), chain, accepted_at)


def save(tx: Connection, log: str, copy: LogCopy) -> None:
    """Move to a place."""
    tx.execute(
        "INSERT OR REPLACE INTO cursor (log, term, seq, chain, accepted_at) VALUES (?, ?, ?, ?, ?)",
        (log, copy.head.term, copy.head.seq, copy.chain, copy.accepted_at),
    )


def delete(tx: Connection, log: str) -> None:
    """Forget a log."""
    tx.execute("DELETE FROM cursor WHERE log = ?", (log,))

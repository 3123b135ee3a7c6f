"""The append-only logs: rooms and inboxes, and how far each reader has read.

A row is stored once, as it travels; what a row costs beyond its body stays under 200 bytes. Rows stand in
the order of arrival (the rowid), so that the file grows at its end whatever the room; an index finds a
place in a log, another one finds an entry by the first 8 bytes of its hash (whole hashes are compared then).
Erasing empties only the body. `seq` goes on through terms, so it alone is unique within a log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import Appended, ReadTx, Row, StaleHead, Tx
from yurt.wire.position import START, LogRow, Position

INBOX_PREFIX: Final = "inbox/"
PAGE: Final = 200
"""Rows that are read at once."""


def _create(db: Tables) -> None:
    db.execute("""
        CREATE TABLE log (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE      -- inbox/ACCOUNT or room/HEX
        ) STRICT
    """)
    db.execute("""
        CREATE TABLE entry (
            id INTEGER PRIMARY KEY,        -- order of arrival at this node
            log INTEGER NOT NULL REFERENCES log,
            term INTEGER NOT NULL DEFAULT 0,
            seq INTEGER NOT NULL,
            kind INTEGER NOT NULL,         -- EntryKind or InboxKind
            accepted_at INTEGER NOT NULL,  -- ms since 1970, the hub's clock
            hash BLOB NOT NULL,            -- SHA-256 of the entry
            chain BLOB NOT NULL DEFAULT x'',
            body BLOB NOT NULL DEFAULT x'' -- the entry, verbatim; empty once erased
        ) STRICT
    """)
    db.execute("CREATE UNIQUE INDEX entry_place ON entry (log, seq)")
    db.execute("CREATE INDEX entry_hash ON entry (substr(hash, 1, 8))")
    db.execute("""
        CREATE TABLE cursor (
            log INTEGER NOT NULL REFERENCES log,
            reader TEXT NOT NULL,          -- device/DID/HEX or peer/DOMAIN
            term INTEGER NOT NULL DEFAULT 0,
            seq INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (log, reader)
        ) STRICT, WITHOUT ROWID
    """)


STEPS: Final = (Step("0001-logs", _create),)

_COLUMNS: Final = "entry.term, entry.seq, entry.kind, entry.accepted_at, entry.hash, entry.body, entry.chain"
_INSERT: Final = "INSERT INTO entry (log, term, seq, kind, accepted_at, hash, chain, body) VALUES "
_SLOTS: Final = "(?, ?, ?, ?, ?, ?, ?, ?)"
# `+log` keeps the planner at the index of hashes: from four hashes on it would read the whole log instead.
_LOOK_UP: Final = 64
_LOOK_UPS: Final = (1, 4, 16, _LOOK_UP)
_AT_ONCE: Final = 16
# One statement for many rows: each statement gives up the interpreter lock and must win it back.


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row of a log without a hub, before it has its place."""

    kind: int
    accepted_at: int
    hash: bytes
    body: bytes


def inbox_log(account: str) -> str:
    """Name an account's inbox."""
    return INBOX_PREFIX + account


def head(tx: ReadTx, log: str) -> Position:
    """Position of the newest row of a log; `START` if it is empty or unknown."""
    row = tx.row(
        """
        SELECT term, seq FROM entry
        WHERE log = (SELECT id FROM log WHERE name = ?) ORDER BY seq DESC LIMIT 1
        """,
        log,
    )
    return Position(*row) if row else START


def newest(tx: ReadTx, log: str) -> LogRow | None:
    """The newest row of a log."""
    rows = tx.rows(
        f"""
        SELECT {_COLUMNS} FROM entry
        WHERE log = (SELECT id FROM log WHERE name = ?) ORDER BY seq DESC LIMIT 1
        """,  # noqa: S608  # a constant
        log,
    )
    return _log_row(rows[0]) if rows else None


def after(tx: ReadTx, log: str, position: Position, limit: int = PAGE) -> list[LogRow]:
    """Rows of a log that follow a position, oldest first, at most `limit`."""
    rows = tx.rows(
        f"""
        SELECT {_COLUMNS} FROM entry
        WHERE log = (SELECT id FROM log WHERE name = ?) AND seq > ? ORDER BY seq LIMIT ?
        """,  # noqa: S608  # a constant
        log,
        position.seq,
        limit,
    )
    return [_log_row(row) for row in rows]


def find(tx: ReadTx, log: str, entry_hash: bytes) -> LogRow | None:
    """The row of a log whose entry has this hash."""
    rows = tx.rows(
        f"""
        SELECT {_COLUMNS} FROM entry
        WHERE substr(hash, 1, 8) = substr(?1, 1, 8) AND hash = ?1
            AND +log = (SELECT id FROM log WHERE name = ?2)
        """,  # noqa: S608  # a constant
        entry_hash,
        log,
    )
    return _log_row(rows[0]) if rows else None


def find_any(tx: ReadTx, log: str, hashes: Sequence[bytes], since_ms: int = 0) -> dict[bytes, LogRow]:
    """The rows of a log whose entry has one of these hashes and was accepted since a time."""
    found: dict[bytes, LogRow] = {}
    for start in range(0, len(hashes), _LOOK_UP):
        wanted = hashes[start : start + _LOOK_UP]
        # The same few statements whatever the count: SQLite keeps them compiled.
        slots = next(size for size in _LOOK_UPS if size >= len(wanted))
        prefixes = [digest[:8] for digest in wanted] + [wanted[0][:8]] * (slots - len(wanted))
        rows = tx.rows(
            f"""
            SELECT {_COLUMNS} FROM entry
            WHERE substr(hash, 1, 8) IN ({", ".join("?" * slots)})
                AND +log = (SELECT id FROM log WHERE name = ?) AND accepted_at >= ?
            """,  # noqa: S608  # constants
            *prefixes,
            log,
            since_ms,
        )
        found |= {row.hash: row for row in map(_log_row, rows) if row.hash in wanted}
    return found


def append(tx: Tx, log: str, expected: Position, rows: Sequence[LogRow]) -> None:
    """Put rows at the end of a log, if its head is still the expected one.

    Raises:
        StaleHead: another head stands; nothing was changed.
    """
    actual = head(tx, log)
    if actual != expected:
        raise StaleHead(log, expected, actual)
    if not rows:
        return
    number = _number(tx, log)
    _insert(tx, number, rows)
    tx.tell(Appended(log, tuple(rows)))


def post(tx: Tx, log: str, new: NewRow) -> LogRow:
    """Put one row at the end of a log without a hub (an inbox); return it with its place."""
    last = head(tx, log)
    row = LogRow(Position(0, last.seq + 1), new.kind, new.accepted_at, new.hash, new.body)
    append(tx, log, last, [row])
    return row


def heads_since(tx: ReadTx, arrival: int) -> tuple[int, list[tuple[str, Position]]]:
    """Logs that got rows after an arrival number: the newest number, and each log's head."""
    rows = tx.rows(
        """
        SELECT log.name, max(entry.term), max(entry.seq), max(entry.id)
        FROM entry JOIN log ON log.id = entry.log WHERE entry.id > ? GROUP BY entry.log
        """,
        arrival,
    )
    heads = [(str(name), Position(term, seq)) for name, term, seq, _ in rows]
    return max((int(row[3]) for row in rows), default=arrival), heads


def last_arrival(tx: ReadTx) -> int:
    """The arrival number of the newest row of all logs."""
    row = tx.row("SELECT coalesce(max(id), 0) FROM entry")
    return int(row[0]) if row else 0


def cursor(tx: ReadTx, log: str, reader: str) -> Position:
    """Up to where a reader has durably read a log; `START` if it never said."""
    row = tx.row(
        "SELECT term, seq FROM cursor WHERE log = (SELECT id FROM log WHERE name = ?) AND reader = ?",
        log,
        reader,
    )
    return Position(*row) if row else START


def move_cursor(tx: Tx, log: str, reader: str, position: Position) -> None:
    """Note up to where a reader has read; a cursor never goes back (see `reset_cursor`)."""
    tx.change(
        """
        INSERT INTO cursor (log, reader, term, seq) VALUES (?, ?, ?, ?)
        ON CONFLICT (log, reader) DO UPDATE SET term = excluded.term, seq = excluded.seq
            WHERE (excluded.term, excluded.seq) > (cursor.term, cursor.seq)
        """,
        _number(tx, log),
        reader,
        position.term,
        position.seq,
    )


def reset_cursor(tx: Tx, log: str, reader: str, position: Position) -> None:
    """Set a reader back (a restored peer has less than it once said)."""
    tx.change(
        "INSERT OR REPLACE INTO cursor (log, reader, term, seq) VALUES (?, ?, ?, ?)",
        _number(tx, log),
        reader,
        position.term,
        position.seq,
    )


def erase(tx: Tx, log: str, up_to: Position) -> int:
    """Empty the bodies up to and with a position; kind, time, hash and chain stay. Return how many."""
    return tx.change(
        """
        UPDATE entry SET body = x''
        WHERE log = (SELECT id FROM log WHERE name = ?) AND seq <= ? AND length(body) > 0
        """,
        log,
        up_to.seq,
    )


def _number(tx: Tx, log: str) -> int:
    row = tx.row("SELECT id FROM log WHERE name = ?", log)
    if row is not None:
        return int(row[0])
    return tx.inserted("INSERT INTO log (name) VALUES (?)", log)


def _insert(tx: Tx, number: int, rows: Sequence[LogRow]) -> None:
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        values = [value for row in part for value in _values(number, row)]
        tx.change(_INSERT + ", ".join([_SLOTS] * len(part)), *values)


def _values(number: int, row: LogRow) -> tuple[int | bytes, ...]:
    place = row.position
    return (number, place.term, place.seq, row.kind, row.accepted_at, row.hash, row.chain, row.body)


def _log_row(row: Row) -> LogRow:
    term, seq, kind, accepted_at, digest, body, chain = row
    return LogRow(Position(term, seq), kind, accepted_at, digest, body, chain)


def stored_bytes(tx: ReadTx, name: str) -> int:
    """What the bodies of a log take; erased ones take nothing."""
    row = tx.row(
        "SELECT coalesce(sum(length(body)), 0) FROM entry WHERE log = (SELECT id FROM log WHERE name = ?)",
        name,
    )
    return int(row[0]) if row else 0

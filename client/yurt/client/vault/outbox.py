"""Rows of what was said and not yet accepted, and the own staged commits; see `yurt.client.outbox`."""

from dataclasses import dataclass, field
from typing import Final, Literal

from sqlcipher3.dbapi2 import Connection

from yurt.client.vault import own_entries
from yurt.client.vault.writer import Row
from yurt.mls.framing import peek
from yurt.rooms.member.sending import Numbered

RowState = Literal["queued", "sealed"]
_SELECT: Final = "SELECT item, room, content, counter, previous, state, entry, hash FROM outbox"


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One content on its way."""

    item: int
    """Its line in the timeline; also the order of sending."""
    room: bytes
    content: bytes = field(repr=False)
    """The bytes of ``encode_content``: the same in every encryption."""
    numbered: Numbered
    state: RowState
    entry: bytes = b""
    """The MLSMessage, once sealed: sent again byte for byte."""
    hash: bytes = b""
    """SHA-256 of `entry`."""


@dataclass(frozen=True, slots=True)
class PendingCommit:
    """The own staged commit of a room: sent again byte for byte until the log or a refusal decides."""

    room: bytes
    hash: bytes
    entry: bytes
    welcome: bytes
    group_info: bytes
    intent: str
    """What it was for, in one word."""


def queue(tx: Connection, item: int, room: bytes, content: bytes, numbered: Numbered) -> None:
    """Put content at the end of the outbox."""
    tx.execute(
        "INSERT INTO outbox (item, room, content, counter, previous, state) VALUES (?, ?, ?, ?, ?, 'queued')",
        (item, room, content, numbered.counter, numbered.previous),
    )


def first(tx: Connection, room: bytes) -> OutboxRow | None:
    """Give the oldest content of a room that is not accepted: contents go out in order."""
    row = tx.execute(
        _SELECT + " WHERE room = ? ORDER BY item LIMIT 1",
        (room,),
    ).fetchone()
    return None if row is None else _row(row)


def seal(tx: Connection, row: OutboxRow, entry: bytes, entry_hash: bytes) -> None:
    """Keep the encrypted entry, in the transaction that advanced the ratchet."""
    tx.execute(
        "UPDATE outbox SET state = 'sealed', entry = ?, hash = ? WHERE item = ?",
        (entry, entry_hash, row.item),
    )
    own_entries.keep(tx, row.room, row.item, entry_hash, peek(entry).epoch)


def unseal(tx: Connection, item: int) -> None:
    """Take an entry back that the hub can never accept, to encrypt its content anew."""
    tx.execute("UPDATE outbox SET state = 'queued', entry = x'', hash = x'' WHERE item = ?", (item,))


def delete(tx: Connection, item: int) -> None:
    """Remove content that was accepted or refused."""
    tx.execute("DELETE FROM outbox WHERE item = ?", (item,))


def count(tx: Connection, room: bytes | None = None) -> int:
    """Count what waits, in one room or in all."""
    (number,) = tx.execute("SELECT count(*) FROM outbox WHERE ?1 IS NULL OR room = ?1", (room,)).fetchone()
    return int(number)


def keep_commit(tx: Connection, commit: PendingCommit) -> None:
    """Keep the own staged commit, in the transaction that staged it."""
    tx.execute(
        """
        INSERT INTO pending_commit (room, hash, entry, welcome, group_info, intent)
        VALUES (?, ?, ?, ?, ?, ?)
        """,
        (commit.room, commit.hash, commit.entry, commit.welcome, commit.group_info, commit.intent),
    )


def pending_commit(tx: Connection, room: bytes) -> PendingCommit | None:
    """Give the own staged commit of a room."""
    row = tx.execute(
        "SELECT room, hash, entry, welcome, group_info, intent FROM pending_commit WHERE room = ?", (room,)
    ).fetchone()
    return None if row is None else PendingCommit(*row)


def drop_commit(tx: Connection, room: bytes) -> None:
    """Remove the own staged commit: it was merged or discarded."""
    tx.execute("DELETE FROM pending_commit WHERE room = ?", (room,))


def _row(row: Row) -> OutboxRow:
    item, room, content, counter, previous, state, entry, entry_hash = row
    return OutboxRow(item, room, content, Numbered(counter, previous), state, entry, entry_hash)

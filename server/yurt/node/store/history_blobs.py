"""Tables of history on its way: opaque blobs in pieces, until a day when nobody needs them any more."""

import hashlib
from dataclasses import dataclass
from typing import Final

from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE history_blob (
            room BLOB NOT NULL,
            hash BLOB NOT NULL,                     -- SHA-256 of the whole
            did TEXT NOT NULL,                      -- who put it
            size INTEGER NOT NULL,
            have INTEGER NOT NULL,                  -- bytes that stand
            until INTEGER NOT NULL,                 -- ms; forgotten then
            PRIMARY KEY (room, hash)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX history_blob_did ON history_blob (did)")
    db.execute("CREATE INDEX history_blob_until ON history_blob (until)")
    db.execute(
        """
        CREATE TABLE history_piece (
            room BLOB NOT NULL,
            hash BLOB NOT NULL,
            start INTEGER NOT NULL,
            data BLOB NOT NULL,
            PRIMARY KEY (room, hash, start)
        ) STRICT
        """
    )


STEPS: Final = (Step("0311-history", _create),)


@dataclass(frozen=True, slots=True)
class BlobRow:
    """What is known of a blob."""

    did: str
    size: int
    have: int
    until: int


def find(tx: ReadTx, room: bytes, digest: bytes, now_ms: int) -> BlobRow | None:
    """Look a blob up; one whose time is over is not there."""
    row = tx.row(
        "SELECT did, size, have, until FROM history_blob WHERE room = ? AND hash = ? AND until > ?",
        room,
        digest,
        now_ms,
    )
    return BlobRow(*row) if row else None


def begin(tx: Tx, room: bytes, digest: bytes, blob: BlobRow) -> None:
    """Begin a blob."""
    tx.change(
        "INSERT INTO history_blob (room, hash, did, size, have, until) VALUES (?, ?, ?, ?, 0, ?)",
        room,
        digest,
        blob.did,
        blob.size,
        blob.until,
    )


def add_piece(tx: Tx, room: bytes, digest: bytes, start: int, data: bytes) -> None:
    """Put the next piece."""
    tx.change(
        "INSERT INTO history_piece (room, hash, start, data) VALUES (?, ?, ?, ?)", room, digest, start, data
    )
    tx.change("UPDATE history_blob SET have = have + ? WHERE room = ? AND hash = ?", len(data), room, digest)


def piece(tx: ReadTx, room: bytes, digest: bytes, start: int) -> bytes | None:
    """Give the piece that begins at a place."""
    row = tx.row(
        "SELECT data FROM history_piece WHERE room = ? AND hash = ? AND start = ?", room, digest, start
    )
    return None if row is None else bytes(row[0])


def is_whole(tx: ReadTx, room: bytes, digest: bytes) -> bool:
    """Whether the pieces are what the blob is named after."""
    running = hashlib.sha256()
    for (data,) in tx.rows(
        "SELECT data FROM history_piece WHERE room = ? AND hash = ? ORDER BY start", room, digest
    ):
        running.update(data)
    return running.digest() == digest


def drop(tx: Tx, room: bytes, digest: bytes) -> None:
    """Forget a blob."""
    tx.change("DELETE FROM history_piece WHERE room = ? AND hash = ?", room, digest)
    tx.change("DELETE FROM history_blob WHERE room = ? AND hash = ?", room, digest)


def promised(tx: ReadTx, did: str) -> int:
    """How many bytes somebody's blobs take, those still to come included."""
    row = tx.row("SELECT coalesce(sum(size), 0) FROM history_blob WHERE did = ?", did)
    return int(row[0]) if row else 0


def forget_old(tx: Tx, now_ms: int) -> None:
    """Forget what is over."""
    for room, digest in tx.rows("SELECT room, hash FROM history_blob WHERE until <= ? LIMIT 20", now_ms):
        drop(tx, room, digest)

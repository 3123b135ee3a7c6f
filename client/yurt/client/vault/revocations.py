"""Revocations of others that this device carries out where their own devices have not (TRUST 3)."""

from dataclasses import dataclass
from typing import Final

from sqlcipher3.dbapi2 import Connection

TABLE: Final = (
    """
    CREATE TABLE revocation (
        did     TEXT PRIMARY KEY,
        seq     INTEGER NOT NULL,                  -- of the record
        record  BLOB NOT NULL,                     -- signed, verbatim; a newer one takes its place
        due     INTEGER NOT NULL,                  -- milliseconds since 1970: not before
        looks   INTEGER NOT NULL DEFAULT 0         -- how often every room was looked at
    ) STRICT, WITHOUT ROWID
    """,
)


@dataclass(frozen=True, slots=True)
class Revocation:
    """Somebody's record that revokes a device."""

    did: str
    seq: int
    record: bytes
    due: int
    looks: int = 0


def hear(tx: Connection, new: Revocation) -> None:
    """Keep a revocation; a newer record of the same person begins anew, but is never due later."""
    tx.execute(
        """
        INSERT INTO revocation (did, seq, record, due, looks) VALUES (?, ?, ?, ?, 0)
        ON CONFLICT (did) DO UPDATE SET seq = excluded.seq, record = excluded.record,
            due = iif(looks, excluded.due, min(due, excluded.due)), looks = 0
        WHERE excluded.seq > revocation.seq
        """,
        (new.did, new.seq, new.record, new.due),
    )


def find(tx: Connection, did: str) -> Revocation | None:
    """Give what is to be carried out for somebody."""
    row = tx.execute("SELECT did, seq, record, due, looks FROM revocation WHERE did = ?", (did,)).fetchone()
    return None if row is None else Revocation(*row)


def waiting(tx: Connection) -> list[str]:
    """Give whose revocations wait."""
    return [str(row[0]) for row in tx.execute("SELECT did FROM revocation").fetchall()]


def looked(tx: Connection, one: Revocation, due: int) -> None:
    """Note that every room was looked at, and when to look again; a newer record stays as it came."""
    tx.execute(
        "UPDATE revocation SET looks = looks + 1, due = ? WHERE did = ? AND seq = ?", (due, one.did, one.seq)
    )


def postpone(tx: Connection, one: Revocation, due: int) -> None:
    """Note that a room could not be reached."""
    tx.execute("UPDATE revocation SET due = ? WHERE did = ? AND seq = ?", (due, one.did, one.seq))


def end(tx: Connection, one: Revocation) -> None:
    """Forget what was carried out."""
    tx.execute("DELETE FROM revocation WHERE did = ? AND seq = ?", (one.did, one.seq))

"""Table and units of what must not be accepted twice: signatures and nonces, each until it expires anyway.

Also used for "seen and to be remembered for a while": an Undo that came before its Follow.
"""

import hashlib
from typing import Final

from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE seen (
            key BLOB NOT NULL PRIMARY KEY,
            until INTEGER NOT NULL                  -- seconds
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX seen_until ON seen (until)")


STEPS: Final = (Step("0104-replay", _create),)


def first_time(tx: Tx, key: bytes, now_s: int, until: int) -> bool:
    """Remember a key; False if it was there already."""
    tx.change("DELETE FROM seen WHERE until < ?", now_s)
    return bool(tx.change("INSERT INTO seen (key, until) VALUES (?, ?) ON CONFLICT DO NOTHING", key, until))


def take_place(tx: Tx, name: str, places: int, now_s: int, until: int) -> bool:
    """Take one of so many places that each stay taken until a time; False if none is free."""
    keys = (hashlib.sha256(f"{name}/{number}".encode()).digest() for number in range(places))
    return any(first_time(tx, key, now_s, until) for key in keys)


def was_seen(tx: ReadTx, key: bytes, now_s: int) -> bool:
    """Whether a key is remembered."""
    return tx.row("SELECT 1 FROM seen WHERE key = ? AND until >= ?", key, now_s) is not None

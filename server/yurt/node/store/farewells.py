"""Table and units of accounts that were deleted and still have to say so: the key that signs their Delete.

The account is gone at once; its Delete goes out for as long as any delivery is tried, signed with the actor
key that followers' servers know. Then the key goes too.
"""

from typing import Final

from yurt.activitypub.delivery import LIFETIME_S
from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE farewell (
            name TEXT NOT NULL PRIMARY KEY,
            actor_key BLOB NOT NULL,                -- RSA private key, PKCS #8 DER
            until INTEGER NOT NULL                  -- seconds
        ) STRICT, WITHOUT ROWID
        """
    )


STEPS: Final = (Step("0153-farewells", _create),)


def keep_farewell(tx: Tx, name: str, actor_key: bytes, now_s: int) -> None:
    """Keep a key until its Delete has gone out, or nobody tries any more."""
    tx.change("DELETE FROM farewell WHERE until < ?", now_s)
    tx.change(
        "INSERT OR REPLACE INTO farewell (name, actor_key, until) VALUES (?, ?, ?)",
        name,
        actor_key,
        now_s + LIFETIME_S,
    )


def farewell_key(tx: ReadTx, name: str) -> bytes | None:
    """The key of an account that says farewell."""
    row = tx.row("SELECT actor_key FROM farewell WHERE name = ?", name)
    return bytes(row[0]) if row else None


def forget_farewells(tx: Tx, now_s: int) -> None:
    """Forget keys whose time is over, or with which nothing is left to be signed."""
    tx.change(
        """
        DELETE FROM farewell WHERE until < ? OR NOT EXISTS (
            SELECT 1 FROM delivery WHERE delivery.sender = farewell.name AND delivery.aside = '')
        """,
        now_s,
    )

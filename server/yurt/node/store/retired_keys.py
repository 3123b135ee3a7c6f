"""Table and units of actor keys that were exchanged: the account signs with another one from now on.

What waited for other servers at that moment, the news of the new key among it, still goes out under the old
key, which is the one that they know. When nothing of it waits any more, or after two weeks, the old key is
erased, from the files too.
"""

from typing import Final

from yurt.activitypub.delivery import LIFETIME_S
from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx


def _create(db: Tables) -> None:
    # when its person last exchanged the actor key: ms, by their own word
    db.execute("ALTER TABLE account ADD COLUMN key_changed INTEGER NOT NULL DEFAULT 0")
    # id of the retired key that signs it; 0: the sender's own
    db.execute("ALTER TABLE delivery ADD COLUMN retired INTEGER NOT NULL DEFAULT 0")
    db.execute("CREATE INDEX delivery_retired ON delivery (retired) WHERE retired <> 0")
    db.execute(
        """
        CREATE TABLE retired_key (
            id INTEGER PRIMARY KEY AUTOINCREMENT,   -- never another one's: deliveries name it
            account INTEGER NOT NULL REFERENCES account (id),
            key BLOB NOT NULL,                      -- RSA private key, PKCS #8 DER
            until INTEGER NOT NULL                  -- seconds
        ) STRICT
        """
    )


STEPS: Final = (Step("0330-retired-keys", _create),)

_SPENT: Final = """
    SELECT id FROM retired_key WHERE until <= ? OR NOT EXISTS (
        SELECT 1 FROM delivery WHERE retired = retired_key.id AND retired <> 0 AND aside = '')
"""


def key_changed(tx: ReadTx, account_id: int) -> int:
    """When the account's person last exchanged its actor key, in milliseconds since 1970; 0: never."""
    row = tx.row("SELECT key_changed FROM account WHERE id = ?", account_id)
    return int(row[0]) if row else 0


def exchange(tx: Tx, account_id: int, key: bytes, pem: str, changed: int, now_s: int) -> int:
    """Give an account another actor key; return the id of the one that is retired."""
    tx.scrub()
    retired = tx.inserted(
        "INSERT INTO retired_key (account, key, until) SELECT id, actor_key, ? FROM account WHERE id = ?",
        now_s + LIFETIME_S,
        account_id,
    )
    tx.change(
        "UPDATE account SET actor_key = ?, actor_key_pem = ?, key_changed = ? WHERE id = ?",
        key,
        pem,
        changed,
        account_id,
    )
    return retired


def sign_waiting(tx: Tx, account: str, retired: int) -> None:
    """Let everything that waits of an account go out under a retired key, but what has one already."""
    tx.change(
        "UPDATE delivery SET retired = ? WHERE sender = ? AND retired = 0 AND aside = ''", retired, account
    )


def retired_key(tx: ReadTx, account: str, retired: int) -> bytes | None:
    """A retired key (PKCS #8 DER) of an account; None once it is erased."""
    row = tx.row(
        """
        SELECT key FROM retired_key JOIN account ON account.id = retired_key.account
        WHERE retired_key.id = ? AND account.name = ?
        """,
        retired,
        account,
    )
    return bytes(row[0]) if row else None


def any_retired(tx: ReadTx) -> bool:
    """Whether a key will have to be erased."""
    return tx.row("SELECT 1 FROM retired_key LIMIT 1") is not None


def any_spent(tx: ReadTx, now_s: int) -> bool:
    """Whether a key is to be erased now."""
    return tx.row(_SPENT + "LIMIT 1", now_s) is not None


def erase_spent(tx: Tx, now_s: int) -> int:
    """Erase keys with which nothing is left to be signed, and those whose time is over; count them.

    No file of the node holds them any more; backups that its operator made meanwhile do.
    """
    spent = [int(row[0]) for row in tx.rows(_SPENT, now_s)]
    if spent:
        tx.scrub()
    for number in spent:
        tx.change("DELETE FROM retired_key WHERE id = ?", number)
    return len(spent)

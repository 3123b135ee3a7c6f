"""Table and units of the keys with which this node proves who wrote a public post (FEP-8b32).

One Ed25519 key for each account, made with its first public post. It is no part of the person's identity,
whose key lies on no server. It speaks for what is posted from here, and stays when the person goes.
"""

from typing import Final

from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE proof_key (
            account INTEGER NOT NULL PRIMARY KEY REFERENCES account (id),
            seed BLOB NOT NULL                      -- 32 bytes, Ed25519
        ) STRICT
        """
    )


STEPS: Final = (Step("0321-proof-keys", _create),)


def proof_seed(tx: ReadTx, account_id: int) -> bytes:
    """The seed of an account's proof key; empty if it has none yet."""
    row = tx.row("SELECT seed FROM proof_key WHERE account = ?", account_id)
    return bytes(row[0]) if row else b""


def keep_proof_seed(tx: Tx, account_id: int, seed: bytes) -> None:
    """Keep the seed of a new key."""
    tx.change("INSERT INTO proof_key (account, seed) VALUES (?, ?)", account_id, seed)

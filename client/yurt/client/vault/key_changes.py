"""An actor key that was exchanged, until the node has it: one row, made while the phrase was at hand.

The new key stands here in clear only until the node has taken it; then it is in the kit alone, sealed.
"""

from dataclasses import dataclass, field
from typing import Final

from sqlcipher3.dbapi2 import Connection

TABLE: Final = (
    """
    CREATE TABLE key_change (
        one        INTEGER PRIMARY KEY CHECK (one = 1),
        actor      TEXT NOT NULL,                  -- whose key it is
        key        BLOB NOT NULL,                  -- RSA-2048, PKCS #8 DER
        change     BLOB NOT NULL,                  -- the identity key's word for it
        public     BLOB NOT NULL,                  -- KitPublic
        part       BLOB NOT NULL,                  -- the kit's `keys` with it
        counter    INTEGER NOT NULL,               -- of that part
        named      BLOB NOT NULL                   -- the key's fingerprint
    ) STRICT
    """,
    "ALTER TABLE kit ADD COLUMN named BLOB NOT NULL DEFAULT x''",  # fingerprint of the actor key in `keys`
)


@dataclass(frozen=True, slots=True)
class KeyChangeRow:
    """A new actor key on its way to the node."""

    actor: str
    key: bytes = field(repr=False)
    change: bytes
    public: bytes = field(repr=False)
    part: bytes = field(repr=False)
    counter: int
    named: bytes


def load(tx: Connection) -> KeyChangeRow | None:
    """Give what waits; None if nothing does."""
    row = tx.execute("SELECT actor, key, change, public, part, counter, named FROM key_change").fetchone()
    return None if row is None else KeyChangeRow(*row)


def save(tx: Connection, row: KeyChangeRow) -> None:
    """Keep a new key, in the place of one that no node has taken."""
    tx.execute(
        """
        INSERT OR REPLACE INTO key_change (one, actor, key, change, public, part, counter, named)
        VALUES (1, ?, ?, ?, ?, ?, ?, ?)
        """,
        (row.actor, row.key, row.change, row.public, row.part, row.counter, row.named),
    )


def drop(tx: Connection) -> None:
    """Forget it: the node has it, or wants it no more."""
    tx.execute("DELETE FROM key_change")

"""What the old device has still to say to a device that it linked: kept with the record, in one transaction.

So a restart between the record and the answer loses nothing: both go out again, byte for byte.
"""

from dataclasses import dataclass
from typing import Final

from sqlcipher3.dbapi2 import Connection

TABLE: Final = (
    """
    CREATE TABLE link_answer (
        mailbox    BLOB PRIMARY KEY,               -- where it goes
        device_id  BLOB NOT NULL,                  -- whom it is for
        answer     BLOB NOT NULL,                  -- to be said, byte for byte
        until      INTEGER NOT NULL                -- seconds since 1970; afterwards nobody listens
    ) STRICT, WITHOUT ROWID
    """,
)


@dataclass(frozen=True, slots=True)
class LinkAnswer:
    """The last message of linking a device."""

    mailbox: bytes
    device_id: bytes
    answer: bytes
    until: int


def keep(tx: Connection, answer: LinkAnswer) -> None:
    """Keep an answer until it was said."""
    tx.execute(
        "INSERT OR REPLACE INTO link_answer (mailbox, device_id, answer, until) VALUES (?, ?, ?, ?)",
        (answer.mailbox, answer.device_id, answer.answer, answer.until),
    )


def every(tx: Connection) -> list[LinkAnswer]:
    """Give what has not been said yet."""
    rows = tx.execute("SELECT mailbox, device_id, answer, until FROM link_answer").fetchall()
    return [LinkAnswer(*row) for row in rows]


def drop(tx: Connection, mailbox: bytes) -> None:
    """Forget an answer: it was said, or nobody listens any more."""
    tx.execute("DELETE FROM link_answer WHERE mailbox = ?", (mailbox,))

"""Own names for rooms that the log has not placed yet, and content that only a newer release can show."""

from typing import Final

from sqlcipher3.dbapi2 import Connection

TABLE: Final = (
    """
    CREATE TABLE naming (
        item   INTEGER PRIMARY KEY,                -- the own line that says it
        name   TEXT NOT NULL,
        topic  TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE unknown_content (
        item     INTEGER PRIMARY KEY,              -- the line that stands for it
        content  BLOB NOT NULL                     -- as it was said
    ) STRICT
    """,
)


def note(tx: Connection, item: int, name: str, topic: str) -> None:
    """Keep how an own line calls its room, until the log has placed it."""
    tx.execute("INSERT INTO naming (item, name, topic) VALUES (?, ?, ?)", (item, name, topic))


def placed(tx: Connection, item: int) -> tuple[str, str] | None:
    """Give name and topic of an own line that the log has just placed; None if it names nothing."""
    row = tx.execute("DELETE FROM naming WHERE item = ? RETURNING name, topic", (item,)).fetchone()
    return None if row is None else (row[0], row[1])


def keep_unknown(tx: Connection, item: int, content: bytes) -> None:
    """Keep what a newer release may show one day."""
    tx.execute("INSERT INTO unknown_content (item, content) VALUES (?, ?)", (item, content))

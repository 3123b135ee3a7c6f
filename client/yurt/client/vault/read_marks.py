"""Up to where a person has read each room on this device, and how much is above that."""

from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.mentions import mentions

MOST_COUNTED: Final = 1_000
"""Nobody reads the difference between a thousand unread messages and more."""

_UNREAD: Final = """
    room = ?1 AND id > ?2 AND kind = 'message' AND own = 0 AND did NOT IN (SELECT did FROM blocked)
"""


def load(tx: Connection, room: bytes) -> int:
    """Give the local id of the newest line read; 0 if nothing was."""
    row = tx.execute("SELECT item FROM read_mark WHERE room = ?", (room,)).fetchone()
    return 0 if row is None else int(row[0])


def advance(tx: Connection, room: bytes, item: int) -> None:
    """Move forward to a line; an older one changes nothing."""
    tx.execute(
        """
        INSERT INTO read_mark (room, item) VALUES (?, ?)
        ON CONFLICT (room) DO UPDATE SET item = max(item, excluded.item)
        """,
        (room, item),
    )


def count_unread(tx: Connection, room: bytes, after: int) -> int:
    """Count messages of others after a local id, up to `MOST_COUNTED`."""
    (count,) = tx.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM item WHERE {_UNREAD} LIMIT ?3)",  # noqa: S608  # a constant
        (room, after, MOST_COUNTED),
    ).fetchone()
    return int(count)


def count_mentions(tx: Connection, room: bytes, after: int, address: str) -> int:
    """Count those of them that speak to a person."""
    rows = tx.execute(
        # SQLite finds the few candidates, the rule decides.
        f"SELECT text FROM item WHERE {_UNREAD} AND instr(lower(text), ?3) LIMIT ?4",  # noqa: S608  # a constant
        (room, after, f"@{address.partition('@')[0]}", MOST_COUNTED),
    ).fetchall()
    return sum(mentions(text, address) for (text,) in rows)

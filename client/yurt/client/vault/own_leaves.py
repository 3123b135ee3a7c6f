"""Since when our leaf in each room is what it is, and how much it has said: both wear it out (TRUST 2)."""

from typing import Final

from sqlcipher3.dbapi2 import Connection

OLD_S: Final = 7 * 24 * 3600
USED_UP: Final = 500
"""Own contents."""


def note(tx: Connection, room: bytes, key: bytes, born: int) -> None:
    """Note which leaf is ours now; the same one again changes nothing."""
    tx.execute(
        """
        INSERT INTO own_leaf (room, key, born, counter)
        SELECT room, ?2, ?3, counter FROM room WHERE room = ?1
        ON CONFLICT (room) DO UPDATE SET key = excluded.key, born = excluded.born, counter = excluded.counter
        WHERE own_leaf.key <> excluded.key
        """,
        (room, key, born),
    )


def is_due(tx: Connection, room: bytes, now_s: int) -> bool:
    """Tell whether our leaf is over 7 days old, or 500 contents were said with it."""
    row = tx.execute(
        """
        SELECT own_leaf.born, room.counter - own_leaf.counter
        FROM own_leaf JOIN room ON room.room = own_leaf.room WHERE own_leaf.room = ?
        """,
        (room,),
    ).fetchone()
    return row is not None and (now_s - row[0] > OLD_S or row[1] >= USED_UP)

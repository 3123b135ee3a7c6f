"""Whom this person asked to be let add to a room, until they are in it."""

from typing import Final

from sqlcipher3.dbapi2 import Connection

TABLE: Final = (
    """
    CREATE TABLE asked_invite (
        room     BLOB NOT NULL,
        address  TEXT NOT NULL,
        PRIMARY KEY (room, address)
    ) STRICT, WITHOUT ROWID
    """,
)


def note(tx: Connection, room: bytes, address: str) -> None:
    """Remember that somebody was asked."""
    tx.execute("INSERT OR IGNORE INTO asked_invite (room, address) VALUES (?, ?)", (room, address))


def end(tx: Connection, room: bytes, address: str) -> None:
    """Ask no more."""
    tx.execute("DELETE FROM asked_invite WHERE room = ? AND address = ?", (room, address))


def every(tx: Connection) -> list[tuple[bytes, str]]:
    """Give room and address of everybody who was asked."""
    rows = tx.execute("SELECT room, address FROM asked_invite").fetchall()
    return [(bytes(room), address) for room, address in rows]

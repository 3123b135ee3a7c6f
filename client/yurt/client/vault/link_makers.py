"""Who made the links by which this device came into its rooms (TRUST 6): met by the link, or missing.

A hub answers a link, so it could answer with a room of its own. Only the did in the link's sealed blob
tells: while whoever has it is not in the room, nothing of ours is said there.
"""

from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.vault import people, rooms
from yurt.client.vault.accounts import address_of
from yurt.client.vault.people import Pin
from yurt.client.vault.timeline import NewItem, add
from yurt.wire.position import Position

TABLE: Final = (
    """
    CREATE TABLE link_maker (
        room   BLOB PRIMARY KEY,
        did    TEXT NOT NULL,
        holds  INTEGER NOT NULL                    -- 1 while nothing is said there because they are missing
    ) STRICT, WITHOUT ROWID
    """,
)
MISSING: Final = "inviterMissing"
"""Reason of the line that says that whoever made our link is not in the room, and of what waits for them."""
_TEXT: Final = (
    "whoever made your link is not in this room: what you say waits until they come. Ask them; "
    "if all is well, `yurt room confirm` lets it go (on the screen: F3, then o)"
)


def entered(tx: Connection, room: bytes, did: str, *, present: bool, at: Position, accepted_at: int) -> None:
    """Note by whose link this device came into a room; a line says so if they are not in it.

    Args:
        tx: The transaction of the Welcome.
        room: The room.
        did: Who made the link, as the link itself says.
        present: Whether a leaf of theirs is in the room.
        at: Where this device begins to read.
        accepted_at: When the hub took that, in milliseconds since 1970.
    """
    tx.execute(
        "INSERT OR REPLACE INTO link_maker (room, did, holds) VALUES (?, ?, ?)", (room, did, int(not present))
    )
    if not present:
        line = NewItem(
            room=room, kind="notice", text=_TEXT, reason=MISSING, position=at, accepted_at=accepted_at
        )
        add(tx, line)


def holds(tx: Connection, room: bytes) -> bool:
    """Tell whether nothing may be said in a room yet; once the maker was seen there, never again."""
    row = tx.execute("SELECT did FROM link_maker WHERE room = ? AND holds = 1", (room,)).fetchone()
    if row is None:
        return False
    found = rooms.find(tx, room)
    if found is None or row[0] not in (did for did, _ in found.people):
        return True
    release(tx, room)
    return False


def release(tx: Connection, room: bytes) -> None:
    """Let what waits go: the maker came, or the person says that all is well."""
    tx.execute("UPDATE link_maker SET holds = 0 WHERE room = ?", (room,))


def is_unmet(tx: Connection, did: str) -> bool:
    """Tell whether somebody made a link of ours, and nobody is pinned by their did yet."""
    made = tx.execute("SELECT 1 FROM link_maker WHERE did = ?", (did,)).fetchone() is not None
    return made and people.by_did(tx, did) is None


def meet(tx: Connection, did: str, actor: str, record: bytes) -> None:
    """Pin whoever made a link of ours, now that the own node has found them; an older pin stands.

    The did came with the link, on a way that no node saw: this is first contact (TRUST 1).
    """
    address = address_of(actor)
    if is_unmet(tx, did) and people.by_address(tx, address) is None:
        people.save(tx, Pin(did, address, actor, record))

"""History on its way: what this device gives to joiners, and what it is given.

A *grant* is made in the transaction of the commit that added somebody, so that no restart forgets it; a
*bundle* is an offer to this device whose pieces arrive one after the other.
"""

from dataclasses import dataclass
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.wire.position import Position

TABLE: Final = (
    # Lines that were not seen here, but told by somebody who was there: their did.
    "ALTER TABLE item ADD COLUMN vouched TEXT NOT NULL DEFAULT ''",
    # What somebody may be given: from which moment on; -1: all that the room allows, once they come.
    """
    CREATE TABLE history_choice (
        room    BLOB NOT NULL,
        did     TEXT NOT NULL,
        since   INTEGER NOT NULL,                  -- milliseconds since 1970
        PRIMARY KEY (room, did)
    ) STRICT, WITHOUT ROWID
    """,
    # To be given by this device.
    """
    CREATE TABLE history_grant (
        room       BLOB NOT NULL,
        did        TEXT NOT NULL,
        device_id  BLOB NOT NULL,
        since      INTEGER NOT NULL,               -- milliseconds since 1970: nothing from before
        term       INTEGER NOT NULL,               -- nothing from this position on; moves back, pack by pack
        seq        INTEGER NOT NULL,
        due        INTEGER NOT NULL DEFAULT 0,     -- milliseconds since 1970: not before
        offer      BLOB NOT NULL DEFAULT x'',      -- of the pack that is on its way to the node
        blob       BLOB NOT NULL DEFAULT x'',
        PRIMARY KEY (room, did, device_id)
    ) STRICT, WITHOUT ROWID
    """,
    # Where this device entered each room; what stands before may be given to it.
    """
    CREATE TABLE history_entry (
        room     BLOB PRIMARY KEY,
        term     INTEGER NOT NULL,
        seq      INTEGER NOT NULL,
        at       INTEGER NOT NULL,                 -- accepted_at, milliseconds since 1970
        seconds  INTEGER NOT NULL,                 -- the room's maximum then
        asked    INTEGER NOT NULL DEFAULT 0,       -- whether HistoryWanted went out
        offered  INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID
    """,
    # Offered to this device.
    """
    CREATE TABLE history_bundle (
        room   BLOB NOT NULL,
        hash   BLOB NOT NULL,                      -- of the blob
        did    TEXT NOT NULL,                      -- who vouches
        node   TEXT NOT NULL,                      -- where the blob lies
        offer  BLOB NOT NULL,
        state  TEXT NOT NULL DEFAULT 'offered' CHECK (state IN ('offered', 'taken', 'refused')),
        PRIMARY KEY (room, hash)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE history_piece (
        hash   BLOB NOT NULL,
        start  INTEGER NOT NULL,
        data   BLOB NOT NULL,
        PRIMARY KEY (hash, start)
    ) STRICT
    """,
)


ALL_ALLOWED: Final = -1
MOST_OFFERED: Final = 32
"""Offers of one voucher that wait: a quarter of a GiB."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What this device is to give to one device."""

    room: bytes
    did: str
    device_id: bytes
    since: int
    before: Position
    due: int = 0
    offer: bytes = b""
    blob: bytes = b""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where this device entered a room."""

    position: Position
    at: int
    seconds: int
    asked: bool = False
    offered: bool = False


@dataclass(frozen=True, slots=True)
class Bundle:
    """An offer to this device."""

    room: bytes
    hash: bytes
    did: str
    node: str
    offer: bytes


# --- giving ---------------------------------------------------------------------------------------------
def choose(tx: Connection, room: bytes, did: str, since: int) -> None:
    """Note from which moment on somebody may be given history."""
    tx.execute(
        "INSERT OR REPLACE INTO history_choice (room, did, since) VALUES (?, ?, ?)", (room, did, since)
    )


def choose_nothing(tx: Connection, room: bytes, did: str) -> None:
    """Note that somebody is given nothing."""
    tx.execute("DELETE FROM history_choice WHERE room = ? AND did = ?", (room, did))


def chosen(tx: Connection, room: bytes, did: str) -> int | None:
    """From which moment on somebody may be given history; None: nothing."""
    row = tx.execute("SELECT since FROM history_choice WHERE room = ? AND did = ?", (room, did)).fetchone()
    return None if row is None else int(row[0])


def grant(tx: Connection, new: Grant) -> None:
    """Note what is to be given; said again, it changes nothing."""
    tx.execute(
        """
        INSERT INTO history_grant (room, did, device_id, since, term, seq, due) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO NOTHING
        """,
        (new.room, new.did, new.device_id, new.since, new.before.term, new.before.seq, new.due),
    )


def grants(tx: Connection) -> list[Grant]:
    """Give what is to be given, by when."""
    rows = tx.execute(
        """
        SELECT room, did, device_id, since, term, seq, due, offer, blob FROM history_grant ORDER BY due, room
        """
    ).fetchall()
    return [
        Grant(room, did, device_id, since, Position(term, seq), due, offer, blob)
        for room, did, device_id, since, term, seq, due, offer, blob in rows
    ]


def pack(tx: Connection, one: Grant, offer: bytes, blob: bytes) -> None:
    """Keep a pack until it has been offered."""
    tx.execute(
        "UPDATE history_grant SET offer = ?, blob = ? WHERE room = ? AND did = ? AND device_id = ?",
        (offer, blob, one.room, one.did, one.device_id),
    )


def packed(tx: Connection, one: Grant, first: Position) -> None:
    """Go on with what stands before a pack that was offered."""
    tx.execute(
        """
        UPDATE history_grant SET offer = x'', blob = x'', term = ?, seq = ?
        WHERE room = ? AND did = ? AND device_id = ?
        """,
        (first.term, first.seq, one.room, one.did, one.device_id),
    )


def postpone(tx: Connection, one: Grant, due: int) -> None:
    """Try again later."""
    tx.execute(
        "UPDATE history_grant SET due = ? WHERE room = ? AND did = ? AND device_id = ?",
        (due, one.room, one.did, one.device_id),
    )


def end_grant(tx: Connection, room: bytes, did: str, device_id: bytes) -> None:
    """Give nothing more: all was given, somebody else did, or they went."""
    tx.execute(
        "DELETE FROM history_grant WHERE room = ? AND did = ? AND device_id = ?", (room, did, device_id)
    )


# --- being given ----------------------------------------------------------------------------------------
def enter(tx: Connection, room: bytes, entry: Entry) -> None:
    """Note where this device entered a room."""
    tx.execute(
        "INSERT OR REPLACE INTO history_entry (room, term, seq, at, seconds) VALUES (?, ?, ?, ?, ?)",
        (room, entry.position.term, entry.position.seq, entry.at, entry.seconds),
    )


def entry(tx: Connection, room: bytes) -> Entry | None:
    """Where this device entered a room; None if it opened it, or an older release entered."""
    row = tx.execute(
        "SELECT term, seq, at, seconds, asked, offered FROM history_entry WHERE room = ?", (room,)
    ).fetchone()
    if row is None:
        return None
    term, seq, at, seconds, asked, offered = row
    return Entry(Position(term, seq), at, seconds, bool(asked), bool(offered))


def entries(tx: Connection) -> list[bytes]:
    """Rooms in which nobody has offered anything yet, and this device has not asked."""
    rows = tx.execute("SELECT room FROM history_entry WHERE asked = 0 AND offered = 0").fetchall()
    return [bytes(row[0]) for row in rows]


def note_asked(tx: Connection, room: bytes) -> None:
    """Remember that this device has asked, or need not."""
    tx.execute("UPDATE history_entry SET asked = 1 WHERE room = ?", (room,))


def offer(tx: Connection, new: Bundle) -> None:
    """Keep an offer to this device; of one voucher only so many wait to be fetched."""
    (waiting,) = tx.execute(
        "SELECT count(*) FROM history_bundle WHERE did = ? AND state = 'offered'", (new.did,)
    ).fetchone()
    if waiting >= MOST_OFFERED:
        return
    tx.execute(
        """
        INSERT INTO history_bundle (room, hash, did, node, offer) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT DO NOTHING
        """,
        (new.room, new.hash, new.did, new.node, new.offer),
    )
    tx.execute("UPDATE history_entry SET offered = 1 WHERE room = ?", (new.room,))


def offered(tx: Connection) -> list[Bundle]:
    """Give the offers that were neither taken nor refused."""
    rows = tx.execute(
        "SELECT room, hash, did, node, offer FROM history_bundle WHERE state = 'offered'"
    ).fetchall()
    return [Bundle(*row) for row in rows]


def add_piece(tx: Connection, digest: bytes, start: int, data: bytes) -> None:
    """Keep a piece that arrived."""
    tx.execute(
        "INSERT OR REPLACE INTO history_piece (hash, start, data) VALUES (?, ?, ?)", (digest, start, data)
    )


def have(tx: Connection, digest: bytes) -> int:
    """How many bytes of a blob are here."""
    (size,) = tx.execute(
        "SELECT coalesce(sum(length(data)), 0) FROM history_piece WHERE hash = ?", (digest,)
    ).fetchone()
    return int(size)


def whole(tx: Connection, digest: bytes) -> bytes:
    """Give all pieces of a blob together."""
    rows = tx.execute("SELECT data FROM history_piece WHERE hash = ? ORDER BY start", (digest,)).fetchall()
    return b"".join(row[0] for row in rows)


def close(tx: Connection, one: Bundle, state: str) -> None:
    """Note what became of an offer, and forget its pieces."""
    tx.execute("UPDATE history_bundle SET state = ? WHERE room = ? AND hash = ?", (state, one.room, one.hash))
    tx.execute("DELETE FROM history_piece WHERE hash = ?", (one.hash,))

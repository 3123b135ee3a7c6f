"""Rooms that this device asked to join by a link, until it is in them (TRUST 6)."""

from dataclasses import dataclass
from typing import Final, Literal

from sqlcipher3.dbapi2 import Connection

from yurt.client.vault import key_packages

JoiningState = Literal["asking", "waiting", "refused"]
"""``asking`` until the hub has the request; ``waiting`` for somebody in the room; ``refused`` for good."""

TABLE: Final = (
    """
    CREATE TABLE joining (
        room      BLOB PRIMARY KEY,
        name      TEXT NOT NULL,                   -- as the link's maker called it; a hint
        hub       TEXT NOT NULL,
        request   BLOB NOT NULL,                   -- key package and proof, to be sent again byte for byte
        ref       BLOB NOT NULL,                   -- of the key package
        state     TEXT NOT NULL CHECK (state IN ('asking', 'waiting', 'refused')),
        problem   TEXT NOT NULL DEFAULT '',        -- why it was refused, in one line
        since     INTEGER NOT NULL,                -- milliseconds since 1970
        until     INTEGER NOT NULL                 -- when the hub forgets it
    ) STRICT, WITHOUT ROWID
    """,
)
INVITER: Final = ("ALTER TABLE joining ADD COLUMN inviter TEXT NOT NULL DEFAULT ''",)
_SELECT: Final = "SELECT room, name, hub, request, ref, state, problem, since, until, inviter FROM joining"


@dataclass(frozen=True, slots=True)
class Joining:
    """A request of ours."""

    room: bytes
    name: str
    hub: str
    request: bytes
    ref: bytes
    state: JoiningState
    problem: str
    since: int
    until: int
    inviter: str = ""
    """Did of whoever made the link, as the link itself says."""


def save(tx: Connection, joining: Joining) -> None:
    """Keep a request; of an earlier one for the same room the key package goes."""
    known = find(tx, joining.room)
    if known is not None and known.ref != joining.ref:
        key_packages.delete(tx, known.ref)
    tx.execute(
        """
        INSERT OR REPLACE INTO joining
            (room, name, hub, request, ref, state, problem, since, until, inviter)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            joining.room,
            joining.name,
            joining.hub,
            joining.request,
            joining.ref,
            joining.state,
            joining.problem,
            joining.since,
            joining.until,
            joining.inviter,
        ),
    )


def find(tx: Connection, room: bytes) -> Joining | None:
    """Look up what we asked of a room."""
    row = tx.execute(_SELECT + " WHERE room = ?", (room,)).fetchone()
    return None if row is None else Joining(*row)


def room_of(tx: Connection, ref: bytes) -> bytes | None:
    """Say for which room a key package went out with a request; None if with none."""
    row = tx.execute("SELECT room FROM joining WHERE ref = ?", (ref,)).fetchone()
    return None if row is None else bytes(row[0])


def every(tx: Connection) -> list[Joining]:
    """Give all requests, oldest first."""
    return [Joining(*row) for row in tx.execute(_SELECT + " ORDER BY since").fetchall()]


def end(tx: Connection, room: bytes) -> None:
    """Forget a request: we are in the room."""
    tx.execute("DELETE FROM joining WHERE room = ?", (room,))

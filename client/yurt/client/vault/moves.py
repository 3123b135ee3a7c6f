"""Where a move stands, and what was foretold of each tie: one move at a time, resumed after any end.

The step and everything that the next one needs are one row, written after the step was done; each step may
be done twice. The row holds secrets of the move (an unpublished record, keys), so it is in the vault only.
"""

from typing import Final, Literal

import msgspec
from sqlcipher3.dbapi2 import Connection
from typing_extensions import override

TABLE: Final = (
    """
    CREATE TABLE move (
        one    INTEGER PRIMARY KEY CHECK (one = 1),
        state  BLOB NOT NULL                       -- MoveRow, MessagePack
    ) STRICT
    """,
    """
    CREATE TABLE move_tie (
        actor      TEXT NOT NULL,
        direction  TEXT NOT NULL,                  -- follower or following
        body       BLOB NOT NULL,                  -- ForetoldTie, MessagePack
        PRIMARY KEY (actor, direction)
    ) STRICT, WITHOUT ROWID
    """,
)

MoveKind = Literal["move", "rescue"]


class MoveRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A move, as far as it has come."""

    kind: MoveKind
    step: str
    """See ``yurt.client.moving.steps``."""
    job: bytes
    """16 bytes: names the job that carries rows."""
    name: str
    """Of the new account."""
    node: str
    code: str
    secret: bytes
    previous: str
    """The actor that is left."""
    records: tuple[bytes, ...]
    """What the new node is told at the arrival."""
    record: bytes
    """The next person record, signed and not published before the confirmation."""
    statement: bytes
    actor_key: bytes
    """Of the new actor."""
    login_key: bytes
    started: int
    """Seconds since 1970."""
    old_name: str = ""
    old_node: str = ""
    old_login_key: bytes = b""
    old_token: str = ""
    old_key: bytes = b""
    """Of the old actor; empty if nobody has it."""
    old_key_id: str = ""
    older_key: bytes = b""
    """The key before ``old_key``, if it was exchanged: for who has not heard of that."""
    lend_key: bool = False
    """Whether the person agreed that the new node holds the old key, at most 30 days."""
    token: str = ""
    """At the new node."""
    token_expires: int = 0
    keys_part: bytes = b""
    """The kit's part ``keys`` with the new actor key, sealed while the phrase was at hand."""
    keys_counter: int = 0
    kit_public: bytes = b""
    files: dict[str, bytes] = {}
    """CSV files of the kit, by name."""
    rooms: tuple[bytes, ...] = ()
    """Rooms at the beginning: ids of a planned move, encoded cards of a rescue."""
    rooms_kept: tuple[bytes, ...] = ()
    """Ids."""
    confirmed: int = 0
    moved: int = 0
    """When the Move was sent; seconds since 1970."""
    asked: int = 0
    """How many people were asked by a message."""
    notes: tuple[str, ...] = ()
    """What went otherwise than it should, for the receipt."""
    messages: int = 0
    """Messages that could be read at the beginning."""

    @override
    def __repr__(self) -> str:
        """Show where it stands, and none of its secrets."""
        return f"MoveRow({self.kind}, {self.step})"


class ForetoldTie(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was foretold of one direction of a tie."""

    actor: str
    address: str
    direction: str
    outcome: str
    reason: str
    text: str = ""
    source: str = ""
    low: float = 0.0
    high: float = 0.0
    did: str = ""
    inbox: str = ""
    shared_inbox: str = ""
    software: str = ""
    version: str = ""
    strength: float = 0.0
    strong: bool = False
    mutual: bool = False
    newer: bool = False
    """Their software is newer than what was looked at."""


def load(tx: Connection) -> MoveRow | None:
    """Give the move of this vault; None if nobody moves."""
    row = tx.execute("SELECT state FROM move").fetchone()
    return None if row is None else msgspec.msgpack.decode(row[0], type=MoveRow)


def save(tx: Connection, move: MoveRow) -> None:
    """Write where the move stands."""
    tx.execute("INSERT OR REPLACE INTO move (one, state) VALUES (1, ?)", (msgspec.msgpack.encode(move),))


def foretell(tx: Connection, ties: list[ForetoldTie]) -> None:
    """Keep what is foretold, instead of what was before."""
    tx.execute("DELETE FROM move_tie")
    tx.executemany(
        "INSERT INTO move_tie (actor, direction, body) VALUES (?, ?, ?)",
        [(tie.actor, tie.direction, msgspec.msgpack.encode(tie)) for tie in ties],
    )


def foretold(tx: Connection) -> list[ForetoldTie]:
    """Give what was foretold, by actor."""
    rows = tx.execute("SELECT body FROM move_tie ORDER BY actor, direction").fetchall()
    return [msgspec.msgpack.decode(row[0], type=ForetoldTie) for row in rows]


def contacts(tx: Connection, since_ms: int) -> list[tuple[str, bytes, int]]:
    """Who said something when, in which room: (did, room, milliseconds since 1970).

    It is counted here and never leaves the client.
    """
    rows = tx.execute(
        """
        SELECT did, room, accepted_at FROM item
        WHERE kind = 'message' AND own = 0 AND did <> '' AND accepted_at >= ?
        """,
        (since_ms,),
    ).fetchall()
    return [(str(did), bytes(room), int(at)) for did, room, at in rows]


def count_messages(tx: Connection) -> int:
    """How many messages this vault can read."""
    return int(tx.execute("SELECT count(*) FROM item WHERE kind = 'message'").fetchone()[0])

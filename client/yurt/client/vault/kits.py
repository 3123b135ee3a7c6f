"""The own continuity kit: its public keys, its two sealed parts, and the buddies that keep copies."""

from dataclasses import dataclass, field
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.wire.portability_commands import KIT_KEPT_S

TABLE: Final = (
    """
    CREATE TABLE kit (
        one        INTEGER PRIMARY KEY CHECK (one = 1),
        public     BLOB NOT NULL,                  -- KitPublic: seals, and opens nothing
        keys       BLOB NOT NULL DEFAULT x'',      -- sealed part, verbatim
        graph      BLOB NOT NULL DEFAULT x'',
        counter    INTEGER NOT NULL DEFAULT 0,     -- highest ever used, of either part
        graph_at   INTEGER NOT NULL DEFAULT 0,     -- seconds since 1970
        ties       INTEGER NOT NULL DEFAULT 0,     -- in the sealed graph
        rooms      INTEGER NOT NULL DEFAULT 0,
        stale      INTEGER NOT NULL DEFAULT 1      -- something changed since
    ) STRICT
    """,
    """
    CREATE TABLE buddy (
        node       TEXT PRIMARY KEY,
        keys       INTEGER NOT NULL DEFAULT 0,     -- counters that it has confirmed
        graph      INTEGER NOT NULL DEFAULT 0,
        kept_at    INTEGER NOT NULL DEFAULT 0,     -- seconds since 1970, by its clock
        try_at     INTEGER NOT NULL DEFAULT 0,     -- seconds since 1970: not before
        problem    TEXT NOT NULL DEFAULT ''
    ) STRICT, WITHOUT ROWID
    """,
)


NOTICES: Final = (
    "ALTER TABLE buddy ADD COLUMN drops_at INTEGER NOT NULL DEFAULT 0",  # seconds since 1970, its word
    "ALTER TABLE buddy ADD COLUMN dropped_at INTEGER NOT NULL DEFAULT 0",
)


@dataclass(frozen=True, slots=True)
class KitRow:
    """The kit as the vault has it."""

    public: bytes = field(repr=False)
    keys: bytes = field(default=b"", repr=False)
    graph: bytes = field(default=b"", repr=False)
    counter: int = 0
    graph_at: int = 0
    ties: int = 0
    rooms: int = 0
    stale: bool = True
    named: bytes = b""
    """Fingerprint of the actor key in ``keys``; none in a kit that was sealed before it was noted."""


@dataclass(frozen=True, slots=True)
class BuddyRow:
    """A buddy, and what it has."""

    node: str
    keys: int = 0
    graph: int = 0
    kept_at: int = 0
    try_at: int = 0
    problem: str = ""
    drops_at: int = 0
    """When it drops its copy unless that is renewed, in seconds since 1970; 0: it has said nothing of it."""
    dropped_at: int = 0
    """When it last dropped its copy; 0: never."""


def load(tx: Connection) -> KitRow | None:
    """Give the kit; None in a vault that has none yet."""
    row = tx.execute(
        "SELECT public, keys, graph, counter, graph_at, ties, rooms, stale, named FROM kit"
    ).fetchone()
    if row is None:
        return None
    public, keys, graph, counter, graph_at, ties, rooms, stale, named = row
    return KitRow(public, keys, graph, counter, graph_at, ties, rooms, bool(stale), named)


def save(tx: Connection, kit: KitRow) -> None:
    """Write the kit, over an earlier one."""
    tx.execute(
        """
        INSERT OR REPLACE INTO kit (one, public, keys, graph, counter, graph_at, ties, rooms, stale, named)
        VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            kit.public,
            kit.keys,
            kit.graph,
            kit.counter,
            kit.graph_at,
            kit.ties,
            kit.rooms,
            int(kit.stale),
            kit.named,
        ),
    )


def mark_stale(tx: Connection) -> None:
    """Something changed that the sealed graph does not know."""
    tx.execute("UPDATE kit SET stale = 1 WHERE stale = 0")


def buddies(tx: Connection) -> list[BuddyRow]:
    """Give every buddy, by name."""
    rows = tx.execute(
        "SELECT node, keys, graph, kept_at, try_at, problem, drops_at, dropped_at FROM buddy ORDER BY node"
    ).fetchall()
    return [BuddyRow(*row) for row in rows]


def set_buddies(tx: Connection, nodes: tuple[str, ...]) -> None:
    """Have just these buddies; of those that stay, what they have is still known."""
    for known in buddies(tx):
        if known.node not in nodes:
            tx.execute("DELETE FROM buddy WHERE node = ?", (known.node,))
    for node in nodes:
        tx.execute("INSERT OR IGNORE INTO buddy (node) VALUES (?)", (node,))


def note_drop(tx: Connection, node: str, drops_at: int, *, is_dropped: bool) -> None:
    """Note that a buddy drops its copy, or did: then it lacks all of it, and is tried at once.

    A word about a copy that was renewed meanwhile says nothing.
    """
    if not is_dropped:
        tx.execute(
            "UPDATE buddy SET drops_at = ?1 WHERE node = ?2 AND kept_at <= ?1 - ?3",
            (drops_at, node, KIT_KEPT_S),
        )
        return
    tx.execute(
        """
        UPDATE buddy SET keys = 0, graph = 0, try_at = 0, drops_at = 0, dropped_at = ?1
        WHERE node = ?2 AND dropped_at < ?1 AND kept_at <= ?1 - ?3
        """,
        (drops_at, node, KIT_KEPT_S),
    )


def save_buddy(tx: Connection, buddy: BuddyRow) -> None:
    """Note what a buddy has; one that was removed meanwhile stays removed."""
    tx.execute(
        """
        UPDATE buddy SET keys = ?, graph = ?, kept_at = ?, try_at = ?, problem = ?, drops_at = ?
        WHERE node = ?
        """,
        (
            buddy.keys,
            buddy.graph,
            buddy.kept_at,
            buddy.try_at,
            buddy.problem,
            buddy.drops_at,
            buddy.node,
        ),
    )

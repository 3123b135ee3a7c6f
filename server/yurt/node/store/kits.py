"""Table and units of other people's continuity kits: bytes that this node cannot read, and how new they are.

A kit stands under a name that only its phrase gives, and under its did: whoever else learned the name can put
nothing in its place.
"""

from dataclasses import dataclass, field
from typing import Final

from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE kit (
            kit_id BLOB NOT NULL,                   -- 32 bytes, from the phrase
            did TEXT NOT NULL,
            record BLOB NOT NULL,                   -- newest person record, verbatim
            keys BLOB NOT NULL DEFAULT x'',         -- parts, verbatim
            graph BLOB NOT NULL DEFAULT x'',
            kept_at INTEGER NOT NULL,               -- seconds; the newest write
            keys_at INTEGER NOT NULL DEFAULT 0,
            graph_at INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (kit_id, did)
        ) STRICT
        """
    )


def _add_reader(db: Tables) -> None:
    db.execute("ALTER TABLE kit ADD COLUMN reader BLOB NOT NULL DEFAULT x''")  # whose signature fetches it


def _add_told(db: Tables) -> None:
    # WARNED, TOLD; 0: nothing since it was last written
    db.execute("ALTER TABLE kit ADD COLUMN told INTEGER NOT NULL DEFAULT 0")


STEPS: Final = (Step("0163-kits", _create),)
READERS: Final = (Step("0323-kits-reader", _add_reader),)
NOTICES: Final = (Step("0332-kits-told", _add_told),)
WARNED: Final = 1
"""The person knows that their kit will be dropped."""
TOLD: Final = 2
"""The person knows that their kit was dropped."""


@dataclass(frozen=True, slots=True)
class StoredKit:
    """A kit as it is kept."""

    kit_id: bytes = field(repr=False)
    did: str
    record: bytes = field(repr=False)
    keys: bytes = field(default=b"", repr=False)
    graph: bytes = field(default=b"", repr=False)
    kept_at: int = 0
    keys_at: int = 0
    """When the part was last written, in seconds since 1970."""
    graph_at: int = 0
    reader: bytes = b""
    """Ed25519 public key whose signature fetches it; empty until somebody refreshes an old row."""

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.record) + len(self.keys) + len(self.graph)


_SELECT: Final = "SELECT kit_id, did, record, keys, graph, kept_at, keys_at, graph_at, reader FROM kit "


def readers_under(tx: ReadTx, kit_id: bytes, limit: int) -> list[tuple[str, bytes]]:
    """The did and the reader of each kit under a name; more than one only if somebody tried to take it."""
    rows = tx.rows("SELECT did, reader FROM kit WHERE kit_id = ? ORDER BY rowid LIMIT ?", kit_id, limit)
    return [(str(did), bytes(reader)) for did, reader in rows]


def kit_of(tx: ReadTx, kit_id: bytes, did: str) -> StoredKit | None:
    """One person's kit."""
    row = tx.row(_SELECT + "WHERE kit_id = ? AND did = ?", kit_id, did)
    return StoredKit(*row) if row else None


def kits_of(tx: ReadTx, did: str) -> int:
    """How many kits a person has here."""
    row = tx.row("SELECT count(*) FROM kit WHERE did = ?", did)
    return int(row[0]) if row else 0


def put_kit(tx: Tx, kit: StoredKit) -> None:
    """Keep a kit as it is now."""
    tx.change(
        """
        INSERT OR REPLACE INTO kit (kit_id, did, record, keys, graph, kept_at, keys_at, graph_at, reader)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        kit.kit_id,
        kit.did,
        kit.record,
        kit.keys,
        kit.graph,
        kit.kept_at,
        kit.keys_at,
        kit.graph_at,
        kit.reader,
    )


def count_kits(tx: ReadTx) -> int:
    """How many are kept."""
    row = tx.row("SELECT count(*) FROM kit")
    return int(row[0]) if row else 0


def count_strangers(tx: ReadTx) -> int:
    """How many are of people without an account here, and with whom nobody here has a tie."""
    row = tx.row(
        """
        SELECT count(*) FROM kit WHERE NOT EXISTS (SELECT 1 FROM account WHERE account.did = kit.did)
        AND NOT EXISTS (
            SELECT 1 FROM tie JOIN person ON person.id = tie.person
            WHERE person.did = kit.did AND tie.state = 'accepted')
        """
    )
    return int(row[0]) if row else 0


def is_tied(tx: ReadTx, did: str) -> bool:
    """Whether somebody here follows a person, or is followed by them."""
    return (
        tx.row(
            """
            SELECT 1 FROM tie JOIN person ON person.id = tie.person
            WHERE person.did = ? AND tie.state = 'accepted' LIMIT 1
            """,
            did,
        )
        is not None
    )


# --- what nobody renews ------------------------------------------------------------------------------
def unwarned(tx: ReadTx, before_s: int, limit: int) -> list[StoredKit]:
    """Kits that nobody renewed since a time, and whose people have not been told so."""
    rows = tx.rows(
        _SELECT + "WHERE kept_at < ? AND told = 0 AND (keys <> x'' OR graph <> x'') ORDER BY kept_at LIMIT ?",
        before_s,
        limit,
    )
    return [StoredKit(*row) for row in rows]


def untold(tx: ReadTx, limit: int) -> list[StoredKit]:
    """Kits that were dropped, and whose people have not been told so."""
    rows = tx.rows(_SELECT + "WHERE keys = x'' AND graph = x'' AND told < ? LIMIT ?", TOLD, limit)
    return [StoredKit(*row) for row in rows]


def note_told(tx: Tx, kit: StoredKit, told: int) -> None:
    """Note what its person was told, unless it was renewed meanwhile."""
    tx.change(
        "UPDATE kit SET told = ? WHERE kit_id = ? AND did = ? AND kept_at = ?",
        told,
        kit.kit_id,
        kit.did,
        kit.kept_at,
    )


def drop_old(tx: Tx, before_s: int) -> int:
    """Drop kits that nobody renewed since a time; count them. Whose they were is still to be told."""
    return tx.change(
        "UPDATE kit SET keys = x'', graph = x'' WHERE kept_at < ? AND (keys <> x'' OR graph <> x'')", before_s
    )


def forget_dropped(tx: Tx, before_s: int) -> int:
    """Forget kits that were dropped and told of, and whose people could not be told for long; count them."""
    return tx.change(
        "DELETE FROM kit WHERE keys = x'' AND graph = x'' AND (told >= ? OR kept_at < ?)", TOLD, before_s
    )

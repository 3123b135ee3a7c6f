"""What waits for another node beside log rows: the start of a room's copy, Welcomes, person records.

Such an item is written in the transaction of the commit that made it, sent with each exchange until the
peer has settled it, and then deleted. One that a peer refuses again and again is set aside, with the
reason, and blocks nothing; log rows need no such table (a peer's cursor says what it lacks).
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx

REFUSALS: Final = 5
"""After so many final refusals an item is set aside."""


def _create(db: Tables) -> None:
    db.execute("""
        CREATE TABLE outbound (
            id BLOB PRIMARY KEY,               -- 16 bytes; the peer takes each id once
            node TEXT NOT NULL,                -- the peer
            kind INTEGER NOT NULL,             -- OutboundKind
            room BLOB NOT NULL,
            body BLOB NOT NULL,                -- the exchange struct, MessagePack
            created_at INTEGER NOT NULL,       -- ms since 1970
            refusals INTEGER NOT NULL DEFAULT 0,
            set_aside TEXT NOT NULL DEFAULT '' -- why it is not sent any more
        ) STRICT
    """)
    db.execute("CREATE INDEX outbound_node ON outbound (node, created_at) WHERE set_aside = ''")


STEPS: Final = (Step("0003-outbound", _create),)


class OutboundKind(IntEnum):
    """What waits."""

    START = 1
    """exchange.RoomStart"""
    WELCOME = 2
    """exchange.WelcomeDelivery"""
    RECORD = 3
    """A signed person record, verbatim; of no room."""


@dataclass(frozen=True, slots=True)
class Outbound:
    """One item that waits for a peer."""

    id: bytes
    node: str
    kind: OutboundKind
    room: bytes
    body: bytes
    created_at: int


def put(tx: Tx, item: Outbound) -> None:
    """Let an item wait."""
    tx.change(
        "INSERT INTO outbound (id, node, kind, room, body, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        item.id,
        item.node,
        item.kind,
        item.room,
        item.body,
        item.created_at,
    )


def waiting(tx: ReadTx, node: str, limit: int = 100) -> list[Outbound]:
    """What waits for a peer, oldest first."""
    rows = tx.rows(
        """
        SELECT id, node, kind, room, body, created_at FROM outbound
        WHERE node = ? AND set_aside = '' ORDER BY created_at, kind LIMIT ?
        """,
        node,
        limit,
    )
    return [Outbound(id_, to, OutboundKind(kind), room, body, at) for id_, to, kind, room, body, at in rows]


def nodes(tx: ReadTx) -> list[str]:
    """Peers for which something waits."""
    return [str(row[0]) for row in tx.rows("SELECT DISTINCT node FROM outbound WHERE set_aside = ''")]


def settle(tx: Tx, item: bytes) -> None:
    """The peer has it."""
    tx.change("DELETE FROM outbound WHERE id = ?", item)


def refused(tx: Tx, item: bytes, reason: str) -> bool:
    """Count a final refusal; True if the item is set aside now."""
    rows = tx.returning(
        """
        UPDATE outbound SET refusals = refusals + 1,
            set_aside = CASE WHEN refusals + 1 >= ?1 THEN ?2 ELSE '' END
        WHERE id = ?3 RETURNING set_aside
        """,
        REFUSALS,
        reason,
        item,
    )
    return bool(rows and rows[0][0])

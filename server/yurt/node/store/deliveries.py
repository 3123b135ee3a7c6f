"""Table and units of the queue of activities to other nodes: kept until delivered or set aside.

Only the queue's spine: a persistent row per inbox, its next try and its number of tries. A row that is
refused finally, or that was tried too often, is set aside with its reason and blocks nothing.
"""

from dataclasses import dataclass
from typing import Final

from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE delivery (
            id INTEGER PRIMARY KEY,
            sender TEXT NOT NULL,                   -- account that signs; empty: the node itself
            host TEXT NOT NULL,
            inbox TEXT NOT NULL,
            body BLOB NOT NULL,                     -- the activity, as it is sent each time
            tries INTEGER NOT NULL DEFAULT 0,
            next_at INTEGER NOT NULL,               -- ms
            aside TEXT NOT NULL DEFAULT ''          -- why it was set aside; empty while it waits
        ) STRICT
        """
    )
    db.execute("CREATE INDEX delivery_next ON delivery (host, next_at) WHERE aside = ''")


STEPS: Final = (Step("0106-deliveries", _create),)


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One activity for one inbox."""

    id: int
    sender: str
    host: str
    inbox: str
    body: bytes
    tries: int


def add_delivery(tx: Tx, sender: str, host: str, inbox: str, body: bytes, now_ms: int) -> int:
    """Queue an activity; return its id."""
    return tx.inserted(
        "INSERT INTO delivery (sender, host, inbox, body, next_at) VALUES (?, ?, ?, ?, ?)",
        sender,
        host,
        inbox,
        body,
        now_ms,
    )


def waiting_hosts(tx: ReadTx, now_ms: int) -> list[str]:
    """Hosts for which something is due."""
    rows = tx.rows("SELECT DISTINCT host FROM delivery WHERE aside = '' AND next_at <= ?", now_ms)
    return [str(row[0]) for row in rows]


def next_due(tx: ReadTx, now_ms: int) -> int | None:
    """When something is due that is not due yet, in ms; None if there is nothing such."""
    row = tx.row("SELECT min(next_at) FROM delivery WHERE aside = '' AND next_at > ?", now_ms)
    return int(row[0]) if row and row[0] is not None else None


def due_for(tx: ReadTx, host: str, now_ms: int, limit: int) -> list[DeliveryRow]:
    """What is due for a host, oldest first."""
    rows = tx.rows(
        """
        SELECT id, sender, host, inbox, body, tries FROM delivery
        WHERE host = ? AND aside = '' AND next_at <= ? ORDER BY id LIMIT ?
        """,
        host,
        now_ms,
        limit,
    )
    return [DeliveryRow(*row) for row in rows]


def delivered(tx: Tx, delivery: int) -> None:
    """It arrived."""
    tx.change("DELETE FROM delivery WHERE id = ?", delivery)


def try_again(tx: Tx, delivery: int, next_at_ms: int) -> None:
    """It did not arrive this time."""
    tx.change("UPDATE delivery SET tries = tries + 1, next_at = ? WHERE id = ?", next_at_ms, delivery)


def set_aside(tx: Tx, delivery: int, reason: str) -> None:
    """It will not be tried again."""
    tx.change("UPDATE delivery SET tries = tries + 1, aside = ? WHERE id = ?", reason, delivery)


def heard_from(tx: Tx, host: str, now_ms: int) -> None:
    """The host is alive: what waits for it is due now."""
    tx.change("UPDATE delivery SET next_at = min(next_at, ?) WHERE host = ? AND aside = ''", now_ms, host)

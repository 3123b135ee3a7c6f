"""What a node can count about itself, and facts about its database that outlive a process."""

from dataclasses import dataclass
from typing import Final

from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx

BACKUP_AT: Final = "backup_at"
"""Seconds since 1970 at which the newest backup was finished."""
RESTORED_AT: Final = "restored_at"
"""Seconds since 1970 at which this database came out of a backup, until its rooms were asked for."""


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE node_fact (
            name TEXT NOT NULL PRIMARY KEY,
            value INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )


STEPS: Final = (Step("0202-node-facts", _create),)


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of a node; nothing in them names anybody."""

    accounts: int
    suspended: int
    rooms_here: int
    """Rooms that this node orders."""
    rooms_elsewhere: int
    """Rooms of which it keeps a copy."""
    rows: int
    """Arrival number of the newest row of all logs."""
    deliveries_waiting: int
    deliveries_aside: int
    exchanges_waiting: int
    exchanges_aside: int
    backup_at: int
    """Seconds since 1970; 0: never."""


def figures(tx: ReadTx, domain: str) -> Figures:
    """Count."""
    row = tx.row(
        """
        SELECT
            (SELECT count(*) FROM account),
            (SELECT count(*) FROM account WHERE suspended_at > 0),
            (SELECT count(*) FROM room WHERE hub = ?1),
            (SELECT count(*) FROM room WHERE hub <> ?1),
            (SELECT coalesce(max(id), 0) FROM entry),
            (SELECT count(*) FROM delivery WHERE aside = ''),
            (SELECT count(*) FROM delivery WHERE aside <> ''),
            (SELECT count(*) FROM outbound WHERE set_aside = ''),
            (SELECT count(*) FROM outbound WHERE set_aside <> ''),
            (SELECT coalesce(max(value), 0) FROM node_fact WHERE name = ?2)
        """,
        domain,
        BACKUP_AT,
    )
    if row is None:
        raise AssertionError("a query of counts answers one row")
    return Figures(*row)


def full_rooms(tx: ReadTx, limit: int) -> int:
    """How many rooms, with their hub here or elsewhere, keep so many bytes; reads every log."""
    row = tx.row(
        """
        SELECT count(*) FROM (
            SELECT 1 FROM entry JOIN log ON log.id = entry.log
            WHERE log.name LIKE 'room/%' GROUP BY entry.log HAVING sum(length(body)) >= ?
        )
        """,
        limit,
    )
    return int(row[0]) if row else 0


def fact(tx: ReadTx, name: str) -> int:
    """A fact's value; 0 if it was never set."""
    row = tx.row("SELECT value FROM node_fact WHERE name = ?", name)
    return int(row[0]) if row else 0


def set_fact(tx: Tx, name: str, value: int) -> None:
    """Keep a fact."""
    tx.change("INSERT OR REPLACE INTO node_fact (name, value) VALUES (?, ?)", name, value)

"""Table and units of the domains that a node blocks or allows, and which of the two lists counts."""

from dataclasses import dataclass
from typing import Final

from yurt.activitypub.domains import DomainRules, Mode
from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx

BLOCK: Final = "block"
ALLOW: Final = "allow"


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE domain_rule (
            domain TEXT NOT NULL PRIMARY KEY,
            kind TEXT NOT NULL,                     -- block or allow
            note TEXT NOT NULL DEFAULT '',          -- for the operator; nobody else sees it
            since INTEGER NOT NULL                  -- seconds
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE domain_mode (
            one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
            mode TEXT NOT NULL
        ) STRICT
        """
    )


STEPS: Final = (Step("0151-domains", _create),)


@dataclass(frozen=True, slots=True)
class DomainRow:
    """One line of the lists."""

    domain: str
    kind: str
    note: str
    since: int
    """Seconds since 1970."""


def domain_rows(tx: ReadTx) -> list[DomainRow]:
    """Both lists, by name."""
    return [
        DomainRow(*row)
        for row in tx.rows("SELECT domain, kind, note, since FROM domain_rule ORDER BY domain")
    ]


def put_domain(tx: Tx, row: DomainRow) -> None:
    """Put a domain on one list; it leaves the other."""
    tx.change(
        "INSERT OR REPLACE INTO domain_rule (domain, kind, note, since) VALUES (?, ?, ?, ?)",
        row.domain,
        row.kind,
        row.note,
        row.since,
    )


def drop_domain(tx: Tx, domain: str) -> bool:
    """Take a domain off its list; False if it was on none."""
    return bool(tx.change("DELETE FROM domain_rule WHERE domain = ?", domain))


def mode(tx: ReadTx) -> Mode:
    """Which list counts."""
    row = tx.row("SELECT mode FROM domain_mode")
    return Mode(row[0]) if row else Mode.OPEN


def set_mode(tx: Tx, wanted: Mode) -> None:
    """Let the other list count."""
    tx.change("INSERT OR REPLACE INTO domain_mode (one, mode) VALUES (1, ?)", wanted.value)


def domain_rules(tx: ReadTx, node: str) -> DomainRules:
    """The rules as they are now."""
    rows = domain_rows(tx)
    return DomainRules(
        node,
        mode(tx),
        frozenset(row.domain for row in rows if row.kind == BLOCK),
        frozenset(row.domain for row in rows if row.kind == ALLOW),
    )


@dataclass(frozen=True, slots=True)
class Concerned:
    """What a block of a domain touches here (TRUST 7: say so first)."""

    ties: int
    rooms: tuple[bytes, ...]
    """Ids of rooms that are ordered there."""


def concerned(tx: ReadTx, domain: str) -> Concerned:
    """Count the ties with people there, and name the rooms that stop."""
    row = tx.row(
        """
        SELECT count(*) FROM tie JOIN person ON person.id = tie.person
        WHERE tie.state IN ('pending', 'accepted')
        AND (person.actor LIKE 'https://' || ?1 || '/%' OR person.actor LIKE 'https://%.' || ?1 || '/%')
        """,
        domain,
    )
    rooms = tx.rows("SELECT room FROM room WHERE hub = ?1 OR hub LIKE '%.' || ?1", domain)
    return Concerned(int(row[0]) if row else 0, tuple(bytes(one[0]) for one in rooms))

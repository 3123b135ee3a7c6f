"""Table and units of the hosts that activities are delivered to: what was learned of each of them.

A host that fails is left alone as a whole for a while, so that what waits for it costs one try and not
hundreds. A row is made with the first delivery to a host and never goes away: it also remembers which
signature scheme the host reads.
"""

from dataclasses import dataclass, field
from typing import Final

from yurt.activitypub.delivery import HostHealth
from yurt.activitypub.http_signatures.knock import KnownScheme, Scheme
from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx


def _create(db: Tables) -> None:
    db.execute("ALTER TABLE delivery ADD COLUMN queued_at INTEGER NOT NULL DEFAULT 0")  # ms
    db.execute("ALTER TABLE delivery ADD COLUMN is_follow INTEGER NOT NULL DEFAULT 0")  # passes the dead mark
    db.execute("ALTER TABLE delivery ADD COLUMN for_followers INTEGER NOT NULL DEFAULT 0")  # FEP-8fcf header
    db.execute("UPDATE delivery SET queued_at = next_at")
    db.execute(
        """
        CREATE TABLE host (
            host TEXT NOT NULL PRIMARY KEY,
            failures INTEGER NOT NULL DEFAULT 0,     -- tries in a row that the whole host failed
            paused_until INTEGER NOT NULL DEFAULT 0, -- ms
            failed_days TEXT NOT NULL DEFAULT '',    -- days since 1970, ascending, with blanks between
            is_dead INTEGER NOT NULL DEFAULT 0,      -- only Follows are tried
            scheme TEXT NOT NULL DEFAULT 'cavage',   -- see http_signatures.knock
            scheme_at INTEGER NOT NULL DEFAULT 0     -- seconds; 0: nothing is known
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("INSERT INTO host (host) SELECT DISTINCT host FROM delivery WHERE aside = ''")


STEPS: Final = (Step("0107-delivery-hosts", _create),)


@dataclass(frozen=True, slots=True)
class HostRow:
    """What is known of one host."""

    host: str
    failures: int = 0
    paused_until: int = 0
    """Milliseconds since 1970. Without failures it is the host that asked for the pause."""
    health: HostHealth = field(default_factory=HostHealth)
    scheme: KnownScheme = field(default_factory=KnownScheme)


def host_named(tx: ReadTx, host: str) -> HostRow:
    """What is known of a host; of an unknown one, nothing."""
    row = tx.row(
        "SELECT failures, paused_until, failed_days, scheme, scheme_at FROM host WHERE host = ?", host
    )
    if row is None:
        return HostRow(host)
    failures, paused_until, days, scheme, at = row
    health = HostHealth(tuple(int(day) for day in days.split()))
    return HostRow(host, failures, paused_until, health, KnownScheme(Scheme(scheme), at))


def put_host(tx: Tx, row: HostRow) -> None:
    """Keep what is known of a host now."""
    tx.change(
        """
        INSERT INTO host (host, failures, paused_until, failed_days, is_dead, scheme, scheme_at)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (host) DO UPDATE SET
            failures = excluded.failures, paused_until = excluded.paused_until,
            failed_days = excluded.failed_days, is_dead = excluded.is_dead,
            scheme = excluded.scheme, scheme_at = excluded.scheme_at
        """,
        row.host,
        row.failures,
        row.paused_until,
        " ".join(str(day) for day in row.health.failed_days),
        int(row.health.is_dead),
        row.scheme.scheme.value,
        row.scheme.at,
    )


def put_scheme(tx: Tx, host: str, scheme: KnownScheme) -> None:
    """Remember which signatures a host reads; nothing else about it changes."""
    tx.change(
        """
        INSERT INTO host (host, scheme, scheme_at) VALUES (?, ?, ?)
        ON CONFLICT (host) DO UPDATE SET scheme = excluded.scheme, scheme_at = excluded.scheme_at
        """,
        host,
        scheme.scheme.value,
        scheme.at,
    )


def expect_host(tx: Tx, host: str, *, at_once: bool) -> None:
    """Have a row for a host that something is queued for.

    Args:
        tx: The transaction.
        host: Its name.
        at_once: Whether this ends a pause that came from failures; one that the host asked for stays.
    """
    tx.change("INSERT INTO host (host) VALUES (?) ON CONFLICT DO NOTHING", host)
    if at_once:
        tx.change("UPDATE host SET paused_until = 0 WHERE host = ? AND failures > 0", host)


def pause(tx: Tx, host: str, until_ms: int) -> None:
    """Leave a host alone that lives: it asked for it."""
    tx.change("UPDATE host SET paused_until = ? WHERE host = ?", until_ms, host)

"""Table and units of the queue of activities to other nodes: kept until delivered or set aside.

A row is one activity for one inbox. It is deleted only after the inbox took it: whatever happens between
reading it and the answer, it is sent again, and receivers take an activity once. What is refused finally,
too old or impossible to send is set aside with its reason and blocks nothing; it is looked at for two weeks
and then forgotten.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from yurt.activitypub.delivery import LIFETIME_S, Stop, heard_from
from yurt.activitypub.follow import FollowState
from yurt.node.store import delivery_hosts
from yurt.node.store.delivery_hosts import expect_host, host_named, pause, put_host
from yurt.node.store.farewells import forget_farewells
from yurt.node.store.people import FOLLOWER
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


def _order(db: Tables) -> None:
    db.execute("CREATE INDEX delivery_order ON delivery (goes_after) WHERE goes_after <> 0")


STEPS: Final = (Step("0106-deliveries", _create), *delivery_hosts.STEPS)
ORDERED: Final = (Step("0324-delivery-order", _order),)

_MAY_GO: Final = """delivery.aside = '' AND (NOT host.is_dead OR delivery.is_follow)
    AND NOT EXISTS (
        SELECT 1 FROM delivery AS before WHERE before.id = delivery.goes_after AND before.aside = ''
    )"""
_LIFETIME_MS: Final = LIFETIME_S * 1000


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One activity for one inbox."""

    id: int
    sender: str
    host: str
    inbox: str
    body: bytes
    tries: int
    queued_at: int
    """Milliseconds since 1970."""
    for_followers: bool = False
    """Goes with the header of FEP-8fcf."""
    is_follow: bool = False
    retired: int = 0
    """Of the sender's retired keys the one that signs it; 0: the key of now."""


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """An activity that is to go out."""

    sender: str
    body: bytes
    is_follow: bool = False
    for_followers: bool = False


def add_deliveries(tx: Tx, new: NewDelivery, stops: Iterable[Stop], now_ms: int) -> None:
    """Queue an activity, once for each stop."""
    for stop in stops:
        expect_host(tx, stop.host, at_once=new.is_follow)
        tx.change(
            """
            INSERT INTO delivery (sender, host, inbox, body, next_at, queued_at, is_follow, for_followers)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            new.sender,
            stop.host,
            stop.inbox,
            new.body,
            now_ms,
            now_ms,
            int(new.is_follow),
            int(new.for_followers),
        )


def waiting_hosts(tx: ReadTx, now_ms: int) -> list[tuple[str, bool]]:
    """Hosts for which something is due, each with whether it failed when it was last tried."""
    rows = tx.rows(
        f"""
        SELECT host, failures > 0 FROM host
        WHERE paused_until <= ?1 AND EXISTS (
            SELECT 1 FROM delivery WHERE delivery.host = host.host AND next_at <= ?1 AND {_MAY_GO}
        )
        """,  # noqa: S608  # a constant of this module
        now_ms,
    )
    return [(str(host), bool(failing)) for host, failing in rows]


def next_due(tx: ReadTx, now_ms: int) -> int | None:
    """When something is due that is not due yet, in ms; None if there is nothing such."""
    row = tx.row(
        f"""
        SELECT min(due) FROM (
            SELECT max(host.paused_until, min(delivery.next_at)) AS due
            FROM host JOIN delivery ON delivery.host = host.host WHERE {_MAY_GO} GROUP BY host.host
        ) WHERE due > ?
        """,  # noqa: S608  # a constant of this module
        now_ms,
    )
    return int(row[0]) if row and row[0] is not None else None


def due_for(tx: ReadTx, host: str, now_ms: int, limit: int) -> list[DeliveryRow]:
    """What is due for a host; what failed before stands behind what waits since then."""
    rows = tx.rows(
        f"""
        SELECT id, sender, delivery.host, inbox, body, tries, queued_at, for_followers,
            is_follow, retired
        FROM delivery JOIN host ON host.host = delivery.host
        WHERE delivery.host = ?1 AND next_at <= ?2 AND paused_until <= ?2 AND {_MAY_GO}
        ORDER BY next_at, id LIMIT ?3
        """,  # noqa: S608  # a constant of this module
        host,
        now_ms,
        limit,
    )
    return [
        DeliveryRow(id_, sender, at, inbox, body, tries, queued_at, bool(for_followers), bool(is_follow), key)
        for id_, sender, at, inbox, body, tries, queued_at, for_followers, is_follow, key in rows
    ]


def count_waiting(tx: ReadTx, host: str) -> int:
    """How much waits for a host, due or not."""
    rows = tx.rows("SELECT count(*) FROM delivery WHERE host = ? AND aside = ''", host)
    return int(rows[0][0])


def frees_another(tx: ReadTx, row: DeliveryRow) -> bool:
    """Whether something else was to go after this one."""
    return tx.row("SELECT 1 FROM delivery WHERE goes_after = ? AND goes_after <> 0", row.id) is not None


def followers_at(tx: ReadTx, account: str, host: str) -> list[str]:
    """The actors at a host whose follow of an account is accepted; what lives elsewhere is not looked at."""
    rows = tx.rows(
        """
        SELECT person.actor FROM person
        JOIN tie ON tie.person = person.id AND tie.direction = ?4 AND tie.state = ?5
        WHERE person.actor > ?2 AND person.actor < ?3
            AND tie.account = (SELECT id FROM account WHERE name = ?1)
        """,
        account,
        f"https://{host}/",
        f"https://{host}0",  # the character after the slash
        FOLLOWER,
        FollowState.ACCEPTED.value,
    )
    return [str(row[0]) for row in rows]


# A row may be gone while it was under way (its account was deleted), and its id be another's by now: an
# activity's body is its own.
def delivered(tx: Tx, row: DeliveryRow) -> None:
    """It arrived."""
    tx.change("DELETE FROM delivery WHERE id = ? AND body = ?", row.id, row.body)


def try_again(tx: Tx, row: DeliveryRow, next_at_ms: int) -> None:
    """It did not arrive this time."""
    tx.change(
        "UPDATE delivery SET tries = tries + 1, next_at = ? WHERE id = ? AND body = ?",
        next_at_ms,
        row.id,
        row.body,
    )


def set_aside(tx: Tx, row: DeliveryRow, reason: str) -> None:
    """It will not be tried again."""
    tx.change(
        "UPDATE delivery SET tries = tries + 1, aside = ? WHERE id = ? AND body = ?", reason, row.id, row.body
    )


def alive(tx: Tx, host: str, now_ms: int) -> bool:
    """The host answered or spoke: its marks are gone, and what waited because it was down is due now.

    Returns:
        Whether something may be due now that was not before.
    """
    known = host_named(tx, host)
    if not known.failures and not known.health.failed_days:
        return False
    asked_until = 0 if known.failures else known.paused_until
    put_host(tx, replace(known, failures=0, paused_until=asked_until, health=heard_from(known.health)))
    if known.failures:
        tx.change(
            "UPDATE delivery SET next_at = ?1 WHERE host = ?2 AND aside = '' AND next_at > ?1", now_ms, host
        )
    return True


def busy(tx: Tx, host: str, now_ms: int, until_ms: int) -> None:
    """The host answered that it has too much to do: it lives, and rests until then."""
    alive(tx, host, now_ms)
    pause(tx, host, until_ms)


def tidy(tx: Tx, now_ms: int) -> int:
    """Set aside what waits since two weeks at dead hosts, forget what was aside so long; count the former."""
    old = now_ms - _LIFETIME_MS
    forget_farewells(tx, now_ms // 1000)
    tx.change("DELETE FROM delivery WHERE aside <> '' AND queued_at < ?", old - _LIFETIME_MS)
    return tx.change("UPDATE delivery SET aside = 'tooOld' WHERE aside = '' AND queued_at < ?", old)

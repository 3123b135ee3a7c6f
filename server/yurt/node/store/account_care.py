"""Units with which an operator cares for accounts: list, suspend, reset, delete.

A deleted account's name is kept with its did: nobody else can take an address under which people know
somebody, and the same person may come back to it. Rows of the inbox are emptied, not removed: the numbers
of rows must never be used again while a node looks for what is new.
"""

from dataclasses import dataclass
from typing import Final

from yurt.node.store import logs
from yurt.node.store.figures import fact, set_fact
from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx


def _create(db: Tables) -> None:
    # 0: not suspended; else seconds
    db.execute("ALTER TABLE account ADD COLUMN suspended_at INTEGER NOT NULL DEFAULT 0")
    # unused since 0290
    db.execute("ALTER TABLE invite ADD COLUMN resets TEXT NOT NULL DEFAULT ''")
    db.execute(
        """
        CREATE TABLE former_account (
            name TEXT NOT NULL PRIMARY KEY,
            did TEXT NOT NULL,
            deleted_at INTEGER NOT NULL             -- seconds
        ) STRICT, WITHOUT ROWID
        """
    )


def _end_links(db: Tables) -> None:
    # who was reset comes back with their 24 words; a link left over must not become an invite
    db.execute("DELETE FROM invite WHERE resets <> ''")


STEPS: Final = (Step("0201-account-care", _create),)
NO_LINKS: Final = (Step("0290-no-reset-links", _end_links),)

_CARE: Final = "care_count"
OWNED: Final = (
    "job",
    "list",
    "bookmark",
    "domain_block",
    "said",
    "device",
    "key_package",
    "device_seen",
    "last_resort",
    "link_mail",
    "tie",
    "block",
    "timeline",
    "alias",
    "moved_account",
    "tie_move",
    "public_key_package",
    "proof_key",
    "retired_key",
    "lent_key",
    "lent_until",
    "rescue_stop",
    "move_watch",
    "move_mark",
)
"""Every table whose rows belong to one account (a foreign key): `delete` empties them."""


@dataclass(frozen=True, slots=True)
class AccountStanding:
    """An account as its operator sees it."""

    name: str
    did: str
    created_at: int
    """Seconds since 1970."""
    suspended_at: int
    """Seconds since 1970; 0 if it is not suspended."""
    devices: int
    """How many devices are signed in."""
    followers: int
    following: int


def standings(tx: ReadTx, now_s: int) -> list[AccountStanding]:
    """Every account, by name."""
    rows = tx.rows(
        """
        SELECT name, did, created_at, suspended_at,
            (SELECT count(*) FROM device WHERE device.account = account.id AND expires_at > ?),
            (SELECT count(*) FROM tie WHERE tie.account = account.id AND direction = 'follower'),
            (SELECT count(*) FROM tie WHERE tie.account = account.id AND direction = 'following')
        FROM account ORDER BY name
        """,
        now_s,
    )
    return [AccountStanding(*row) for row in rows]


def care_count(tx: ReadTx) -> int:
    """A number that grows whenever an operator signs somebody out."""
    return fact(tx, _CARE)


def _cared(tx: Tx) -> None:
    set_fact(tx, _CARE, care_count(tx) + 1)


def suspended(tx: ReadTx, account_id: int) -> bool:
    """Whether an account may not sign in."""
    row = tx.row("SELECT suspended_at FROM account WHERE id = ?", account_id)
    return bool(row and row[0])


def suspend(tx: Tx, name: str, now_s: int) -> bool:
    """Sign every device out and let none in; False if there is no such account."""
    rows = tx.returning("UPDATE account SET suspended_at = ? WHERE name = ? RETURNING id", now_s, name)
    _cared(tx)
    for row in rows:
        tx.change("DELETE FROM device WHERE account = ?", row[0])
    return bool(rows)


def resume(tx: Tx, name: str) -> bool:
    """End a suspension; False if there is no such account."""
    return bool(tx.change("UPDATE account SET suspended_at = 0 WHERE name = ?", name))


def reset(tx: Tx, name: str) -> bool:
    """Sign every device out and forget the login key; False if there is no such account."""
    # The empty hash is the hash of nothing: the old login key opens nothing any more.
    rows = tx.returning("UPDATE account SET login_hash = x'' WHERE name = ? RETURNING id", name)
    _cared(tx)
    for row in rows:
        tx.change("DELETE FROM device WHERE account = ?", row[0])
    return bool(rows)


def delete(tx: Tx, name: str, now_s: int) -> bool:
    """Remove an account and what only it needs; False if there is no such account.

    What others rely on stays: its did's records, and the rows of its rooms.
    """
    row = tx.row("SELECT id, did FROM account WHERE name = ?", name)
    if row is None:
        return False
    number, did = int(row[0]), str(row[1])
    _cared(tx)
    for table in OWNED:
        tx.change(f"DELETE FROM {table} WHERE account = ?", number)  # noqa: S608  # a constant
    tx.change("DELETE FROM delivery WHERE sender = ?", name)
    inbox = logs.inbox_log(name)
    logs.erase(tx, inbox, logs.head(tx, inbox))
    tx.change("DELETE FROM cursor WHERE log = (SELECT id FROM log WHERE name = ?)", inbox)
    tx.change("DELETE FROM account WHERE id = ?", number)
    tx.change(
        "INSERT OR REPLACE INTO former_account (name, did, deleted_at) VALUES (?, ?, ?)", name, did, now_s
    )
    return True


def deleted_at(tx: ReadTx, name: str) -> int | None:
    """When the account of that name was deleted, in seconds; None if there never was one."""
    row = tx.row("SELECT deleted_at FROM former_account WHERE name = ?", name)
    return int(row[0]) if row else None


def is_former(tx: ReadTx, name: str) -> bool:
    """Whether an account of that name was deleted."""
    return tx.row("SELECT 1 FROM former_account WHERE name = ?", name) is not None


def reserved(tx: ReadTx, name: str, did: str) -> bool:
    """Whether a name belonged to somebody else before."""
    row = tx.row("SELECT 1 FROM former_account WHERE name = ? AND did <> ?", name, did)
    return row is not None

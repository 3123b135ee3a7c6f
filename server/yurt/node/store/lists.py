"""Tables and units of what only its person sees: lists of people, bookmarks, and whole nodes blocked.

A list holds addresses, not ties: somebody may be meant to be in it before their follow stands, or before they
are known here.
"""

from dataclasses import dataclass
from typing import Final

from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE list (
            id INTEGER PRIMARY KEY,
            account INTEGER NOT NULL REFERENCES account (id),
            name TEXT NOT NULL,
            UNIQUE (account, name)
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE list_member (
            id INTEGER PRIMARY KEY,                 -- order in which they were put in
            list INTEGER NOT NULL REFERENCES list (id) ON DELETE CASCADE,
            key TEXT NOT NULL,                      -- the address in lower case
            address TEXT NOT NULL,                  -- as it was written
            UNIQUE (list, key)
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE bookmark (
            id INTEGER PRIMARY KEY,
            account INTEGER NOT NULL REFERENCES account (id),
            uri TEXT NOT NULL,
            UNIQUE (account, uri)
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE domain_block (
            id INTEGER PRIMARY KEY,
            account INTEGER NOT NULL REFERENCES account (id),
            domain TEXT NOT NULL,                   -- it and everything below it
            UNIQUE (account, domain)
        ) STRICT
        """
    )


STEPS: Final = (Step("0160-lists", _create),)


@dataclass(frozen=True, slots=True)
class MemberRow:
    """Somebody in a list."""

    id: int
    list: str
    address: str
    actor: str
    """Empty while the follow does not stand."""


def put_list(tx: Tx, account_id: int, name: str) -> int:
    """Have a list; return its number."""
    tx.change("INSERT INTO list (account, name) VALUES (?, ?) ON CONFLICT DO NOTHING", account_id, name)
    row = tx.row("SELECT id FROM list WHERE account = ? AND name = ?", account_id, name)
    return int(row[0]) if row else 0


def drop_list(tx: Tx, account_id: int, name: str) -> bool:
    """Forget a list and who is in it; False if there is none."""
    row = tx.row("SELECT id FROM list WHERE account = ? AND name = ?", account_id, name)
    if row is None:
        return False
    tx.change("DELETE FROM list_member WHERE list = ?", row[0])
    return bool(tx.change("DELETE FROM list WHERE id = ?", row[0]))


def put_member(tx: Tx, account_id: int, name: str, address: str) -> None:
    """Put an address into a list; again is no change."""
    tx.change(
        "INSERT INTO list_member (list, key, address) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        put_list(tx, account_id, name),
        address.lower(),
        address,
    )


def drop_member(tx: Tx, account_id: int, name: str, address: str) -> bool:
    """Take an address out of a list; False if it was not in it."""
    return bool(
        tx.change(
            """
            DELETE FROM list_member WHERE key = ?
            AND list IN (SELECT id FROM list WHERE account = ? AND name = ?)
            """,
            address.lower(),
            account_id,
            name,
        )
    )


def rename_member(tx: Tx, account_id: int, old: str, new: str) -> None:
    """Somebody is called something else now: in every list, in their old place."""
    mine = "list IN (SELECT id FROM list WHERE account = ?)"
    tx.change(
        f"UPDATE OR IGNORE list_member SET key = ?, address = ? WHERE key = ? AND {mine}",  # noqa: S608  # a constant
        new.lower(),
        new,
        old.lower(),
        account_id,
    )
    # Whoever was in a list under both names is in it once.
    tx.change(f"DELETE FROM list_member WHERE key = ? AND {mine}", old.lower(), account_id)  # noqa: S608  # a constant


def lists_of(tx: ReadTx, account_id: int) -> list[tuple[str, int, int]]:
    """Name, people whose follow stands, and all people, of each list."""
    rows = tx.rows(
        f"""
        SELECT list.name, count(tied.key), count(list_member.id) FROM list
        LEFT JOIN list_member ON list_member.list = list.id
        LEFT JOIN ({_TIED}) AS tied ON tied.key = list_member.key
        WHERE list.account = ?1 GROUP BY list.id ORDER BY list.id
        """,  # noqa: S608  # a constant of this module
        account_id,
    )
    return [(str(name), int(accepted), int(every)) for name, accepted, every in rows]


def count_lists(tx: ReadTx, account_id: int) -> int:
    """How many lists an account has."""
    row = tx.row("SELECT count(*) FROM list WHERE account = ?", account_id)
    return int(row[0]) if row else 0


def has_list(tx: ReadTx, account_id: int, name: str) -> bool:
    """Whether there is such a list."""
    return tx.row("SELECT 1 FROM list WHERE account = ? AND name = ?", account_id, name) is not None


def members(tx: ReadTx, account_id: int, name: str | None, after: int, limit: int) -> list[MemberRow]:
    """A page of who is in a list, or in all of them."""
    rows = tx.rows(
        f"""
        SELECT list_member.id, list.name, list_member.address, coalesce(tied.actor, '') FROM list_member
        JOIN list ON list.id = list_member.list
        LEFT JOIN ({_TIED}) AS tied ON tied.key = list_member.key
        WHERE list.account = ?1 AND (?2 IS NULL OR list.name = ?2) AND list_member.id > ?3
        ORDER BY list_member.id LIMIT ?4
        """,  # noqa: S608  # a constant of this module
        account_id,
        name,
        after,
        limit,
    )
    return [MemberRow(*row) for row in rows]


_TIED: Final = """
    SELECT lower(person.address) AS key, max(person.actor) AS actor FROM tie
    JOIN person ON person.id = tie.person
    WHERE tie.account = ?1 AND tie.direction = 'following' AND tie.state = 'accepted'
    GROUP BY lower(person.address)
"""


def put_bookmark(tx: Tx, account_id: int, uri: str) -> None:
    """Mark a post; again is no change."""
    tx.change("INSERT INTO bookmark (account, uri) VALUES (?, ?) ON CONFLICT DO NOTHING", account_id, uri)


def drop_bookmark(tx: Tx, account_id: int, uri: str) -> None:
    """Unmark a post."""
    tx.change("DELETE FROM bookmark WHERE account = ? AND uri = ?", account_id, uri)


def bookmarks(tx: ReadTx, account_id: int, after: int, limit: int) -> list[tuple[int, str]]:
    """A page of marked posts."""
    rows = tx.rows(
        "SELECT id, uri FROM bookmark WHERE account = ? AND id > ? ORDER BY id LIMIT ?",
        account_id,
        after,
        limit,
    )
    return [(int(number), str(uri)) for number, uri in rows]


def put_domain_block(tx: Tx, account_id: int, domain: str) -> bool:
    """Block a node and everything below its name; False if it was blocked already."""
    return bool(
        tx.change(
            "INSERT INTO domain_block (account, domain) VALUES (?, ?) ON CONFLICT DO NOTHING",
            account_id,
            domain,
        )
    )


def drop_domain_block(tx: Tx, account_id: int, domain: str) -> None:
    """Block a node no longer."""
    tx.change("DELETE FROM domain_block WHERE account = ? AND domain = ?", account_id, domain)


def domain_blocks(tx: ReadTx, account_id: int, after: int, limit: int) -> list[tuple[int, str]]:
    """A page of blocked nodes."""
    rows = tx.rows(
        "SELECT id, domain FROM domain_block WHERE account = ? AND id > ? ORDER BY id LIMIT ?",
        account_id,
        after,
        limit,
    )
    return [(int(number), str(domain)) for number, domain in rows]


def is_domain_blocked(tx: ReadTx, account: str, host: str) -> bool:
    """Whether an account (by name) blocks a node, or a domain above it."""
    labels = host.lower().split(".")
    names = [".".join(labels[at:]) for at in range(len(labels))]
    marks = ", ".join("?" for _ in names)
    row = tx.row(
        f"""
        SELECT 1 FROM domain_block JOIN account ON account.id = domain_block.account
        WHERE account.name = ? AND domain_block.domain IN ({marks})
        """,  # noqa: S608  # only question marks
        account,
        *names,
    )
    return row is not None


def people_under(tx: ReadTx, account_id: int, domain: str) -> list[str]:
    """Actors with a tie to an account whose address is at a domain or below it."""
    rows = tx.rows(
        """
        SELECT DISTINCT person.actor FROM tie JOIN person ON person.id = tie.person
        WHERE tie.account = ?1 AND tie.state IN ('pending', 'accepted')
        AND (lower(person.address) LIKE '%@' || ?2 OR lower(person.address) LIKE '%.' || ?2
            OR lower(person.actor) LIKE 'https://' || ?2 || '/%')
        """,
        account_id,
        domain,
    )
    return [str(row[0]) for row in rows]

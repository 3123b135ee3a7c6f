"""Whom this person blocks: what they say in rooms is folded away, their log entries pass (TRUST 7).

The own node has the list; by address. In rooms a did is what counts: it is noted with the address as soon as
it is known, and stays with it when somebody moves.
"""

from dataclasses import dataclass
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.vault import people, rooms
from yurt.client.vault.accounts import address_of

TABLE: Final = (
    """
    CREATE TABLE blocked (
        address  TEXT NOT NULL,
        did      TEXT NOT NULL,                    -- empty for the address itself
        PRIMARY KEY (address, did)
    ) STRICT, WITHOUT ROWID
    """,
)


@dataclass(frozen=True, slots=True)
class Blocked:
    """Who is blocked."""

    addresses: frozenset[str] = frozenset()
    dids: frozenset[str] = frozenset()


def load(tx: Connection) -> Blocked:
    """Give who is blocked."""
    rows = tx.execute("SELECT address, did FROM blocked").fetchall()
    return Blocked(frozenset(row[0] for row in rows), frozenset(row[1] for row in rows if row[1]))


def put(tx: Connection, address: str, did: str = "") -> None:
    """Note that an address is blocked, and who is behind it if that is known."""
    pairs = {(address, ""), (address, did)}
    tx.executemany("INSERT OR IGNORE INTO blocked (address, did) VALUES (?, ?)", pairs)


def drop(tx: Connection, address: str) -> None:
    """Note that an address is blocked no longer, nor whoever was behind it."""
    tx.execute("DELETE FROM blocked WHERE address = ?", (address,))


def settle(tx: Connection, before: Blocked) -> bool:
    """Note who is behind the addresses now, and let the lines of whoever came or went be read again.

    Args:
        tx: A transaction.
        before: Who was blocked when it began.

    Returns:
        Whether anything changed.
    """
    addresses = load(tx).addresses
    found = [(pin.address, pin.did) for address in addresses if (pin := people.by_address(tx, address))]
    everybody = {pair for room in rooms.every(tx) for pair in room.people}
    found += [(address_of(actor), did) for did, actor in everybody if address_of(actor) in addresses]
    tx.executemany("INSERT OR IGNORE INTO blocked (address, did) VALUES (?, ?)", found)
    after = load(tx)
    for did in before.dids ^ after.dids:
        (base,) = tx.execute("SELECT coalesce(max(revision) - min(id), 0) + 1 FROM item").fetchone()
        tx.execute("UPDATE item SET revision = id + ? WHERE did = ? AND kind = 'message'", (base, did))
    return after != before

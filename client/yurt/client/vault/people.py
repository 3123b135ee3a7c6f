"""Pins: which person an address has meant since first contact (TRUST 1)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlcipher3.dbapi2 import Connection

_SELECT: Final = """
    SELECT person.did, address, actor, record, changed, verified.did IS NOT NULL
    FROM person LEFT JOIN verified ON verified.did = person.did
"""


@dataclass(frozen=True, slots=True)
class Pin:
    """A person met once."""

    did: str
    address: str
    actor: str
    record: bytes
    """Newest verified signed record, verbatim."""
    changed: str = ""
    """Another did that the address claims now: sending to this person is blocked until a human decides."""
    verified: bool = False
    """Whether their safety number was compared; `save` leaves it as it is."""


def save(tx: Connection, pin: Pin) -> None:
    """Write a pin, over the earlier one of the same person."""
    tx.execute(
        "INSERT OR REPLACE INTO person (did, address, actor, record, changed) VALUES (?, ?, ?, ?, ?)",
        (pin.did, pin.address, pin.actor, pin.record, pin.changed),
    )


def by_did(tx: Connection, did: str) -> Pin | None:
    """Look a person up."""
    row = tx.execute(_SELECT + " WHERE person.did = ?", (did,)).fetchone()
    return None if row is None else _pin(*row)


def by_address(tx: Connection, address: str) -> Pin | None:
    """Look up whom an address was pinned to."""
    row = tx.execute(_SELECT + " WHERE address = ?", (address,)).fetchone()
    return None if row is None else _pin(*row)


def mark_changed(tx: Connection, did: str, other: str) -> None:
    """Note that the person's address now claims to be somebody else."""
    tx.execute("UPDATE person SET changed = ? WHERE did = ?", (other, did))


def is_anybody_changed_to(tx: Connection, dids: Iterable[str]) -> bool:
    """Tell whether one of these dids claims the address of somebody who was pinned as another."""
    claiming = {row[0] for row in tx.execute("SELECT changed FROM person WHERE changed <> ''").fetchall()}
    return not claiming.isdisjoint(dids)


def set_verified(tx: Connection, did: str, at: int) -> None:
    """Note that a person's safety number was compared, in milliseconds since 1970; 0 takes it back."""
    if at:
        tx.execute("INSERT OR REPLACE INTO verified (did, at) VALUES (?, ?)", (did, at))
    else:
        tx.execute("DELETE FROM verified WHERE did = ?", (did,))


def is_verified(tx: Connection, did: str) -> bool:
    """Tell whether a person's safety number was compared."""
    return tx.execute("SELECT 1 FROM verified WHERE did = ?", (did,)).fetchone() is not None


def _pin(did: str, address: str, actor: str, record: bytes, changed: str, verified: int) -> Pin:
    return Pin(did, address, actor, record, changed, bool(verified))

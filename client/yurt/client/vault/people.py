"""Pins: which person an address has meant since first contact (TRUST 1)."""

from dataclasses import dataclass
from typing import Final

from sqlcipher3.dbapi2 import Connection

_SELECT: Final = "SELECT did, address, actor, record, changed FROM person"


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


def save(tx: Connection, pin: Pin) -> None:
    """Write a pin, over the earlier one of the same person."""
    tx.execute(
        "INSERT OR REPLACE INTO person (did, address, actor, record, changed) VALUES (?, ?, ?, ?, ?)",
        (pin.did, pin.address, pin.actor, pin.record, pin.changed),
    )


def by_did(tx: Connection, did: str) -> Pin | None:
    """Look a person up."""
    row = tx.execute(_SELECT + " WHERE did = ?", (did,)).fetchone()
    return None if row is None else Pin(*row)


def by_address(tx: Connection, address: str) -> Pin | None:
    """Look up whom an address was pinned to."""
    row = tx.execute(_SELECT + " WHERE address = ?", (address,)).fetchone()
    return None if row is None else Pin(*row)


def mark_changed(tx: Connection, did: str, other: str) -> None:
    """Note that the person's address now claims to be somebody else."""
    tx.execute("UPDATE person SET changed = ? WHERE did = ?", (other, did))

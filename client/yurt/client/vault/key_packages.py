"""The private halves of this device's key packages: each is used once, then gone."""

from collections.abc import Iterable

from sqlcipher3.dbapi2 import Connection


def add(tx: Connection, ref: bytes, bundle: bytes, not_after: int) -> None:
    """Keep a new key package (an encoded ``KeyPackageBundle``); ``not_after`` in seconds since 1970."""
    tx.execute("INSERT INTO key_package (ref, bundle, not_after) VALUES (?, ?, ?)", (ref, bundle, not_after))


def unpublished(tx: Connection) -> list[bytes]:
    """Give those that the node may not have: made, but its answer never came."""
    rows = tx.execute("SELECT bundle FROM key_package WHERE published = 0").fetchall()
    return [bundle for (bundle,) in rows]


def mark_published(tx: Connection) -> None:
    """Note that the node has them all."""
    tx.execute("UPDATE key_package SET published = 1 WHERE published = 0")


def drop(tx: Connection, refs: Iterable[bytes]) -> None:
    """Delete key packages that the node will never have."""
    tx.executemany("DELETE FROM key_package WHERE ref = ?", [(ref,) for ref in refs])


def keep_back(tx: Connection, ref: bytes) -> None:
    """Note that a key package is not for the node's supply: its only copy goes with a request of ours."""
    tx.execute("UPDATE key_package SET published = 1 WHERE ref = ?", (ref,))


def find(tx: Connection, refs: Iterable[bytes]) -> bytes | None:
    """Give the first of these that is ours and was not used."""
    for ref in refs:
        row = tx.execute("SELECT bundle FROM key_package WHERE ref = ?", (ref,)).fetchone()
        if row is not None:
            bundle: bytes = row[0]
            return bundle
    return None


def delete(tx: Connection, ref: bytes) -> None:
    """Delete a key package that was used, private keys and all."""
    tx.execute("DELETE FROM key_package WHERE ref = ?", (ref,))


def drop_expired(tx: Connection, now_s: int) -> None:
    """Delete those that nobody may use any more."""
    tx.execute("DELETE FROM key_package WHERE not_after < ?", (now_s,))

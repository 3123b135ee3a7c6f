"""Table and units of public last-resort key packages (SWICG): one for each device that shows one."""

from typing import Final

from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE public_key_package (
            account INTEGER NOT NULL REFERENCES account (id),
            device_id BLOB NOT NULL,
            name TEXT NOT NULL,                     -- last part of its URL
            body BLOB NOT NULL,                     -- MLSMessage, verbatim
            not_after INTEGER NOT NULL,             -- seconds
            PRIMARY KEY (account, device_id)
        ) STRICT, WITHOUT ROWID
        """
    )


STEPS: Final = (Step("0152-public-key-packages", _create),)


def put_public(tx: Tx, account_id: int, device_id: bytes, package: tuple[str, bytes, int]) -> None:
    """Show a device's (name, body, not_after) instead of what it showed before."""
    tx.change(
        """
        INSERT OR REPLACE INTO public_key_package (account, device_id, name, body, not_after)
        VALUES (?, ?, ?, ?, ?)
        """,
        account_id,
        device_id,
        *package,
    )


def drop_public(tx: Tx, account_id: int, device_id: bytes) -> None:
    """Show a device's no longer."""
    tx.change("DELETE FROM public_key_package WHERE account = ? AND device_id = ?", account_id, device_id)


def public_packages(tx: ReadTx, account: str, now_s: int) -> dict[str, bytes]:
    """What an account's devices show now: name to body."""
    rows = tx.rows(
        """
        SELECT package.name, package.body FROM public_key_package AS package
        JOIN account ON account.id = package.account
        WHERE account.name = ? AND package.not_after > ? ORDER BY package.device_id
        """,
        account,
        now_s,
    )
    return {str(name): bytes(body) for name, body in rows}

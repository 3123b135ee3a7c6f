"""Tables and units of accounts: accounts, their devices' tokens, and account invites.

Secrets stand here only as hashes; the actor key is the exception: it is lent to the node for signing, in a
file that only the node's user may read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx

_LOOK_UP: Final = 500
"""Tokens that one statement looks for."""


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE account (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            did TEXT NOT NULL UNIQUE,
            statement BLOB NOT NULL DEFAULT x'',    -- FEP-c390, verbatim
            actor_key BLOB NOT NULL,                -- RSA private key, PKCS #8 DER
            actor_key_pem TEXT NOT NULL,            -- its public half
            login_salt BLOB NOT NULL,
            login_hash BLOB NOT NULL,               -- Argon2id of the login key
            login_memory_kib INTEGER NOT NULL,
            login_passes INTEGER NOT NULL,
            invite TEXT NOT NULL DEFAULT '',        -- code of the invite that made it
            created_at INTEGER NOT NULL             -- seconds
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE device (
            account INTEGER NOT NULL REFERENCES account (id),
            device_id BLOB NOT NULL,
            token_hash BLOB NOT NULL UNIQUE,        -- SHA-256
            expires_at INTEGER NOT NULL,            -- seconds
            PRIMARY KEY (account, device_id)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE invite (
            code TEXT NOT NULL PRIMARY KEY,
            secret_hash BLOB NOT NULL,              -- SHA-256
            uses_left INTEGER NOT NULL,
            not_after INTEGER NOT NULL              -- seconds
        ) STRICT, WITHOUT ROWID
        """
    )


STEPS: Final = (Step("0101-accounts", _create),)


@dataclass(frozen=True, slots=True)
class StoredLogin:
    """How a login key is kept."""

    salt: bytes
    hash: bytes = field(repr=False)
    memory_kib: int
    passes: int


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Everything that makes an account."""

    name: str
    did: str
    statement: bytes
    actor_key: bytes = field(repr=False)
    actor_key_pem: str
    login: StoredLogin
    created_at: int


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account, without its secrets."""

    id: int
    name: str
    did: str
    statement: bytes
    actor_key_pem: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Session:
    """What a valid token stands for."""

    account_id: int
    account: str
    did: str
    device_id: bytes
    expires_at: int


_ACCOUNT: Final = "SELECT id, name, did, statement, actor_key_pem, created_at FROM account "


def account_named(tx: ReadTx, name: str) -> AccountRow | None:
    """The account of that name."""
    row = tx.row(_ACCOUNT + "WHERE name = ?", name)
    return AccountRow(*row) if row else None


def account_of(tx: ReadTx, did: str) -> AccountRow | None:
    """The account of a person who lives here."""
    row = tx.row(_ACCOUNT + "WHERE did = ?", did)
    return AccountRow(*row) if row else None


def count_accounts(tx: ReadTx) -> int:
    """How many people live here."""
    row = tx.row("SELECT count(*) FROM account")
    return int(row[0]) if row else 0


def login_of(tx: ReadTx, account_id: int) -> StoredLogin | None:
    """How the account's login key is kept."""
    row = tx.row(
        "SELECT login_salt, login_hash, login_memory_kib, login_passes FROM account WHERE id = ?", account_id
    )
    return StoredLogin(*row) if row else None


def actor_key_of(tx: ReadTx, name: str) -> bytes | None:
    """The private actor key (PKCS #8 DER), to sign a request in this account's name."""
    row = tx.row("SELECT actor_key FROM account WHERE name = ?", name)
    return bytes(row[0]) if row else None


def add_account(tx: Tx, account: NewAccount, invite: str) -> int:
    """Add an account; the caller has checked in the same unit that name and did are free."""
    return tx.inserted(
        """
        INSERT INTO account (
            name, did, statement, actor_key, actor_key_pem,
            login_salt, login_hash, login_memory_kib, login_passes, invite, created_at
        ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        account.name,
        account.did,
        account.statement,
        account.actor_key,
        account.actor_key_pem,
        account.login.salt,
        account.login.hash,
        account.login.memory_kib,
        account.login.passes,
        invite,
        account.created_at,
    )


def joined_with(tx: ReadTx, code: str, did: str) -> bool:
    """Whether this person's account was made with this invite."""
    return tx.row("SELECT 1 FROM account WHERE invite = ? AND did = ?", code, did) is not None


# --- tokens ----------------------------------------------------------------------------------------------
def put_device(tx: Tx, account_id: int, device_id: bytes, token_hash: bytes, expires_at: int) -> None:
    """Give a device its token; an earlier one of the same device ends."""
    tx.change(
        """
        INSERT INTO device (account, device_id, token_hash, expires_at) VALUES (?, ?, ?, ?)
        ON CONFLICT (account, device_id) DO UPDATE
        SET token_hash = excluded.token_hash, expires_at = excluded.expires_at
        """,
        account_id,
        device_id,
        token_hash,
        expires_at,
    )


def session_of(tx: ReadTx, token_hash: bytes) -> Session | None:
    """Whose token this is; the caller looks at `expires_at`."""
    row = tx.row(
        """
        SELECT account.id, account.name, account.did, device.device_id, device.expires_at
        FROM device JOIN account ON account.id = device.account
        WHERE device.token_hash = ?
        """,
        token_hash,
    )
    return Session(*row) if row else None


def expiries(tx: ReadTx, token_hashes: Sequence[bytes]) -> dict[bytes, int]:
    """When each of these tokens is over, seconds since 1970; one that is not known is left out."""
    found: dict[bytes, int] = {}
    for start in range(0, len(token_hashes), _LOOK_UP):
        part = token_hashes[start : start + _LOOK_UP]
        slots = ", ".join("?" * len(part))
        rows = tx.rows(
            f"SELECT token_hash, expires_at FROM device WHERE token_hash IN ({slots})",  # noqa: S608  # slots only
            *part,
        )
        found |= dict(rows)
    return found


def drop_device(tx: Tx, account_id: int, device_id: bytes) -> None:
    """Forget a device's token."""
    tx.change("DELETE FROM device WHERE account = ? AND device_id = ?", account_id, device_id)


# --- invites ---------------------------------------------------------------------------------------------
def add_invite(tx: Tx, code: str, secret_hash: bytes, uses: int, not_after: int) -> None:
    """Keep an invite."""
    tx.change(
        "INSERT INTO invite (code, secret_hash, uses_left, not_after) VALUES (?, ?, ?, ?)",
        code,
        secret_hash,
        uses,
        not_after,
    )


def invite_secret(tx: ReadTx, code: str) -> bytes | None:
    """The hash of an invite's secret, whether or not it is used up."""
    row = tx.row("SELECT secret_hash FROM invite WHERE code = ?", code)
    return bytes(row[0]) if row else None


def use_invite(tx: Tx, code: str, now_s: int) -> bool:
    """Use an invite once; False if it is unknown, used up or over."""
    used = tx.returning(
        """
        UPDATE invite SET uses_left = uses_left - 1
        WHERE code = ? AND uses_left > 0 AND not_after > ?
        RETURNING code
        """,
        code,
        now_s,
    )
    return bool(used)

"""Who lives in this vault: one row. ``joining`` until the node has answered that the account exists."""

from dataclasses import dataclass, field, replace
from typing import Literal

from sqlcipher3.dbapi2 import Connection

from yurt.identity.device import DeviceKeys

AccountState = Literal["joining", "joined"]


@dataclass(frozen=True, slots=True)
class Account:
    """This person on this device."""

    state: AccountState
    name: str
    node: str
    did: str
    device: DeviceKeys
    record: bytes
    """Newest own signed person record, verbatim."""
    actor_key: bytes = field(repr=False)
    """RSA-2048, PKCS #8 DER; here until the continuity kit exists."""
    login_key: bytes = field(repr=False)
    """What the node knows instead of the passphrase: signs in again when the token is over."""
    join_request: bytes = field(default=b"", repr=False)
    """The Join command in MessagePack, to be repeated byte for byte; empty once joined."""
    token: str = field(default="", repr=False)
    token_expires: int = 0
    """Seconds since 1970."""

    @property
    def address(self) -> str:
        """``name@node``."""
        return f"{self.name}@{self.node}"

    @property
    def actor(self) -> str:
        """The actor URL."""
        return actor_url(self.name, self.node)

    def joined(self, token: str, expires: int) -> "Account":
        """Give the account as it is once the node has answered; the request with its secrets goes."""
        return replace(self, state="joined", join_request=b"", token=token, token_expires=expires)


def actor_url(name: str, node: str) -> str:
    """Name the actor of an account (yurt.wire.account_commands.Join)."""
    return f"https://{node}/users/{name}"


def address_of(actor: str) -> str:
    """Read ``name@node`` out of an actor URL of a Yurt node; the URL itself if it is another's."""
    node, _, name = actor.removeprefix("https://").partition("/users/")
    return f"{name}@{node}" if name and "/" not in name and "/" not in node else actor


def save(tx: Connection, account: Account) -> None:
    """Write the account, over an earlier one."""
    tx.execute(
        """
        INSERT OR REPLACE INTO account
            (one, state, name, node, did, device, record, actor_key, login_key, join_request, token,
            token_expires)
        VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            account.state,
            account.name,
            account.node,
            account.did,
            account.device.encode(),
            account.record,
            account.actor_key,
            account.login_key,
            account.join_request,
            account.token,
            account.token_expires,
        ),
    )


def load(tx: Connection) -> Account | None:
    """Read the account; None in a vault whose join never began."""
    row = tx.execute(
        """
        SELECT state, name, node, did, device, record, actor_key, login_key, join_request, token,
            token_expires
        FROM account
        """
    ).fetchone()
    if row is None:
        return None
    state, name, node, did, device, record, actor_key, login_key, join_request, token, expires = row
    keys = DeviceKeys.decode(device)
    return Account(state, name, node, did, keys, record, actor_key, login_key, join_request, token, expires)

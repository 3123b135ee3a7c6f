"""Accounts and devices: what a client asks of its own node before and after it has a token."""

from typing import ClassVar

from yurt.wire.command import Answer, Command, Done
from yurt.wire.unshown import Unshown


class SignedIn(Unshown, Answer, frozen=True):
    """A device's access to its account."""

    account: str
    """The account's name on this node."""
    actor: str
    """The actor URL."""
    token: str
    """For this device only; the node stores its SHA-256."""
    expires_at: int
    """Seconds since 1970."""


class Join(Unshown, Command, frozen=True, kw_only=True):
    """Make an account from an account invite, all or nothing.

    Asked again by the same did with the same secret and login key (the answer was lost), it signs in.
    """

    name: ClassVar[str] = "join"
    answer: ClassVar[type[Answer]] = SignedIn
    open: ClassVar[bool] = True

    code: str
    secret: bytes
    """From the link's fragment; the node stores its SHA-256."""
    account: str
    """1 to 30 of a-z, 0-9, _; the actor is ``https://NODE/users/ACCOUNT``."""
    login_key: bytes
    """32 bytes, Argon2id of the passphrase: the node never sees the passphrase."""
    device_id: bytes
    record: bytes
    """The first signed person record, verbatim."""
    statement: bytes
    """FEP-c390 identity statement for the actor, JSON, verbatim."""
    actor_key: bytes
    """RSA-2048 private key, PKCS #8 DER, lent to the node for HTTP signatures."""


class Login(Unshown, Command, frozen=True, kw_only=True):
    """Sign a device in with the login key."""

    name: ClassVar[str] = "login"
    answer: ClassVar[type[Answer]] = SignedIn
    open: ClassVar[bool] = True

    account: str
    login_key: bytes
    device_id: bytes


class Logout(Command, frozen=True):
    """Forget this device's token."""

    name: ClassVar[str] = "logout"
    answer: ClassVar[type[Answer]] = Done

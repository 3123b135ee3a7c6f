"""Tokens of devices and secrets of invites: random, shown once, kept only as SHA-256.

A token is 256 random bits, so a plain hash is enough: there is nothing to guess.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Final

TOKEN_LIFETIME_S: Final = 90 * 86_400
INVITE_SECRET_SIZE: Final = 16
_CODE_BYTES: Final = 7
INVITE_CODE_LENGTH: Final = 10


def new_token() -> str:
    """Make a token."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What the database keeps of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class InviteLink:
    """An account invite, before it is only a hash."""

    code: str
    """10 characters of base32, in lower case; public."""
    secret: bytes = field(repr=False)
    """16 bytes, in the link's fragment: it never reaches a server's log."""

    @classmethod
    def new(cls) -> "InviteLink":
        """Make an invite."""
        code = base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode("ascii").lower()
        return cls(code[:INVITE_CODE_LENGTH], secrets.token_bytes(INVITE_SECRET_SIZE))

    def url(self, origin: str) -> str:
        """Write the link that a person is given."""
        secret = base64.urlsafe_b64encode(self.secret).rstrip(b"=").decode("ascii")
        return f"{origin}/i/{self.code}#{secret}"


def secret_hash(secret: bytes) -> bytes:
    """What the database keeps of an invite's secret."""
    return hashlib.sha256(secret).digest()

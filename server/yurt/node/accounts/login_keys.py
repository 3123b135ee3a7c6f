"""The login key: what a client shows instead of the passphrase, and how the node keeps it.

The client derives it with Argon2id, so the node never sees a passphrase; the node stores it under Argon2id
again, because a login key that leaked from a database must not sign anybody in. The parameters stand beside
each hash, so they can be raised later. Checking costs the same whether the account exists or not.
"""

import hmac
import os
from dataclasses import dataclass, field
from typing import Final

LOGIN_KEY_SIZE: Final = 32
SALT_SIZE: Final = 16
_HASH_SIZE: Final = 32
# OWASP's floor for Argon2id: 19 MiB, 2 passes, 1 lane; 52 ms on the reference machine.
_MEMORY_KIB: Final = 19 * 1024
_PASSES: Final = 2


@dataclass(frozen=True, slots=True)
class StoredLoginKey:
    """A login key as the database holds it."""

    salt: bytes
    hash: bytes = field(repr=False)
    memory_kib: int = _MEMORY_KIB
    passes: int = _PASSES

    def matches(self, login_key: bytes) -> bool:
        """Whether this is the login key (slow on purpose: run it in the work pool)."""
        return hmac.compare_digest(self.hash, _derive(login_key, self.salt, self.memory_kib, self.passes))


def store_form(login_key: bytes) -> StoredLoginKey:
    """Make the stored form of a new login key (slow on purpose: run it in the work pool)."""
    salt = os.urandom(SALT_SIZE)
    return StoredLoginKey(salt, _derive(login_key, salt, _MEMORY_KIB, _PASSES))


NOBODY: Final = StoredLoginKey(b"\x00" * SALT_SIZE, b"\x00" * _HASH_SIZE)
"""Checked for unknown accounts: the same work, and never a match (the hash of nothing known)."""


def _derive(login_key: bytes, salt: bytes, memory_kib: int, passes: int) -> bytes:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id  # only when somebody signs in

    kdf = Argon2id(salt=salt, length=_HASH_SIZE, iterations=passes, lanes=1, memory_cost=memory_kib)
    return kdf.derive(login_key)

"""From a passphrase to keys: the only place that stretches one.

The vault's key and the login key come from the same passphrase with different salts, so neither tells
anything about the other: the node gets the login key and can open no vault with it.

The header beside the vault holds the salt and the cost, so that a later release may raise the cost::

    {"v": 1, "kdf": "argon2id", "memory_kib": 65536, "iterations": 3, "lanes": 1, "salt": "<base64>"}
"""

import hashlib
import os
import unicodedata
from collections.abc import Callable
from typing import Annotated, Final, Literal

import msgspec
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from yurt.client.errors import VaultDamaged, VaultTooNew
from yurt.wire.registry import LABEL_LOGIN

# RFC 9106 4: the second recommended set, for memory-constrained environments.
MEMORY_KIB: Final = 64 * 1024
ITERATIONS: Final = 3
# One lane: OpenSSL counts the threads of a whole process, so derivations with several lanes that run at the
# same time (vault and login key at joining) starve each other and never end.
LANES: Final = 1
KEY_SIZE: Final = 32
SALT_SIZE: Final = 16
HEADER_VERSION: Final = 1


class VaultHeader(msgspec.Struct, frozen=True):
    """What must be known before the vault can be opened; not secret."""

    salt: bytes
    v: int = HEADER_VERSION
    kdf: Literal["argon2id"] = "argon2id"
    # Bounds: a damaged header must not ask for all memory.
    memory_kib: Annotated[int, msgspec.Meta(ge=8 * 1024, le=1024 * 1024)] = MEMORY_KIB
    iterations: Annotated[int, msgspec.Meta(ge=1, le=64)] = ITERATIONS
    lanes: Annotated[int, msgspec.Meta(ge=1, le=16)] = LANES

    @classmethod
    def new(cls, random: Callable[[int], bytes] = os.urandom) -> "VaultHeader":
        """Make the header of a new vault."""
        return cls(random(SALT_SIZE), memory_kib=MEMORY_KIB, iterations=ITERATIONS, lanes=LANES)

    def encode(self) -> bytes:
        """Write the header file."""
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> "VaultHeader":
        """Read the header file.

        Raises:
            VaultTooNew: Another version.
            VaultDamaged: Not what we write.
        """
        try:
            version = msgspec.json.decode(data, type=_Version).v
            if version != HEADER_VERSION:
                raise VaultTooNew(version, HEADER_VERSION)
            return msgspec.json.decode(data, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise VaultDamaged("its header file is malformed") from None

    def key(self, passphrase: str) -> bytes:
        """Stretch the passphrase to the vault's 32-byte key; takes about a quarter of a second."""
        kdf = Argon2id(
            salt=self.salt,
            length=KEY_SIZE,
            iterations=self.iterations,
            lanes=self.lanes,
            memory_cost=self.memory_kib,
        )
        return kdf.derive(_normal(passphrase))


class _Version(msgspec.Struct):
    v: int


def login_key(passphrase: str, name: str, node: str) -> bytes:
    """Stretch the passphrase to the 32 bytes that the node sees in its place.

    The salt is SHA-256(LABEL_LOGIN || 0 || "name@node"): any device can compute it from the address alone.
    """
    salt = hashlib.sha256(LABEL_LOGIN + b"\0" + f"{name}@{node}".encode()).digest()
    kdf = Argon2id(salt=salt, length=KEY_SIZE, iterations=ITERATIONS, lanes=LANES, memory_cost=MEMORY_KIB)
    return kdf.derive(_normal(passphrase))


def _normal(passphrase: str) -> bytes:
    """One spelling for what looks the same, however a keyboard composes it."""
    return unicodedata.normalize("NFKC", passphrase).encode()

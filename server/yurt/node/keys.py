"""The node's own keys: RSA for the fediverse, Ed25519 for the exchange of rooms with other nodes.

Both belong to the node actor (`https://NODE/actor`). They lie in `keys/` of the data directory, readable by
the node's user only; loading RSA is left until something has to be signed for the fediverse.
"""

import os
from functools import cached_property
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEYS_DIRECTORY: Final = "keys"
_RSA_NAME: Final = "actor-rsa.pem"
_ED25519_NAME: Final = "actor-ed25519.pem"
KEY_NAMES: Final = (_RSA_NAME, _ED25519_NAME)
_RSA_BITS: Final = 2048


class NodeKeys:
    """The private keys of the node actor, read from disk when first needed."""

    def __init__(self, data: Path) -> None:
        self._directory = data / KEYS_DIRECTORY

    @cached_property
    def ed25519(self) -> Ed25519PrivateKey:
        """Private key of `https://NODE/actor#ed25519`."""
        key = serialization.load_pem_private_key((self._directory / _ED25519_NAME).read_bytes(), None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError(f"{_ED25519_NAME} holds another kind of key")
        return key

    @cached_property
    def rsa(self) -> rsa.RSAPrivateKey:
        """Private key of `https://NODE/actor#main-key`."""
        key = serialization.load_pem_private_key((self._directory / _RSA_NAME).read_bytes(), None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError(f"{_RSA_NAME} holds another kind of key")
        return key


def public_pem(key: rsa.RSAPublicKey) -> str:
    """Write an RSA public key as PEM (SubjectPublicKeyInfo)."""
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, info).decode()


def generate(data: Path) -> None:
    """Make both keys below a data directory; files that exist are an error."""
    directory = data / KEYS_DIRECTORY
    directory.mkdir(mode=0o700)
    _write(directory / _ED25519_NAME, Ed25519PrivateKey.generate())
    _write(directory / _RSA_NAME, rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS))


def _write(path: Path, key: Ed25519PrivateKey | rsa.RSAPrivateKey) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())

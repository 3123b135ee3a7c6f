"""Public keys that sign HTTP requests, read from the forms in which actors publish them.

Verification goes by the *kind of the key*, never by the algorithm that a request names; the name only may
not contradict it.
"""

import enum
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from yurt.activitypub.errors import KeyRefused
from yurt.mls.signatures import ED25519

PublicKey = RSAPublicKey | Ed25519PublicKey

MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
"""Beyond it one verification is a way to make us work ..."""
MAX_EXPONENT_BITS: Final = 32
"""... and so is one with a public exponent as long as the modulus; all the world's are 3 or 65537, and Go
takes no longer ones either."""
MAX_PEM: Final = 4096
"""Characters."""
_PADDING: Final = PKCS1v15()
_HASH: Final = SHA256()


class KeyKind(enum.Enum):
    """What a key can sign with."""

    RSA = "rsa"
    """RSASSA-PKCS1-v1_5 with SHA-256."""
    ED25519 = "ed25519"


def kind_of(key: PublicKey) -> KeyKind:
    """Name the kind of a key."""
    return _kind_of_type(type(key))


@lru_cache(maxsize=8)
def _kind_of_type(of: type[PublicKey]) -> KeyKind:
    """Name the kind of a class of keys; asking an abstract class costs more than a hash."""
    return KeyKind.RSA if issubclass(of, RSAPublicKey) else KeyKind.ED25519


def read_pem(text: str) -> PublicKey:
    """Read ``publicKeyPem`` of an actor.

    Raises:
        KeyRefused: No PEM of a public key, another kind of key, or an RSA key of an unfit size.
    """
    if len(text) > MAX_PEM:
        raise KeyRefused("malformedKey", "the public key is too long")
    try:
        key = load_pem_public_key(text.encode("ascii"))
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefused("malformedKey", "this is no public key in PEM") from None
    return accept(key)


def write_pem(key: PublicKey) -> str:
    """Write a key as ``publicKeyPem`` (SubjectPublicKeyInfo)."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def accept(key: object) -> PublicKey:
    """Take a key of a kind and size that is used for signatures.

    Raises:
        KeyRefused: Another kind, an RSA key of an unfit size or exponent, or an Ed25519 key that is a
            small-order point.
    """
    if isinstance(key, Ed25519PublicKey):
        # With a point of small order, one signature fits many messages.
        if not ED25519.accepts(key.public_bytes_raw()):
            raise KeyRefused("malformedKey", "an Ed25519 key that binds nothing")
        return key
    if not isinstance(key, RSAPublicKey):
        raise KeyRefused("keyKind", "a key that is neither RSA nor Ed25519")
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise KeyRefused("keySize", f"an RSA key of {key.key_size} bits")
    if key.public_numbers().e.bit_length() > MAX_EXPONENT_BITS:
        raise KeyRefused("keyExponent", "an RSA key with a public exponent without end")
    return key


def verify_bytes(key: PublicKey, signature: bytes, data: bytes) -> bool:
    """Tell whether `key` made `signature` over `data`."""
    try:
        if isinstance(key, RSAPublicKey):
            key.verify(signature, data, _PADDING, _HASH)
        else:
            key.verify(signature, data)
    except InvalidSignature:
        return False
    return True

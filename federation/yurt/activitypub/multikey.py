"""Multikey (FEP-521a, W3C Controlled Identifiers): Ed25519 keys in actor documents.

Other kinds of Multikey (RSA, ML-DSA) are not read here: RSA keys are found under ``publicKey``.
"""

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from yurt.activitypub.errors import KeyRefused
from yurt.activitypub.http_signatures.keys import accept
from yurt.activitypub.references import Json
from yurt.identity import base58

_ED25519_PUB: Final = b"\xed\x01"
_SIZE: Final = 32


def make_multikey(key_id: str, controller: str, key: Ed25519PublicKey) -> Json:
    """Write a key as an item of ``assertionMethod``."""
    return {
        "id": key_id,
        "type": "Multikey",
        "controller": controller,
        "publicKeyMultibase": write_multibase(key),
    }


def write_multibase(key: Ed25519PublicKey) -> str:
    """Write a key as ``z6Mk...``, the same text as in its did:key."""
    return "z" + base58.encode(_ED25519_PUB + key.public_bytes_raw())


def read_multibase(text: str) -> Ed25519PublicKey:
    """Read ``publicKeyMultibase``.

    Raises:
        KeyRefused: Another kind of key, or malformed.
    """
    if not text.startswith("z"):
        raise KeyRefused("malformedKey", "a multibase key must be in base58")
    try:
        data = base58.decode(text[1:])
    except ValueError:
        raise KeyRefused("malformedKey", "the multibase key is malformed") from None
    if not data.startswith(_ED25519_PUB) or len(data) != _SIZE + len(_ED25519_PUB):
        raise KeyRefused("keyKind", "a multibase key that is no Ed25519 key")
    key = Ed25519PublicKey.from_public_bytes(data.removeprefix(_ED25519_PUB))
    accept(key)
    return key

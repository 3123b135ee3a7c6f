"""Multikey (FEP-521a, W3C Controlled Identifiers): RSA and Ed25519 keys in actor documents.

Other kinds of Multikey (ML-DSA) are not read.
"""

from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from yurt.activitypub.errors import KeyRefused
from yurt.activitypub.http_signatures.keys import PublicKey, accept
from yurt.activitypub.references import Json
from yurt.identity import base58

# Codes of the multicodec table, as varints: ed25519-pub (0xed) and rsa-pub (0x1205, PKCS #1 in DER).
_ED25519_PUB: Final = b"\xed\x01"
_RSA_PUB: Final = b"\x85\x24"
_SIZE: Final = 32
_MAX_TEXT: Final = 1_480
"""Characters: an RSA key of 8192 bits."""


def make_multikey(key_id: str, controller: str, key: PublicKey) -> Json:
    """Write a key as an item of ``assertionMethod``."""
    return {
        "id": key_id,
        "type": "Multikey",
        "controller": controller,
        "publicKeyMultibase": write_multibase(key),
    }


def write_multibase(key: PublicKey) -> str:
    """Write a key in multibase; an Ed25519 key is ``z6Mk...``, the same text as in its did:key."""
    if isinstance(key, RSAPublicKey):
        data = _RSA_PUB + key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    else:
        data = _ED25519_PUB + key.public_bytes_raw()
    return "z" + base58.encode(data)


def read_multibase(text: str) -> Ed25519PublicKey:
    """Read ``publicKeyMultibase`` where an Ed25519 key belongs.

    Raises:
        KeyRefused: Another kind of key, or malformed.
    """
    key = read_public_key(text)
    if not isinstance(key, Ed25519PublicKey):
        raise KeyRefused("keyKind", "a multibase key that is no Ed25519 key")
    return key


def read_public_key(text: str) -> PublicKey:
    """Read ``publicKeyMultibase``.

    Raises:
        KeyRefused: Neither RSA nor Ed25519, malformed, or of an unfit size.
    """
    data = _decode(text)
    if data.startswith(_ED25519_PUB) and len(data) == _SIZE + len(_ED25519_PUB):
        return accept(Ed25519PublicKey.from_public_bytes(data.removeprefix(_ED25519_PUB)))
    if not data.startswith(_RSA_PUB):
        raise KeyRefused("keyKind", "a multibase key that is neither RSA nor Ed25519")
    try:
        return accept(load_der_public_key(data.removeprefix(_RSA_PUB)))
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefused("malformedKey", "the RSA key is malformed") from None


def _decode(text: str) -> bytes:
    if not text.startswith("z") or len(text) > _MAX_TEXT:
        raise KeyRefused("malformedKey", "a multibase key must be in base58")
    number, digits = 0, text[1:]
    try:
        # An RSA key is longer than what `base58` decodes at once; no key begins with a zero byte.
        for at in range(0, len(digits), base58.MAX_TEXT):
            part = digits[at : at + base58.MAX_TEXT]
            number = number * 58 ** len(part) + int.from_bytes(base58.decode(part), "big")
    except ValueError:
        raise KeyRefused("malformedKey", "the multibase key is malformed") from None
    return number.to_bytes((number.bit_length() + 7) // 8, "big")

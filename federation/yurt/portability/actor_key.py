"""Another actor key for an account: only with the phrase, and known everywhere by its fingerprint (TRUST 9).

The actor key is lent to the node that signs with it, and sealed in the continuity kit. Whoever could change
it with a stolen token would make the kit worthless: after a rescue nobody believes the key that is in it. So
the identity key says which key it is to be. The time in it only grows: no earlier change comes back::

    change = sign_change(identity, actor, fingerprint_of_pem(public_pem), time=now)
    time = verify_change(change, did=did, actor=actor, fingerprint=fingerprint_of_pem(public_pem))
"""

import hashlib
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_public_key,
)

from yurt.identity.did import DID_SIZE, Did, did_of, public_of
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.identity_key import IdentityKey
from yurt.identity.signing import SIGNATURE_SIZE, verify
from yurt.mls.codec import Reader, Writer
from yurt.mls.errors import DecodeError
from yurt.portability.errors import KeyChangeError
from yurt.portability.labels import LABEL_ACTOR_KEY

FINGERPRINT_SIZE: Final = 32
MAX_CHANGE_SIZE: Final = 4096
_VERSION: Final = 1
_SHOWN: Final = 16
_GROUP: Final = 4


def fingerprint_of_pem(public_pem: str) -> bytes:
    """Name a key: SHA-256 of its SubjectPublicKeyInfo, however its PEM was broken into lines.

    Returns:
        32 bytes; none for what is no public key in PEM.
    """
    try:
        key = load_pem_public_key(public_pem.encode("ascii"))
    except (ValueError, UnsupportedAlgorithm):
        return b""
    return _named(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def fingerprint_of_private(der: bytes) -> bytes:
    """Name the public half of a private key of one's own (PKCS #8, DER).

    Returns:
        32 bytes; none for what is no key.
    """
    try:
        key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, UnsupportedAlgorithm):
        return b""
    return _named(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def shown(fingerprint: bytes) -> str:
    """Write a fingerprint for people: its first 16 digits, in groups of four."""
    digits = fingerprint.hex()[:_SHOWN]
    return " ".join(digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP))


def sign_change(identity: IdentityKey, actor: str, fingerprint: bytes, *, time: int) -> bytes:
    """Say which key an actor has from now on.

    Args:
        identity: From the phrase.
        actor: The actor URL.
        fingerprint: Of its new key.
        time: Now, in milliseconds since 1970.
    """
    said = _said(identity.did, actor, fingerprint, time)
    return said + identity.sign(LABEL_ACTOR_KEY, said)


def verify_change(change: bytes, *, did: Did, actor: str, fingerprint: bytes) -> int:
    """Believe that a person wants this key for this actor.

    Returns:
        When they said so, in milliseconds since 1970; of two, the later counts.

    Raises:
        KeyChangeError: Malformed (``malformedKeyChange``), for another person, actor or key
            (``keyChangeFor``), or not signed by the identity key (``keyChangeSignature``).
    """
    try:
        r = Reader(change if len(change) <= MAX_CHANGE_SIZE else b"")
        version, said_did, said_actor = r.u8(), did_of(r.raw(DID_SIZE)), r.opaque().decode()
        time, said_key, signature = r.u64(), r.raw(FINGERPRINT_SIZE), r.raw(SIGNATURE_SIZE)
        r.finish()
    except (DecodeError, RemoteIdentityError, UnicodeDecodeError):
        raise KeyChangeError("malformedKeyChange", "the word for a new actor key is malformed") from None
    if (version, said_did, said_actor, said_key) != (_VERSION, did, actor, fingerprint):
        raise KeyChangeError("keyChangeFor", "the word is for another person, actor or key")
    try:
        verify(public_of(did), LABEL_ACTOR_KEY, change[:-SIGNATURE_SIZE], signature)
    except RemoteIdentityError:
        raise KeyChangeError("keyChangeSignature", "a new actor key takes the 24 words") from None
    return time


def _said(did: Did, actor: str, fingerprint: bytes, time: int) -> bytes:
    return Writer().u8(_VERSION).raw(public_of(did)).opaque(actor.encode()).u64(time).raw(fingerprint).bytes()


def _named(spki: bytes) -> bytes:
    return hashlib.sha256(spki).digest()

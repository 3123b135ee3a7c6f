"""A new actor key takes the identity key's word, for this actor and this key and no other."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from yurt.identity.identity_key import IdentityKey
from yurt.identity.phrase import RecoveryPhrase
from yurt.portability.actor_key import (
    fingerprint_of_pem,
    fingerprint_of_private,
    shown,
    sign_change,
    verify_change,
)
from yurt.portability.errors import KeyChangeError

ACTOR = "https://harbour.example/users/ana"
NAMED = bytes(range(32))


def refusal(change: bytes, ana: IdentityKey, *, actor: str = ACTOR, named: bytes = NAMED) -> str:
    with pytest.raises(KeyChangeError) as caught:
        verify_change(change, did=ana.did, actor=actor, fingerprint=named)
    return caught.value.rule


def test_the_word_holds(ana: IdentityKey, now: int, golden: Callable[[str, bytes], None]) -> None:
    """It says who, which actor, which key and when; the bytes are the same for ever."""
    change = sign_change(ana, ACTOR, NAMED, time=now * 1000)

    assert verify_change(change, did=ana.did, actor=ACTOR, fingerprint=NAMED) == now * 1000
    golden("actor_key_change.hex", change.hex().encode())


def test_it_is_for_nothing_else(ana: IdentityKey, bo_words: RecoveryPhrase, now: int) -> None:
    """Not for another person, actor or key, and not by another identity key."""
    change = sign_change(ana, ACTOR, NAMED, time=now)

    assert refusal(change, bo_words.identity_key()) == "keyChangeFor"
    assert refusal(change, ana, actor=ACTOR + "x") == "keyChangeFor"
    assert refusal(change, ana, named=bytes(32)) == "keyChangeFor"


def test_every_byte_counts(ana: IdentityKey, now: int) -> None:
    """A changed bit anywhere, a cut and a longer one are refused."""
    change = sign_change(ana, ACTOR, NAMED, time=now)

    for at in range(len(change)):
        refusal(change[:at] + bytes([change[at] ^ 1]) + change[at + 1 :], ana)
        refusal(change[:at], ana)
    refusal(change + b"\0", ana)
    refusal(bytes(5000), ana)


def test_both_halves_of_a_key_have_one_name() -> None:
    """The private key in the kit and the public one in an actor document are compared by it."""
    key = generate_private_key(65537, 2048)
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    assert fingerprint_of_private(der) == fingerprint_of_pem(pem) == fingerprint_of_pem(f"{pem}\n\n")
    assert shown(fingerprint_of_pem(pem)).replace(" ", "") == fingerprint_of_pem(pem).hex()[:16]
    assert fingerprint_of_pem("no key") == fingerprint_of_private(b"no key") == b""

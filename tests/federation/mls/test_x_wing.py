"""The hybrid suite: a group whose messages a quantum computer alone does not open."""

import hashlib
import os

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite

from yurt.mls.cipher_suite import XWING_AES128GCM_SHA256_ED25519, cipher_suite
from yurt.mls.errors import DecryptionFailed, InvalidPublicKey
from yurt.mls.rehearsal import Member, everyone, room
from yurt.mls.x_wing import X_WING

SUITE = XWING_AES128GCM_SHA256_ED25519
THEIRS = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)


def test_its_number_is_for_private_use() -> None:
    """Until the draft has a number, the suite has one that nobody else is given."""
    assert cipher_suite(SUITE.value) is SUITE
    assert 0xF000 <= SUITE.value <= 0xFFFF


def test_a_room_of_both_worlds() -> None:
    """People meet, come in from outside, renew their keys and talk."""
    ana, bo = room("ana", "bo", suite=SUITE)
    cy = Member("cy", suite=SUITE)

    everyone([ana, bo], cy.join_from_outside(ana))
    everyone([ana, bo, cy], bo.group.stage_commit(force_path=True))

    message = cy.group.encrypt(b"hello")
    assert ana.hear(message) == bo.hear(message) == b"hello"
    assert ana.group.epoch_authenticator == bo.group.epoch_authenticator == cy.group.epoch_authenticator


def test_sizes() -> None:
    """Keys and encapsulations have the draft's sizes."""
    private, public = X_WING.generate(os.urandom)
    _, encapsulation = X_WING.encapsulate(public, os.urandom)

    assert (len(private), len(public), len(encapsulation)) == (32, 1216, 1120)


@pytest.mark.parametrize("place", [0, 600, 1087, 1088, 1119])
def test_both_halves_count(place: int) -> None:
    """Whatever is changed in an encapsulation, the secret is another."""
    private, public = SUITE.generate_hpke_key()
    enc, ciphertext = SUITE.hpke.seal(public, b"info", b"", b"hello")
    changed = enc[:place] + bytes([enc[place] ^ 1]) + enc[place + 1 :]

    with pytest.raises(DecryptionFailed):
        SUITE.hpke.open(private, changed, b"info", b"", ciphertext)


def test_keys_that_are_none() -> None:
    """Short keys, a lattice half out of range, and a curve half of small order are refused."""
    _, public = X_WING.generate(os.urandom)

    for bad in (b"", public[:-1], b"\xff" * 1184 + public[1184:], public[:1184] + bytes(32)):
        assert not X_WING.accepts(bad)
        with pytest.raises(InvalidPublicKey):
            X_WING.encapsulate(bad, os.urandom)
    with pytest.raises(InvalidPublicKey):
        X_WING.decapsulate(bytes(32), b"short")


def test_another_implementation_has_the_same_kem() -> None:
    """What we seal, pyca's HPKE opens, and the other way round."""
    private, public = SUITE.generate_hpke_key()
    expanded = hashlib.shake_256(private).digest(96)
    lattice = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
    theirs = MLKEM768X25519PrivateKey(lattice, X25519PrivateKey.from_private_bytes(expanded[64:]))

    enc, ciphertext = SUITE.hpke.seal(public, b"info", b"", b"hello")
    assert THEIRS.decrypt(enc + ciphertext, theirs, b"info") == b"hello"

    sealed = THEIRS.encrypt(b"hello", theirs.public_key(), b"info")
    assert SUITE.hpke.open(private, sealed[:1120], b"info", b"", sealed[1120:]) == b"hello"

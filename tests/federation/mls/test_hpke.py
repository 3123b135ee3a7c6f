import os

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from yurt.mls.cipher_suite import CipherSuite, cipher_suite
from yurt.mls.dh import NistCurve
from yurt.mls.errors import DecryptionFailed, InvalidPublicKey
from yurt.mls.kem import DhKem

HPKE = cipher_suite(1).hpke
SMALL_ORDER = (
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000080",
)


SHARED = {
    1: (KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM),
    2: (KEM.P256, KDF.HKDF_SHA256, AEAD.AES_128_GCM),
    3: (KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305),
    5: (KEM.P521, KDF.HKDF_SHA512, AEAD.AES_256_GCM),
    7: (KEM.P384, KDF.HKDF_SHA384, AEAD.AES_256_GCM),
}
"""The suites whose KEM pyca has, too."""


def _their_private(suite: CipherSuite, private: bytes) -> X25519PrivateKey | EllipticCurvePrivateKey:
    group = suite.hpke.kem.group if isinstance(suite.hpke.kem, DhKem) else None
    if isinstance(group, NistCurve):
        return group.load_private(private)
    return X25519PrivateKey.from_private_bytes(private)


@pytest.mark.parametrize("number", SHARED)
def test_another_implementation_opens_ours(number: int) -> None:
    """What we seal, pyca's HPKE opens."""
    suite = cipher_suite(number)
    private, public = suite.generate_hpke_key()

    enc, ciphertext = suite.hpke.seal(public, b"info", b"", b"hello")

    theirs = _their_private(suite, private)
    assert Suite(*SHARED[number]).decrypt(enc + ciphertext, theirs, b"info") == b"hello"


@pytest.mark.parametrize("number", SHARED)
def test_we_open_another_implementation(number: int) -> None:
    """What pyca's HPKE seals, we open."""
    suite = cipher_suite(number)
    private, public = suite.generate_hpke_key()

    sealed = Suite(*SHARED[number]).encrypt(b"hello", _their_private(suite, private).public_key(), b"info")

    size = len(public)
    assert suite.hpke.open(private, sealed[:size], b"info", b"", sealed[size:]) == b"hello"


def test_rfc_9180_a_1_1() -> None:
    """Key derivation, encryption and export give the values of RFC 9180, A.1.1."""
    info = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
    ikm_e = bytes.fromhex("7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234")
    ikm_r = bytes.fromhex("6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f7013e525037")
    ephemeral, enc = HPKE.kem.derive_key_pair(ikm_e)
    private, public = HPKE.kem.derive_key_pair(ikm_r)
    plaintext = bytes.fromhex("4265617574792069732074727574682c20747275746820626561757479")

    sealed = HPKE.seal(public, info, b"Count-0", plaintext, random=lambda _: ephemeral)
    exported = HPKE.receive_export(private, enc, info, b"", 32)

    assert enc.hex() == "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"
    assert public.hex() == "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d"
    assert sealed[0] == enc
    assert sealed[1].hex() == (
        "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a"
    )
    assert exported.hex() == "3853fe2b4035195a573ffc53856e77058e15d9ea064de3e59f4961d0095250ee"


def test_export_agrees() -> None:
    """Both ends of an export hold the same secret."""
    private, public = HPKE.kem.generate(os.urandom)

    enc, sent = HPKE.send_export(public, b"info", b"label", 32)

    assert HPKE.receive_export(private, enc, b"info", b"label", 32) == sent


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_small_order_points(point: str) -> None:
    """A key that forces the shared secret to zero is refused, in either direction."""
    private, _ = HPKE.kem.generate(os.urandom)

    with pytest.raises(InvalidPublicKey):
        HPKE.seal(bytes.fromhex(point), b"", b"", b"hello")
    with pytest.raises(DecryptionFailed):
        HPKE.open(private, bytes.fromhex(point), b"", b"", bytes(32))


@pytest.mark.parametrize("part", ["enc", "info", "aad", "ciphertext", "short"])
def test_anything_changed_is_refused(part: str) -> None:
    """A change to any part of a sealed message is one clear error."""
    private, public = HPKE.kem.generate(os.urandom)
    enc, ciphertext = HPKE.seal(public, b"info", b"aad", b"hello")
    given = {"enc": enc, "info": b"info", "aad": b"aad", "ciphertext": ciphertext}
    if part == "short":
        given["ciphertext"] = ciphertext[:3]
    else:
        given[part] = bytes([given[part][0] ^ 2]) + given[part][1:]

    with pytest.raises(DecryptionFailed):
        HPKE.open(private, given["enc"], given["info"], given["aad"], given["ciphertext"])

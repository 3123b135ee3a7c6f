import os

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.signatures import ECDSA_P256, ED448, ED25519

ORDER = 2**252 + 27742317777372353535851937790883648493
WEAK_KEYS = (
    "0100000000000000000000000000000000000000000000000000000000000000",  # the neutral point
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # order 2
    "0000000000000000000000000000000000000000000000000000000000000000",  # order 4
    "0000000000000000000000000000000000000000000000000000000000000080",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",  # order 8
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # not canonical
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0200",
    "",
)


@pytest.mark.parametrize("key", WEAK_KEYS)
def test_weak_keys(key: str) -> None:
    """A key of small order or with a second spelling verifies nothing."""
    identity_and_zero = bytes([1]) + bytes(63)

    assert not ED25519.accepts(bytes.fromhex(key))
    assert not ED25519.verify(bytes.fromhex(key), b"anything", identity_and_zero)


def test_large_s() -> None:
    """A signature whose S lies at or above the group order is refused: no second spelling."""
    private = ED25519.generate(os.urandom)
    public = ED25519.public(private)
    signature = ED25519.sign(private, b"content")
    larger = int.from_bytes(signature[32:], "little") + ORDER

    assert ED25519.verify(public, b"content", signature)
    assert not ED25519.verify(public, b"content", signature[:32] + larger.to_bytes(32, "little"))


@pytest.mark.parametrize("length", [0, 63, 65])
def test_signature_length(length: int) -> None:
    """A signature has exactly 64 bytes."""
    public = ED25519.public(ED25519.generate(os.urandom))

    assert not ED25519.verify(public, b"content", bytes(length))


def test_changed_content() -> None:
    """A signature is for its content only."""
    private = ED25519.generate(os.urandom)
    signature = ED25519.sign(private, b"content")

    assert not ED25519.verify(ED25519.public(private), b"contents", signature)


PRIME_448 = 2**448 - 2**224 - 1
ORDER_448 = 2**446 - 13818066809895115352007386748515426880336692474882178609894547503885


@pytest.mark.parametrize("y", [0, 1, PRIME_448 - 1, PRIME_448, PRIME_448 + 1, 2**448 + 5])
@pytest.mark.parametrize("sign", [0, 0x80])
def test_weak_keys_of_ed448(y: int, sign: int) -> None:
    """A key of small order or with a second spelling verifies nothing."""
    key = bytearray(y.to_bytes(57, "little"))
    key[-1] |= sign
    identity_and_zero = bytes([1]) + bytes(113)

    assert not ED448.accepts(bytes(key))
    assert not ED448.verify(bytes(key), b"anything", identity_and_zero)


def test_large_s_of_ed448() -> None:
    """A signature whose S lies at or above the group order is refused: no second spelling."""
    private = ED448.generate(os.urandom)
    signature = ED448.sign(private, b"content")
    larger = int.from_bytes(signature[57:], "little") + ORDER_448

    assert ED448.verify(ED448.public(private), b"content", signature)
    changed = signature[:57] + larger.to_bytes(57, "little")
    assert not ED448.verify(ED448.public(private), b"content", changed)


def test_an_ecdsa_signature_has_one_encoding() -> None:
    """DER that could be shorter, trails or is none at all is refused."""
    private = ECDSA_P256.generate(os.urandom)
    public, signature = ECDSA_P256.public(private), ECDSA_P256.sign(private, b"content")
    r, s = (number.to_bytes(34, "big") for number in decode_dss_signature(signature))
    padded = b"\x30\x48\x02\x22" + r + b"\x02\x22" + s

    assert ECDSA_P256.verify(public, b"content", signature)
    for other in (padded, signature + b"\0", signature[:-1], b"", b"\x30\x06\x02\x01\x00\x02\x01\x00"):
        assert not ECDSA_P256.verify(public, b"content", other)


def test_empty_cut_and_longer_signatures(suite: CipherSuite) -> None:
    """In every suite a signature fits as it is, for its content and key, or not at all."""
    private = suite.generate_signature_key()
    public, other = suite.signature_public(private), suite.signature_public(suite.generate_signature_key())
    signature = suite.sign(private, b"content")

    assert suite.verify(public, b"content", signature)
    assert not suite.verify(public, b"contents", signature)
    assert not suite.verify(other, b"content", signature)
    for changed in (b"", signature[:-1], signature + b"\0", signature[1:], bytes(len(signature))):
        assert not suite.verify(public, b"content", changed)

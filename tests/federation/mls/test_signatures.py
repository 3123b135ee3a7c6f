import os

import pytest

from yurt.mls.signatures import ED25519

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

"""Keys that would weaken the group are refused, in every cipher suite."""

import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from yurt.mls.cipher_suite import CipherSuite, cipher_suite
from yurt.mls.dh import P256, P384, P521, X448, X25519, Montgomery, NistCurve
from yurt.mls.errors import DecryptionFailed, InvalidPublicKey

PRIME_448 = 2**448 - 2**224 - 1


@pytest.mark.parametrize("u", [0, 1, PRIME_448 - 1, PRIME_448, PRIME_448 + 1])
def test_small_order_points_of_x448(u: int) -> None:
    """A key that forces the shared secret to zero is refused, however it is spelled."""
    public = u.to_bytes(56, "little")

    assert not X448.accepts(public)
    with pytest.raises(InvalidPublicKey):
        X448.exchange(X448.generate(os.urandom), public)


@pytest.mark.parametrize(
    ("group", "prime"), [(X25519, 2**255 - 19), (X448, PRIME_448)], ids=["x25519", "x448"]
)
def test_a_montgomery_key_has_one_spelling(group: Montgomery, prime: int) -> None:
    """RFC 7748 would read these as the same key; in a tree they would pass for two."""
    base = (9 if group is X25519 else 5).to_bytes(group.size, "little")
    twins = [
        (u + prime).to_bytes(group.size, "little")
        for u in (2, 9)
        if (u + prime).bit_length() <= 8 * group.size
    ]
    top_bit = base[:-1] + bytes((base[-1] | 0x80,))

    assert group.accepts(base)
    assert twins
    for twin in (*twins, top_bit) if group is X25519 else twins:
        assert not group.accepts(twin)
        with pytest.raises(InvalidPublicKey):
            group.exchange(group.generate(os.urandom), twin)


@pytest.mark.parametrize("curve", [P256, P384, P521], ids=["p256", "p384", "p521"])
class TestNistCurves:
    """P-256, P-384 and P-521."""

    def test_a_point_has_one_spelling(self, curve: NistCurve) -> None:
        """Compressed and hybrid points are other names for the same key."""
        public = curve.public(curve.generate(os.urandom))
        x, y = public[1 : curve.size + 1], public[curve.size + 1 :]
        odd = y[-1] & 1

        assert curve.accepts(public)
        for other in (bytes((2 + odd,)) + x, bytes((6 + odd,)) + x + y, b"\0", public + b"\0", b""):
            assert not curve.accepts(other)

    def test_a_point_beside_the_curve(self, curve: NistCurve) -> None:
        """A point of another curve could tell the private key bit by bit."""
        public = bytearray(curve.public(curve.generate(os.urandom)))
        public[-1] ^= 1

        assert not curve.accepts(bytes(public))
        with pytest.raises(InvalidPublicKey):
            curve.exchange(curve.generate(os.urandom), bytes(public))

    def test_the_order_of_the_curve(self, curve: NistCurve) -> None:
        """Scalars go up to the order, and the first candidate above it is passed over."""
        tries = iter((curve.order, 0, curve.order - 1))

        private = curve.generate(lambda size: next(tries).to_bytes(size, "big"))

        assert int.from_bytes(private, "big") == curve.order - 1
        with pytest.raises(ValueError, match="EC key"):
            ec.derive_private_key(curve.order, curve.curve)

    def test_no_scalar_at_all(self, curve: NistCurve) -> None:
        """A source that never gives a scalar is an end, not a loop."""
        with pytest.raises(InvalidPublicKey):
            curve.generate(bytes)


def test_keys_of_the_wrong_length(suite: CipherSuite) -> None:
    """A key of another suite, or a cut one, is no key."""
    private, public = suite.generate_hpke_key()
    signing = suite.signature_public(suite.generate_signature_key())

    for cut in (b"", public[:-1], public + b"\0"):
        assert not suite.accepts_hpke_key(cut)
        with pytest.raises(DecryptionFailed):
            suite.hpke.open(private, cut, b"", b"", bytes(32))
    for cut in (b"", signing[:-1], signing + b"\0"):
        assert not suite.accepts_signature_key(cut)


def test_derived_keys_are_the_same_again(suite: CipherSuite) -> None:
    """A key pair is a function of its secret."""
    first, again, other = map(suite.derive_key_pair, (b"secret", b"secret", b"another"))

    assert first == again
    assert first != other
    assert suite.accepts_hpke_key(first[1])


def test_rfc_9180_a_3_1() -> None:
    """P-256 keys are derived as RFC 9180, A.3.1, shows."""
    ikm = bytes.fromhex("4270e54ffd08d79d5928020af4686d8f6b7d35dbe470265f1f5aa22816ce860e")

    private, public = cipher_suite(2).derive_key_pair(ikm)

    assert private.hex() == "4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb"
    assert public.hex() == (
        "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac"
        "98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4"
    )

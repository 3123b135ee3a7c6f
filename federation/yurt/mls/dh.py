"""The Diffie-Hellman groups of the cipher suites, stricter than the library that computes them.

Keys are bytes as HPKE writes them (RFC 9180, 7.1.1): X25519 and X448 as in RFC 7748, the NIST curves as
uncompressed points and big-endian scalars. A key that would give everybody the same shared secret, and a
second spelling of a key, are refused before anything is computed.

    X25519.exchange(private, public)
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from yurt.mls.algorithms import Random
from yurt.mls.errors import InvalidPublicKey

Expand: TypeAlias = Callable[[bytes, bytes, int], bytes]
"""Gives that many bytes for a label and an info: how a private key is derived from a secret."""


class DhGroup(Protocol):
    """What a KEM asks of its group."""

    def public(self, private: bytes) -> bytes:
        """Compute the public key of a private one."""
        ...

    def accepts(self, public: bytes) -> bool:
        """Tell whether a public key is well formed and not of small order."""
        ...

    def generate(self, random: Random) -> bytes:
        """Make a private key."""
        ...

    def derive(self, expand: Expand) -> bytes:
        """Derive a private key from a secret (RFC 9180, 7.1.3)."""
        ...

    def exchange(self, private: bytes, public: bytes) -> bytes:
        """Compute the shared secret; raises `InvalidPublicKey`."""
        ...


@dataclass(frozen=True, slots=True)
class Montgomery:
    """X25519 or X448 (RFC 7748)."""

    private_type: type[X25519PrivateKey] | type[X448PrivateKey]
    public_type: type[X25519PublicKey] | type[X448PublicKey]
    size: int
    """Of both keys, in bytes."""
    prime: int
    small_order: frozenset[int]
    """RFC 7748, 6: the u coordinates that make every shared secret zero."""

    def public(self, private: bytes) -> bytes:
        """Compute the public key of a private one."""
        return self.private_type.from_private_bytes(private).public_key().public_bytes_raw()

    def accepts(self, public: bytes) -> bool:
        """Refuse a wrong length, a second spelling and the points of small order.

        RFC 7748, 5, lets a receiver take any string, and reduces it. But honest keys are reduced already,
        and with two spellings of one key, "no key twice in the tree" would mean nothing.
        """
        if len(public) != self.size:
            return False
        u = int.from_bytes(public, "little")
        return u < self.prime and u not in self.small_order

    def generate(self, random: Random) -> bytes:
        """Make a private key; every string of this size is one."""
        return random(self.size)

    def derive(self, expand: Expand) -> bytes:
        """Derive a private key from a secret."""
        return expand(b"sk", b"", self.size)

    def exchange(self, private: bytes, public: bytes) -> bytes:
        """Compute the shared secret.

        Raises:
            InvalidPublicKey: The key is malformed or of small order.
        """
        if not self.accepts(public):
            raise InvalidPublicKey
        try:
            # OpenSSL refuses an all-zero result (RFC 7748, 6; RFC 9180, 7.1.4).
            return _exchange(self.private_type.from_private_bytes(private), self.public_type, public)
        except ValueError:
            raise InvalidPublicKey from None


def _exchange(
    private: X25519PrivateKey | X448PrivateKey,
    public_type: type[X25519PublicKey] | type[X448PublicKey],
    public: bytes,
) -> bytes:
    peer = public_type.from_public_bytes(public)
    if isinstance(private, X25519PrivateKey) and isinstance(peer, X25519PublicKey):
        return private.exchange(peer)
    if isinstance(private, X448PrivateKey) and isinstance(peer, X448PublicKey):
        return private.exchange(peer)
    raise InvalidPublicKey


@dataclass(frozen=True, slots=True)
class NistCurve:
    """P-256, P-384 or P-521: no point but infinity is of small order, and infinity has no encoding here."""

    curve: ec.EllipticCurve
    size: int
    """Of a coordinate and of a private key, in bytes."""
    order: int

    def public(self, private: bytes) -> bytes:
        """Compute the uncompressed public point of a private scalar."""
        return self.uncompressed(self.load_private(private).public_key())

    @staticmethod
    def uncompressed(public: ec.EllipticCurvePublicKey) -> bytes:
        """Encode a point: 4, then both coordinates."""
        numbers, size = public.public_numbers(), (public.curve.key_size + 7) // 8
        return b"\x04" + numbers.x.to_bytes(size, "big") + numbers.y.to_bytes(size, "big")

    def load_private(self, private: bytes) -> ec.EllipticCurvePrivateKey:
        """Read a private scalar."""
        return ec.derive_private_key(int.from_bytes(private, "big"), self.curve)

    def load_public(self, public: bytes) -> ec.EllipticCurvePublicKey:
        """Read an uncompressed point.

        Raises:
            InvalidPublicKey: It is not on the curve, or encoded in another way.
        """
        # 4 says uncompressed; the library would take compressed points, too: a second spelling.
        if len(public) != 2 * self.size + 1 or public[0] != 4:
            raise InvalidPublicKey
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(self.curve, public)
        except ValueError:
            raise InvalidPublicKey from None

    def accepts(self, public: bytes) -> bool:
        """Refuse what is not an uncompressed point of the curve."""
        try:
            self.load_public(public)
        except InvalidPublicKey:
            return False
        return True

    def generate(self, random: Random) -> bytes:
        """Make a private scalar."""
        return self._scalar(lambda _: random(self.size))

    def derive(self, expand: Expand) -> bytes:
        """Derive a private scalar from a secret."""
        return self._scalar(lambda counter: expand(b"candidate", bytes((counter,)), self.size))

    def _scalar(self, candidate: Callable[[int], bytes]) -> bytes:
        mask = (1 << self.order.bit_length()) - 1
        for counter in range(256):
            scalar = int.from_bytes(candidate(counter), "big") & mask
            if 0 < scalar < self.order:
                return scalar.to_bytes(self.size, "big")
        # RFC 9180, 7.1.3 gives up here; the chance is below 2^-256.
        raise InvalidPublicKey("no private key can be derived")

    def exchange(self, private: bytes, public: bytes) -> bytes:
        """Compute the x coordinate of the shared point.

        Raises:
            InvalidPublicKey: The key is malformed.
        """
        return self.load_private(private).exchange(ec.ECDH(), self.load_public(public))


_PRIME_25519 = 2**255 - 19
_ORDER_8_U = (
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)
_PRIME_448 = 2**448 - 2**224 - 1


X25519: Final = Montgomery(
    X25519PrivateKey,
    X25519PublicKey,
    32,
    _PRIME_25519,
    frozenset({0, 1, *_ORDER_8_U, _PRIME_25519 - 1}),
)
X448: Final = Montgomery(X448PrivateKey, X448PublicKey, 56, _PRIME_448, frozenset({0, 1, _PRIME_448 - 1}))
P256: Final = NistCurve(
    ec.SECP256R1(), 32, 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
)
P384: Final = NistCurve(
    ec.SECP384R1(),
    48,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
)
P521: Final = NistCurve(
    ec.SECP521R1(),
    66,
    ((2**265 - 6) << 256) + 0x51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409,
)

"""Signatures, stricter than the library that computes them.

OpenSSL refuses a non-canonical S, but it takes public keys of small order (under which one signature
fits many messages), and other encodings of a key (two names for one key). A leaf's signature key is an
identity here, so both are refused before anything is verified.

    private = ED25519.generate(os.urandom)
    ED25519.verify(ED25519.public(private), b"content", ED25519.sign(private, b"content"))
"""

from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature as BadSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey, Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from yurt.mls.algorithms import Random
from yurt.mls.dh import P256, P384, P521, NistCurve
from yurt.mls.errors import InvalidPublicKey


class SignatureScheme(Protocol):
    """What a cipher suite asks of its signature algorithm; keys and signatures are bytes."""

    def generate(self, random: Random) -> bytes:
        """Make a private key."""
        ...

    def public(self, private: bytes) -> bytes:
        """Compute the public key of a private one."""
        ...

    def accepts(self, public: bytes) -> bool:
        """Tell whether `public` is a key that signatures may be verified with."""
        ...

    def sign(self, private: bytes, content: bytes) -> bytes:
        """Sign `content`."""
        ...

    def verify(self, public: bytes, content: bytes, signature: bytes) -> bool:
        """Tell whether the signature fits; an unacceptable key verifies nothing."""
        ...


@dataclass(frozen=True, slots=True)
class EdDsa:
    """Ed25519 or Ed448 without a context (RFC 8032); a private key is its seed."""

    private_type: type[Ed25519PrivateKey] | type[Ed448PrivateKey]
    public_type: type[Ed25519PublicKey] | type[Ed448PublicKey]
    size: int
    """Of a seed, of a public key and of each half of a signature, in bytes."""
    prime: int
    order: int
    small_order: frozenset[int]
    """The y coordinates of the points whose order divides the cofactor; the sign bit is free."""

    def generate(self, random: Random) -> bytes:
        """Make a private key."""
        return random(self.size)

    def public(self, private: bytes) -> bytes:
        """Compute the public key of a seed."""
        return self.private_type.from_private_bytes(private).public_key().public_bytes_raw()

    def accepts(self, public: bytes) -> bool:
        """Refuse a wrong length, a non-canonical y and the points of small order."""
        if len(public) != self.size:
            return False
        y = int.from_bytes(public, "little") & ((1 << (8 * self.size - 1)) - 1)
        return y < self.prime and y not in self.small_order

    def sign(self, private: bytes, content: bytes) -> bytes:
        """Sign `content` with a seed."""
        return self.private_type.from_private_bytes(private).sign(content)

    def verify(self, public: bytes, content: bytes, signature: bytes) -> bool:
        """Tell whether the signature fits; S must be below the group order."""
        if len(signature) != 2 * self.size or not self.accepts(public):
            return False
        if int.from_bytes(signature[self.size :], "little") >= self.order:
            return False
        try:
            self.public_type.from_public_bytes(public).verify(signature, content)
        except (BadSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Ecdsa:
    """ECDSA as TLS 1.3 writes it (RFC 9420, 5.1.2): DER signatures, uncompressed points.

    Whoever sees a signature can make a second one for the same content from it, so a signature's bytes
    are never a name for what it signs.
    """

    group: NistCurve
    hash: hashes.HashAlgorithm

    def generate(self, random: Random) -> bytes:
        """Make a private scalar."""
        return self.group.generate(random)

    def public(self, private: bytes) -> bytes:
        """Compute the uncompressed public point of a scalar."""
        return self.group.public(private)

    def accepts(self, public: bytes) -> bool:
        """Refuse what is not an uncompressed point of the curve."""
        return self.group.accepts(public)

    def sign(self, private: bytes, content: bytes) -> bytes:
        """Sign `content` with a scalar."""
        return self.group.load_private(private).sign(content, ECDSA(self.hash))

    def verify(self, public: bytes, content: bytes, signature: bytes) -> bool:
        """Tell whether the signature fits; it must be encoded in the one DER way."""
        try:
            if encode_dss_signature(*decode_dss_signature(signature)) != signature:
                return False
            self.group.load_public(public).verify(signature, content, ECDSA(self.hash))
        except (BadSignature, ValueError, InvalidPublicKey):
            return False
        return True


_PRIME_25519 = 2**255 - 19
_ORDER_8_Y = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_PRIME_448 = 2**448 - 2**224 - 1

ED25519: Final = EdDsa(
    Ed25519PrivateKey,
    Ed25519PublicKey,
    size=32,
    prime=_PRIME_25519,
    order=2**252 + 27742317777372353535851937790883648493,
    small_order=frozenset({0, 1, _PRIME_25519 - 1, _ORDER_8_Y, _PRIME_25519 - _ORDER_8_Y}),
)
ED448: Final = EdDsa(
    Ed448PrivateKey,
    Ed448PublicKey,
    size=57,
    prime=_PRIME_448,
    order=2**446 - 13818066809895115352007386748515426880336692474882178609894547503885,
    small_order=frozenset({0, 1, _PRIME_448 - 1}),
)
ECDSA_P256: Final = Ecdsa(P256, hashes.SHA256())
ECDSA_P384: Final = Ecdsa(P384, hashes.SHA384())
ECDSA_P521: Final = Ecdsa(P521, hashes.SHA512())

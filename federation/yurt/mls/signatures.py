"""Ed25519, stricter than the library that computes it.

OpenSSL refuses a non-canonical S, but it takes public keys of small order (under which one signature
fits many messages) and non-canonical encodings (two names for one key). A leaf's signature key is an
identity here, so both are refused before anything is verified.

    private = ED25519.generate(os.urandom)
    ED25519.verify(ED25519.public(private), b"content", ED25519.sign(private, b"content"))
"""

from typing import Protocol

from cryptography.exceptions import InvalidSignature as BadSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from yurt.mls.algorithms import Random


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


_KEY_SIZE = 32
_SIGNATURE_SIZE = 64
_PRIME = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_Y_MASK = 2**255 - 1
_ORDER_8_Y = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
# The y coordinates of the eight points whose order divides 8 (RFC 8032, 5.1; the sign bit is free).
_SMALL_ORDER_Y = frozenset({0, 1, _PRIME - 1, _ORDER_8_Y, _PRIME - _ORDER_8_Y})


class Ed25519:
    """The pure Ed25519 of RFC 8032; a private key is its 32-byte seed."""

    def generate(self, random: Random) -> bytes:
        """Make a private key."""
        return random(_KEY_SIZE)

    def public(self, private: bytes) -> bytes:
        """Compute the public key of a seed."""
        return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()

    def accepts(self, public: bytes) -> bool:
        """Refuse a wrong length, a non-canonical y and the points of small order."""
        if len(public) != _KEY_SIZE:
            return False
        y = int.from_bytes(public, "little") & _Y_MASK
        return y < _PRIME and y not in _SMALL_ORDER_Y

    def sign(self, private: bytes, content: bytes) -> bytes:
        """Sign `content` with a seed."""
        return Ed25519PrivateKey.from_private_bytes(private).sign(content)

    def verify(self, public: bytes, content: bytes, signature: bytes) -> bool:
        """Tell whether the signature fits; S must be below the group order."""
        if len(signature) != _SIGNATURE_SIZE or not self.accepts(public):
            return False
        if int.from_bytes(signature[_KEY_SIZE:], "little") >= _ORDER:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, content)
        except (BadSignature, ValueError):
            return False
        return True


ED25519 = Ed25519()

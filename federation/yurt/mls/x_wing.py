"""X-Wing: X25519 and ML-KEM-768 together, so that both must fall (draft-connolly-cfrg-xwing-kem).

What is encrypted today may be read by a quantum computer of tomorrow. A private key is a seed of 32 bytes,
a public key 1,216 bytes, an encapsulation 1,120.

    private, public = X_WING.generate(os.urandom)
    shared, encapsulation = X_WING.encapsulate(public, os.urandom)
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey

from yurt.mls.algorithms import Random
from yurt.mls.dh import X25519
from yurt.mls.errors import InvalidPublicKey

_LABEL: Final = b"\\.//^\\"
_SEED_SIZE: Final = 32
_ML_KEM_SEED_SIZE: Final = 64
_ML_KEM_PUBLIC_SIZE: Final = 1184
_ML_KEM_CIPHERTEXT_SIZE: Final = 1088
_X25519_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class XWing:
    """The hybrid KEM; keys, encapsulations and secrets are bytes."""

    kem_id: int = 0x647A

    def accepts(self, public: bytes) -> bool:
        """Tell whether `public` can be encrypted to: well formed, its X25519 half not of small order."""
        if len(public) != _ML_KEM_PUBLIC_SIZE + _X25519_SIZE:
            return False
        if not X25519.accepts(public[_ML_KEM_PUBLIC_SIZE:]):
            return False
        try:
            MLKEM768PublicKey.from_public_bytes(public[:_ML_KEM_PUBLIC_SIZE])
        except ValueError:
            return False
        return True

    def generate(self, random: Random) -> tuple[bytes, bytes]:
        """Make a key pair (private, public)."""
        seed = random(_SEED_SIZE)
        return seed, self._public(seed)

    def derive_key_pair(self, ikm: bytes) -> tuple[bytes, bytes]:
        """Derive a key pair (private, public) from a secret."""
        seed = hashlib.shake_256(ikm).digest(_SEED_SIZE)
        return seed, self._public(seed)

    def encapsulate(self, public: bytes, random: Random) -> tuple[bytes, bytes]:
        """Make a shared secret for `public`; the half of ML-KEM takes its randomness from the library.

        Returns:
            The shared secret and its encapsulation.

        Raises:
            InvalidPublicKey: The key is malformed or its X25519 half of small order.
        """
        if not self.accepts(public):
            raise InvalidPublicKey
        theirs = public[_ML_KEM_PUBLIC_SIZE:]
        ours = X25519.generate(random)
        point = X25519.public(ours)
        lattice = MLKEM768PublicKey.from_public_bytes(public[:_ML_KEM_PUBLIC_SIZE])
        secret, ciphertext = lattice.encapsulate()
        return _combine(secret, X25519.exchange(ours, theirs), point, theirs), ciphertext + point

    def decapsulate(self, private: bytes, encapsulation: bytes) -> bytes:
        """Recover the shared secret of an encapsulation.

        Raises:
            InvalidPublicKey: The encapsulation is malformed or its X25519 half of small order.
        """
        if len(encapsulation) != _ML_KEM_CIPHERTEXT_SIZE + _X25519_SIZE:
            raise InvalidPublicKey
        lattice, scalar = _expand(private)
        ciphertext, point = encapsulation[:_ML_KEM_CIPHERTEXT_SIZE], encapsulation[_ML_KEM_CIPHERTEXT_SIZE:]
        shared = X25519.exchange(scalar, point)
        return _combine(lattice.decapsulate(ciphertext), shared, point, X25519.public(scalar))

    def _public(self, seed: bytes) -> bytes:
        lattice, scalar = _expand(seed)
        return lattice.public_key().public_bytes_raw() + X25519.public(scalar)


def _expand(seed: bytes) -> tuple[MLKEM768PrivateKey, bytes]:
    """Give both private keys of a seed."""
    expanded = hashlib.shake_256(seed).digest(_ML_KEM_SEED_SIZE + _X25519_SIZE)
    lattice = MLKEM768PrivateKey.from_seed_bytes(expanded[:_ML_KEM_SEED_SIZE])
    return lattice, expanded[_ML_KEM_SEED_SIZE:]


def _combine(lattice: bytes, curve: bytes, point: bytes, public: bytes) -> bytes:
    return hashlib.sha3_256(lattice + curve + point + public + _LABEL).digest()


X_WING: Final = XWing()

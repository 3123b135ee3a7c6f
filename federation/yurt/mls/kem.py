"""Key encapsulation for HPKE (RFC 9180, 4.1): a fresh key pair for each shared secret.

kem = DhKem(Kdf("sha256", 32), X25519, 0x0020)
private, public = kem.generate(os.urandom)
shared, encapsulation = kem.encapsulate(public, os.urandom)
kem.decapsulate(private, encapsulation) == shared
"""

from dataclasses import dataclass
from typing import Protocol

from yurt.mls.algorithms import Kdf, Random
from yurt.mls.dh import DhGroup

_VERSION = b"HPKE-v1"


class Kem(Protocol):
    """What HPKE asks of its KEM; keys, encapsulations and secrets are bytes."""

    @property
    def kem_id(self) -> int:
        """The KEM's number (RFC 9180, 7.1)."""
        ...

    def accepts(self, public: bytes) -> bool:
        """Tell whether `public` is sound and can be encrypted to."""
        ...

    def generate(self, random: Random) -> tuple[bytes, bytes]:
        """Make a key pair (private, public)."""
        ...

    def derive_key_pair(self, ikm: bytes) -> tuple[bytes, bytes]:
        """Derive a key pair (private, public) from a secret."""
        ...

    def encapsulate(self, public: bytes, random: Random) -> tuple[bytes, bytes]:
        """Make a shared secret and its encapsulation; raises `InvalidPublicKey`."""
        ...

    def decapsulate(self, private: bytes, encapsulation: bytes) -> bytes:
        """Recover the shared secret; raises `InvalidPublicKey`."""
        ...


def labeled_extract(kdf: Kdf, suite_id: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    """RFC 9180, 4: LabeledExtract."""
    return kdf.extract(salt, _VERSION + suite_id + label + ikm)


def labeled_expand(kdf: Kdf, suite_id: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """RFC 9180, 4: LabeledExpand."""
    return kdf.expand(prk, length.to_bytes(2, "big") + _VERSION + suite_id + label + info, length)


@dataclass(frozen=True, slots=True)
class DhKem:
    """DHKEM over one group (RFC 9180, 4.1)."""

    kdf: Kdf
    group: DhGroup
    kem_id: int

    @property
    def _suite_id(self) -> bytes:
        return b"KEM" + self.kem_id.to_bytes(2, "big")

    def accepts(self, public: bytes) -> bool:
        """Tell whether `public` can be encrypted to: well formed, not of small order."""
        return self.group.accepts(public)

    def generate(self, random: Random) -> tuple[bytes, bytes]:
        """Make a key pair (private, public)."""
        private = self.group.generate(random)
        return private, self.group.public(private)

    def derive_key_pair(self, ikm: bytes) -> tuple[bytes, bytes]:
        """Derive a key pair (private, public) from a secret (RFC 9180, 7.1.3)."""
        prk = labeled_extract(self.kdf, self._suite_id, b"", b"dkp_prk", ikm)

        def expand(label: bytes, info: bytes, length: int) -> bytes:
            return labeled_expand(self.kdf, self._suite_id, prk, label, info, length)

        private = self.group.derive(expand)
        return private, self.group.public(private)

    def encapsulate(self, public: bytes, random: Random) -> tuple[bytes, bytes]:
        """Make a shared secret for `public`.

        Returns:
            The shared secret and its encapsulation.

        Raises:
            InvalidPublicKey: The key is malformed or of small order.
        """
        private, encapsulation = self.generate(random)
        shared = self.group.exchange(private, public)
        return self._shared_secret(shared, encapsulation + public), encapsulation

    def decapsulate(self, private: bytes, encapsulation: bytes) -> bytes:
        """Recover the shared secret of an encapsulation.

        Raises:
            InvalidPublicKey: The encapsulation is no usable public key.
        """
        shared = self.group.exchange(private, encapsulation)
        return self._shared_secret(shared, encapsulation + self.group.public(private))

    def _shared_secret(self, shared: bytes, kem_context: bytes) -> bytes:
        prk = labeled_extract(self.kdf, self._suite_id, b"", b"eae_prk", shared)
        return labeled_expand(self.kdf, self._suite_id, prk, b"shared_secret", kem_context, self.kdf.size)

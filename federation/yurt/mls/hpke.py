"""HPKE (RFC 9180), base mode: encryption to a public key.

pyca has HPKE too, but neither DeriveKeyPair, nor the exporter, nor associated data; MLS needs all
three. The Diffie-Hellman and the AEAD are pyca's; this is the glue, and the tests hold it against
pyca's own.

    private, public = hpke.kem.generate(os.urandom)
    enc, ciphertext = hpke.seal(public, info, aad, b"plaintext")
    hpke.open(private, enc, info, aad, ciphertext)
"""

import os
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from yurt.mls.algorithms import Aead, Kdf, Random
from yurt.mls.errors import DecryptionFailed, InvalidPublicKey

_VERSION = b"HPKE-v1"
_MODE_BASE = b"\x00"
_PRIME = 2**255 - 19
_U_MASK = 2**255 - 1
_ORDER_8_U = (
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)
# RFC 7748, 6.1: the u coordinates that make every shared secret zero, with their non-canonical names.
_SMALL_ORDER_U = frozenset({0, 1, *_ORDER_8_U, _PRIME - 1, _PRIME, _PRIME + 1})


def _labeled_extract(kdf: Kdf, suite_id: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    """RFC 9180, 4: LabeledExtract."""
    return kdf.extract(salt, _VERSION + suite_id + label + ikm)


def _labeled_expand(kdf: Kdf, suite_id: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """RFC 9180, 4: LabeledExpand."""
    return kdf.expand(prk, length.to_bytes(2, "big") + _VERSION + suite_id + label + info, length)


@lru_cache(maxsize=8)
def _psk_id_hash(kdf: Kdf, suite_id: bytes) -> bytes:
    """Base mode has no PSK, so this part of the key schedule is one constant per suite."""
    return _labeled_extract(kdf, suite_id, b"", b"psk_id_hash", b"")


@dataclass(frozen=True, slots=True)
class X25519Kem:
    """DHKEM(X25519, HKDF) of RFC 9180, 4.1; keys are 32 raw bytes."""

    kdf: Kdf
    kem_id: int = 0x0020
    key_size: int = 32

    @property
    def _suite_id(self) -> bytes:
        return b"KEM" + self.kem_id.to_bytes(2, "big")

    def public(self, private: bytes) -> bytes:
        """Compute the public key of a private one."""
        return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()

    def accepts(self, public: bytes) -> bool:
        """Tell whether `public` can be encrypted to: right length, not of small order."""
        if len(public) != self.key_size:
            return False
        return int.from_bytes(public, "little") & _U_MASK not in _SMALL_ORDER_U

    def generate(self, random: Random) -> tuple[bytes, bytes]:
        """Make a key pair (private, public)."""
        private = random(self.key_size)
        return private, self.public(private)

    def derive_key_pair(self, ikm: bytes) -> tuple[bytes, bytes]:
        """Derive a key pair (private, public) from a secret (RFC 9180, 7.1.3)."""
        prk = _labeled_extract(self.kdf, self._suite_id, b"", b"dkp_prk", ikm)
        private = _labeled_expand(self.kdf, self._suite_id, prk, b"sk", b"", self.key_size)
        return private, self.public(private)

    def encapsulate(self, public: bytes, random: Random) -> tuple[bytes, bytes]:
        """Make a shared secret for `public`.

        Returns:
            The shared secret and its encapsulation.

        Raises:
            InvalidPublicKey: The key is malformed or of small order.
        """
        private, encapsulation = self.generate(random)
        shared = self._exchange(private, public)
        return self._shared_secret(shared, encapsulation + public), encapsulation

    def decapsulate(self, private: bytes, encapsulation: bytes) -> bytes:
        """Recover the shared secret of an encapsulation.

        Raises:
            InvalidPublicKey: The encapsulation is no usable public key.
        """
        shared = self._exchange(private, encapsulation)
        return self._shared_secret(shared, encapsulation + self.public(private))

    def _exchange(self, private: bytes, public: bytes) -> bytes:
        if not self.accepts(public):
            raise InvalidPublicKey
        try:
            # OpenSSL refuses an all-zero result (RFC 7748, 6.1; RFC 9180, 7.1.4).
            peer = X25519PublicKey.from_public_bytes(public)
            return X25519PrivateKey.from_private_bytes(private).exchange(peer)
        except ValueError:
            raise InvalidPublicKey from None

    def _shared_secret(self, shared: bytes, kem_context: bytes) -> bytes:
        prk = _labeled_extract(self.kdf, self._suite_id, b"", b"eae_prk", shared)
        return _labeled_expand(self.kdf, self._suite_id, prk, b"shared_secret", kem_context, self.kdf.size)


@dataclass(frozen=True, slots=True)
class _Context:
    """The key schedule's outcome for one encryption (RFC 9180, 5.1)."""

    key: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    exporter_secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Hpke:
    """One KEM, KDF and AEAD together; each context encrypts once, so its sequence number is always 0."""

    kem: X25519Kem
    kdf: Kdf
    kdf_id: int
    aead: Aead
    aead_id: int
    suite_id: bytes = field(init=False)

    def __post_init__(self) -> None:
        ids = (self.kem.kem_id, self.kdf_id, self.aead_id)
        object.__setattr__(self, "suite_id", b"HPKE" + b"".join(i.to_bytes(2, "big") for i in ids))

    def seal(
        self, public: bytes, info: bytes, aad: bytes, plaintext: bytes, *, random: Random = os.urandom
    ) -> tuple[bytes, bytes]:
        """Encrypt to `public`; returns the encapsulation and the ciphertext (RFC 9180, 6.1)."""
        shared, encapsulation = self.kem.encapsulate(public, random)
        context = self._schedule(shared, info)
        return encapsulation, self.aead.seal(context.key, context.nonce, aad, plaintext)

    def open(self, private: bytes, encapsulation: bytes, info: bytes, aad: bytes, ciphertext: bytes) -> bytes:
        """Decrypt (RFC 9180, 6.1).

        Raises:
            DecryptionFailed: Not encrypted to this key under this `info` and `aad`.
        """
        try:
            shared = self.kem.decapsulate(private, encapsulation)
        except InvalidPublicKey:
            raise DecryptionFailed from None
        context = self._schedule(shared, info)
        return self.aead.open(context.key, context.nonce, aad, ciphertext)

    def send_export(
        self, public: bytes, info: bytes, label: bytes, length: int, *, random: Random = os.urandom
    ) -> tuple[bytes, bytes]:
        """Agree on a secret with the owner of `public`; returns the encapsulation and the secret."""
        shared, encapsulation = self.kem.encapsulate(public, random)
        return encapsulation, self._export(self._schedule(shared, info), label, length)

    def receive_export(
        self, private: bytes, encapsulation: bytes, info: bytes, label: bytes, length: int
    ) -> bytes:
        """Recover what `send_export` agreed on (RFC 9180, 5.3)."""
        shared = self.kem.decapsulate(private, encapsulation)
        return self._export(self._schedule(shared, info), label, length)

    def _export(self, context: _Context, label: bytes, length: int) -> bytes:
        return _labeled_expand(self.kdf, self.suite_id, context.exporter_secret, b"sec", label, length)

    def _schedule(self, shared: bytes, info: bytes) -> _Context:
        kdf, suite_id = self.kdf, self.suite_id
        info_hash = _labeled_extract(kdf, suite_id, b"", b"info_hash", info)
        context = _MODE_BASE + _psk_id_hash(kdf, suite_id) + info_hash
        secret = _labeled_extract(kdf, suite_id, shared, b"secret", b"")
        return _Context(
            key=_labeled_expand(kdf, suite_id, secret, b"key", context, self.aead.key_size),
            nonce=_labeled_expand(kdf, suite_id, secret, b"base_nonce", context, self.aead.nonce_size),
            exporter_secret=_labeled_expand(kdf, suite_id, secret, b"exp", context, kdf.size),
        )


AES_128_GCM_ID: Final = 0x0001
HKDF_SHA256_ID: Final = 0x0001

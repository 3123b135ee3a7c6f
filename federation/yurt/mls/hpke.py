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

from yurt.mls.algorithms import Aead, Kdf, Random
from yurt.mls.errors import DecryptionFailed, InvalidPublicKey
from yurt.mls.kem import Kem, labeled_expand, labeled_extract

_MODE_BASE = b"\x00"


@lru_cache(maxsize=8)
def _psk_id_hash(kdf: Kdf, suite_id: bytes) -> bytes:
    """Base mode has no PSK, so this part of the key schedule is one constant per suite."""
    return labeled_extract(kdf, suite_id, b"", b"psk_id_hash", b"")


@dataclass(frozen=True, slots=True)
class _Context:
    """The key schedule's outcome for one encryption (RFC 9180, 5.1)."""

    key: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    exporter_secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Hpke:
    """One KEM, KDF and AEAD together; each context encrypts once, so its sequence number is always 0."""

    kem: Kem
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
        return labeled_expand(self.kdf, self.suite_id, context.exporter_secret, b"sec", label, length)

    def _schedule(self, shared: bytes, info: bytes) -> _Context:
        kdf, suite_id = self.kdf, self.suite_id
        info_hash = labeled_extract(kdf, suite_id, b"", b"info_hash", info)
        context = _MODE_BASE + _psk_id_hash(kdf, suite_id) + info_hash
        secret = labeled_extract(kdf, suite_id, shared, b"secret", b"")
        return _Context(
            key=labeled_expand(kdf, suite_id, secret, b"key", context, self.aead.key_size),
            nonce=labeled_expand(kdf, suite_id, secret, b"base_nonce", context, self.aead.nonce_size),
            exporter_secret=labeled_expand(kdf, suite_id, secret, b"exp", context, kdf.size),
        )

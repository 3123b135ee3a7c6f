"""The symmetric algorithms a cipher suite is made of: hash, KDF and AEAD.

They know sizes and nothing of MLS. A suite names one of each; code above asks the suite for sizes
and never writes 32 or 16 itself.

    kdf = Kdf("sha256", 32)
    kdf.expand(kdf.extract(b"salt", b"secret"), b"info", 16)
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from yurt.mls.errors import DecryptionFailed

Random = Callable[[int], bytes]
"""Gives that many fresh random bytes; `os.urandom` unless a test wants a repeatable run."""


@dataclass(frozen=True, slots=True)
class Kdf:
    """HKDF (RFC 5869) over one hash, with the hash and its HMAC."""

    hash_name: str
    size: int
    """Nh: the output of the hash and of `extract`, in bytes."""

    def hash(self, data: bytes) -> bytes:
        """Hash `data`."""
        return hashlib.new(self.hash_name, data).digest()

    def hmac(self, key: bytes, data: bytes) -> bytes:
        """Compute the HMAC of `data`."""
        return hmac.digest(key, data, self.hash_name)

    def extract(self, salt: bytes, ikm: bytes) -> bytes:
        """Extract a pseudorandom key of `size` bytes (RFC 5869, 2.2)."""
        return hmac.digest(salt or bytes(self.size), ikm, self.hash_name)

    def expand(self, prk: bytes, info: bytes, length: int) -> bytes:
        """Expand `prk` to `length` bytes (RFC 5869, 2.3)."""
        block = output = hmac.digest(prk, info + b"\x01", self.hash_name)
        counter = 1
        while len(output) < length:
            counter += 1
            block = hmac.digest(prk, block + info + bytes((counter,)), self.hash_name)
            output += block
        return output[:length]


@dataclass(frozen=True, slots=True)
class Aead:
    """One authenticated cipher with its key and nonce sizes in bytes."""

    cipher: type[AESGCM] | type[ChaCha20Poly1305]
    key_size: int
    nonce_size: int

    def seal(self, key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
        """Encrypt; the tag stands at the end."""
        return self.cipher(key).encrypt(nonce, plaintext, aad)

    def open(self, key: bytes, nonce: bytes, aad: bytes, ciphertext: bytes) -> bytes:
        """Decrypt.

        Raises:
            DecryptionFailed: The tag does not fit, or there is no room for one.
        """
        try:
            return self.cipher(key).decrypt(nonce, ciphertext, aad)
        except (InvalidTag, ValueError):
            raise DecryptionFailed from None

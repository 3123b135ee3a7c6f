"""An MLS cipher suite: one value that carries every algorithm and size (RFC 9420, 5.1 and 17.1).

Suite 0x0001 now; the others are further rows of `SUITES`, never further `if`s.

    suite = cipher_suite(0x0001)
    suite.hash(b"data"), suite.hash_size, suite.key_size
"""

import os
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from yurt.mls.algorithms import Aead, Kdf, Random
from yurt.mls.errors import UnsupportedCipherSuite
from yurt.mls.hpke import AES_128_GCM_ID, HKDF_SHA256_ID, Hpke, X25519Kem
from yurt.mls.signatures import ED25519, SignatureScheme


@dataclass(frozen=True, slots=True, eq=False)
class CipherSuite:
    """The algorithms of one group; compare by identity, there is one value per number."""

    value: int
    name: str
    kdf: Kdf
    aead: Aead
    hpke: Hpke
    signature: SignatureScheme

    @property
    def hash_size(self) -> int:
        """Nh in bytes: hashes, MACs and every secret of the key schedule."""
        return self.kdf.size

    @property
    def key_size(self) -> int:
        """Nk in bytes: an AEAD key."""
        return self.aead.key_size

    @property
    def nonce_size(self) -> int:
        """Nn in bytes: an AEAD nonce."""
        return self.aead.nonce_size

    def hash(self, data: bytes) -> bytes:
        """Hash `data`."""
        return self.kdf.hash(data)

    def hmac(self, key: bytes, data: bytes) -> bytes:
        """Compute the suite's MAC."""
        return self.kdf.hmac(key, data)

    def hkdf_extract(self, salt: bytes, ikm: bytes) -> bytes:
        """KDF.Extract."""
        return self.kdf.extract(salt, ikm)

    def hkdf_expand(self, prk: bytes, info: bytes, length: int) -> bytes:
        """KDF.Expand to `length` bytes."""
        return self.kdf.expand(prk, info, length)

    def aead_seal(self, key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
        """AEAD.Seal."""
        return self.aead.seal(key, nonce, aad, plaintext)

    def aead_open(self, key: bytes, nonce: bytes, aad: bytes, ciphertext: bytes) -> bytes:
        """AEAD.Open; raises `DecryptionFailed`."""
        return self.aead.open(key, nonce, aad, ciphertext)

    def generate_signature_key(self, random: Random = os.urandom) -> bytes:
        """Make a private signature key."""
        return self.signature.generate(random)

    def signature_public(self, private: bytes) -> bytes:
        """Compute the public signature key of a private one."""
        return self.signature.public(private)

    def accepts_signature_key(self, public: bytes) -> bool:
        """Tell whether a public signature key is well formed and not weak."""
        return self.signature.accepts(public)

    def sign(self, private: bytes, content: bytes) -> bytes:
        """Sign bytes as they are; messages go through `labels.sign_with_label`."""
        return self.signature.sign(private, content)

    def verify(self, public: bytes, content: bytes, signature: bytes) -> bool:
        """Tell whether the signature fits; a weak or malformed key verifies nothing."""
        return self.signature.verify(public, content, signature)

    def generate_hpke_key(self, random: Random = os.urandom) -> tuple[bytes, bytes]:
        """Make an HPKE key pair (private, public)."""
        return self.hpke.kem.generate(random)

    def derive_key_pair(self, ikm: bytes) -> tuple[bytes, bytes]:
        """Derive an HPKE key pair (private, public) from a secret."""
        return self.hpke.kem.derive_key_pair(ikm)

    def accepts_hpke_key(self, public: bytes) -> bool:
        """Tell whether a public HPKE key is well formed and not weak."""
        return self.hpke.kem.accepts(public)


_SHA256 = Kdf("sha256", 32)
_AES_128_GCM = Aead(AESGCM, key_size=16, nonce_size=12)

X25519_AES128GCM_SHA256_ED25519: Final = CipherSuite(
    value=0x0001,
    name="MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
    kdf=_SHA256,
    aead=_AES_128_GCM,
    hpke=Hpke(X25519Kem(_SHA256), _SHA256, HKDF_SHA256_ID, _AES_128_GCM, AES_128_GCM_ID),
    signature=ED25519,
)

SUITES: Final = {suite.value: suite for suite in (X25519_AES128GCM_SHA256_ED25519,)}


def cipher_suite(value: int) -> CipherSuite:
    """Look up a suite by its number.

    Raises:
        UnsupportedCipherSuite: The number is none of ours.
    """
    try:
        return SUITES[value]
    except KeyError:
        raise UnsupportedCipherSuite(value) from None

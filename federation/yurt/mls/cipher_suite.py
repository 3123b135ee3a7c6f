"""An MLS cipher suite: one value that carries every algorithm and size (RFC 9420, 5.1 and 17.1).

A further suite is a further row of `SUITES`, never a further `if`.

    suite = cipher_suite(0x0001)
    suite.hash(b"data"), suite.hash_size, suite.key_size
"""

import os
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from yurt.mls.algorithms import Aead, Kdf, Random
from yurt.mls.dh import P256, P384, P521, X448, X25519
from yurt.mls.errors import UnsupportedCipherSuite
from yurt.mls.hpke import Hpke
from yurt.mls.kem import DhKem, Kem
from yurt.mls.signatures import ECDSA_P256, ECDSA_P384, ECDSA_P521, ED448, ED25519, SignatureScheme
from yurt.mls.x_wing import X_WING


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


_SHA256, _SHA384, _SHA512 = Kdf("sha256", 32), Kdf("sha384", 48), Kdf("sha512", 64)
_AES_128_GCM = Aead(AESGCM, key_size=16, nonce_size=12)
_AES_256_GCM = Aead(AESGCM, key_size=32, nonce_size=12)
_CHACHA20 = Aead(ChaCha20Poly1305, key_size=32, nonce_size=12)

# RFC 9180, 7.1 to 7.3.
_X25519, _X448 = DhKem(_SHA256, X25519, 0x0020), DhKem(_SHA512, X448, 0x0021)
_P256, _P384 = DhKem(_SHA256, P256, 0x0010), DhKem(_SHA384, P384, 0x0011)
_P521 = DhKem(_SHA512, P521, 0x0012)
_KDF_IDS: Final = {_SHA256: 1, _SHA384: 2, _SHA512: 3}
_AEAD_IDS: Final = {_AES_128_GCM: 1, _AES_256_GCM: 2, _CHACHA20: 3}


def _suite(value: int, name: str, kem: Kem, aead: Aead, kdf: Kdf, signature: SignatureScheme) -> CipherSuite:
    hpke = Hpke(kem, kdf, _KDF_IDS[kdf], aead, _AEAD_IDS[aead])
    return CipherSuite(value, f"MLS_{name}", kdf, aead, hpke, signature)


X25519_AES128GCM_SHA256_ED25519: Final = _suite(
    0x0001, "128_DHKEMX25519_AES128GCM_SHA256_Ed25519", _X25519, _AES_128_GCM, _SHA256, ED25519
)

SUITES: Final = {
    suite.value: suite
    for suite in (
        X25519_AES128GCM_SHA256_ED25519,
        _suite(2, "128_DHKEMP256_AES128GCM_SHA256_P256", _P256, _AES_128_GCM, _SHA256, ECDSA_P256),
        _suite(3, "128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519", _X25519, _CHACHA20, _SHA256, ED25519),
        _suite(4, "256_DHKEMX448_AES256GCM_SHA512_Ed448", _X448, _AES_256_GCM, _SHA512, ED448),
        _suite(5, "256_DHKEMP521_AES256GCM_SHA512_P521", _P521, _AES_256_GCM, _SHA512, ECDSA_P521),
        _suite(6, "256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448", _X448, _CHACHA20, _SHA512, ED448),
        _suite(7, "256_DHKEMP384_AES256GCM_SHA384_P384", _P384, _AES_256_GCM, _SHA384, ECDSA_P384),
    )
}
"""Every suite of RFC 9420, 17.1, by its number."""


XWING_AES128GCM_SHA256_ED25519: Final = _suite(
    0xF0C1, "128_XWING_AES128GCM_SHA256_Ed25519", X_WING, _AES_128_GCM, _SHA256, ED25519
)
"""The hybrid of draft-ietf-mls-pq-ciphersuites, under a number for private use until it has its own."""

_BY_NUMBER: Final = {**SUITES, XWING_AES128GCM_SHA256_ED25519.value: XWING_AES128GCM_SHA256_ED25519}


def cipher_suite(value: int) -> CipherSuite:
    """Look up a suite by its number.

    Raises:
        UnsupportedCipherSuite: The number is none of ours.
    """
    try:
        return _BY_NUMBER[value]
    except KeyError:
        raise UnsupportedCipherSuite(value) from None

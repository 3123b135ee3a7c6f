"""The labelled forms of every primitive: no bare key derivation, signature or encryption in MLS.

A label separates one purpose from all others under the same key (RFC 9420, 5.1.2, 5.1.3, 5.2, 8).

    expand_with_label(suite, secret, "nonce", b"", suite.nonce_size)
    signature = sign_with_label(suite, private, "LeafNodeTBS", content)
    verify_with_label(suite, public, "LeafNodeTBS", content, signature)
"""

import os
from dataclasses import dataclass
from typing import Self

from typing_extensions import override

from yurt.mls.algorithms import Random
from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.errors import InvalidSignature

_PREFIX = b"MLS 1.0 "


@dataclass(frozen=True, slots=True)
class HPKECiphertext(Structure):
    """An encapsulated key and what is encrypted under it (RFC 9420, 7.6)."""

    kem_output: bytes
    ciphertext: bytes

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        w.opaque(self.kem_output).opaque(self.ciphertext)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        return cls(r.opaque(), r.opaque())


def _labelled(label: str, content: bytes) -> bytes:
    """`opaque label<V>; opaque content<V>`: SignContent and EncryptContext share this shape."""
    return Writer().opaque(_PREFIX + label.encode("ascii")).opaque(content).bytes()


def expand_with_label(suite: CipherSuite, secret: bytes, label: str, context: bytes, length: int) -> bytes:
    """Expand a secret to `length` bytes for one purpose (RFC 9420, 8)."""
    info = length.to_bytes(2, "big") + _labelled(label, context)
    return suite.kdf.expand(secret, info, length)


def derive_secret(suite: CipherSuite, secret: bytes, label: str) -> bytes:
    """Derive a secret of the hash's size (RFC 9420, 8)."""
    return expand_with_label(suite, secret, label, b"", suite.hash_size)


def derive_tree_secret(suite: CipherSuite, secret: bytes, label: str, generation: int, length: int) -> bytes:
    """Derive what one generation of a ratchet needs (RFC 9420, 9.1)."""
    return expand_with_label(suite, secret, label, generation.to_bytes(4, "big"), length)


def sign_with_label(suite: CipherSuite, private: bytes, label: str, content: bytes) -> bytes:
    """Sign `content` for one purpose (RFC 9420, 5.1.2)."""
    return suite.sign(private, _labelled(label, content))


def verify_with_label(
    suite: CipherSuite, public: bytes, label: str, content: bytes, signature: bytes
) -> None:
    """Verify a signature made for one purpose (RFC 9420, 5.1.2).

    Raises:
        InvalidSignature: It does not fit, or the key is weak or malformed.
    """
    if not suite.verify(public, _labelled(label, content), signature):
        raise InvalidSignature(label)


def encrypt_with_label(
    suite: CipherSuite,
    public: bytes,
    label: str,
    context: bytes,
    plaintext: bytes,
    *,
    random: Random = os.urandom,
) -> HPKECiphertext:
    """Encrypt to a public key for one purpose (RFC 9420, 5.1.3).

    Raises:
        InvalidPublicKey: The key is malformed or of small order.
    """
    info = _labelled(label, context)
    return HPKECiphertext(*suite.hpke.seal(public, info, b"", plaintext, random=random))


def decrypt_with_label(
    suite: CipherSuite, private: bytes, label: str, context: bytes, sealed: HPKECiphertext
) -> bytes:
    """Decrypt what was encrypted to our key for one purpose (RFC 9420, 5.1.3).

    Raises:
        DecryptionFailed: Another key, label or context, or a changed ciphertext.
    """
    info = _labelled(label, context)
    return suite.hpke.open(private, sealed.kem_output, info, b"", sealed.ciphertext)


def ref_hash(suite: CipherSuite, label: str, value: bytes) -> bytes:
    """Name a value by its labelled hash (RFC 9420, 5.2); this label has a prefix of its own kind."""
    return suite.hash(Writer().opaque(label.encode("ascii")).opaque(value).bytes())


def key_package_ref(suite: CipherSuite, key_package: bytes) -> bytes:
    """Name an encoded KeyPackage (RFC 9420, 5.2)."""
    return ref_hash(suite, "MLS 1.0 KeyPackage Reference", key_package)


def proposal_ref(suite: CipherSuite, authenticated_content: bytes) -> bytes:
    """Name an encoded AuthenticatedContent that carries a proposal (RFC 9420, 5.2)."""
    return ref_hash(suite, "MLS 1.0 Proposal Reference", authenticated_content)

"""A key package: a leaf and an init key, published so that others can add their owner (RFC 9420, 10).

ref = key_package.ref(suite)
key_package.verify_signature(suite)
"""

from dataclasses import dataclass, replace
from typing import Self

from typing_extensions import override

from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.extensions import Extension
from yurt.mls.labels import key_package_ref, sign_with_label, verify_with_label
from yurt.mls.leaf_node import LeafNode

_LABEL = "KeyPackageTBS"


@dataclass(frozen=True, slots=True)
class KeyPackage(Structure):
    """A signed offer to be added, for one version and one cipher suite."""

    version: int
    cipher_suite: int
    init_key: bytes
    leaf_node: LeafNode
    extensions: tuple[Extension, ...] = ()
    signature: bytes = b""

    def _encode_content(self, w: Writer) -> None:
        w.u16(self.version).u16(self.cipher_suite).opaque(self.init_key)
        self.leaf_node.encode_to(w)
        w.vector(self.extensions)

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        self._encode_content(w)
        w.opaque(self.signature)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        version, cipher_suite, init_key = r.u16(), r.u16(), r.opaque()
        return cls(
            version,
            cipher_suite,
            init_key,
            LeafNode.decode_from(r),
            r.vector(Extension.decode_from),
            r.opaque(),
        )

    def to_be_signed(self) -> bytes:
        """Encode KeyPackageTBS."""
        w = Writer()
        self._encode_content(w)
        return w.bytes()

    def signed(self, suite: CipherSuite, private: bytes) -> "KeyPackage":
        """Give this key package with its signature by the leaf's key."""
        return replace(self, signature=sign_with_label(suite, private, _LABEL, self.to_be_signed()))

    def verify_signature(self, suite: CipherSuite) -> None:
        """Verify the signature of the whole with the leaf's key; the leaf's own is another.

        Raises:
            InvalidSignature: It does not fit.
        """
        key = self.leaf_node.signature_key
        verify_with_label(suite, key, _LABEL, self.to_be_signed(), self.signature)

    def ref(self, suite: CipherSuite) -> bytes:
        """Name this key package (5.2)."""
        return key_package_ref(suite, self.encode())

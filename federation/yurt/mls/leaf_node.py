"""A member's leaf: its keys, who it says it is, what it supports (RFC 9420, 7.2).

A leaf comes from a key package (and has a lifetime), from an Update, or from a commit's path (and has a
parent hash). The last two are signed for one place in one group.

    leaf = leaf.signed(suite, private, group_id=group_id, leaf_index=3)
    leaf.verify_signature(suite, group_id=group_id, leaf_index=3)
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Self

from typing_extensions import override

from yurt.mls.capabilities import Capabilities
from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.credential import Credential
from yurt.mls.errors import DecodeError
from yurt.mls.extensions import Extension
from yurt.mls.labels import sign_with_label, verify_with_label

_LABEL = "LeafNodeTBS"


class LeafNodeSource(IntEnum):
    """How a leaf came to be."""

    KEY_PACKAGE = 1
    UPDATE = 2
    COMMIT = 3


@dataclass(frozen=True, slots=True)
class Lifetime(Structure):
    """When a key package may be used; both in seconds since 1970."""

    not_before: int
    not_after: int

    def includes(self, time: int) -> bool:
        """Tell whether a time in seconds since 1970 is within."""
        return self.not_before <= time <= self.not_after

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        w.u64(self.not_before).u64(self.not_after)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        return cls(r.u64(), r.u64())


@dataclass(frozen=True, slots=True)
class LeafNode(Structure):
    """A leaf, signed with its own key."""

    encryption_key: bytes
    signature_key: bytes
    credential: Credential
    capabilities: Capabilities
    leaf_node_source: LeafNodeSource
    lifetime: Lifetime | None = None
    """Present exactly if the source is a key package."""
    parent_hash: bytes | None = None
    """Present exactly if the source is a commit."""
    extensions: tuple[Extension, ...] = ()
    signature: bytes = b""

    def _encode_content(self, w: Writer) -> None:
        w.opaque(self.encryption_key).opaque(self.signature_key)
        self.credential.encode_to(w)
        self.capabilities.encode_to(w)
        w.u8(self.leaf_node_source)
        if self.lifetime is not None:
            self.lifetime.encode_to(w)
        if self.parent_hash is not None:
            w.opaque(self.parent_hash)
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
        encryption_key, signature_key = r.opaque(), r.opaque()
        credential, capabilities = Credential.decode_from(r), Capabilities.decode_from(r)
        source = _source(r.u8())
        return cls(
            encryption_key,
            signature_key,
            credential,
            capabilities,
            source,
            Lifetime.decode_from(r) if source is LeafNodeSource.KEY_PACKAGE else None,
            r.opaque() if source is LeafNodeSource.COMMIT else None,
            r.vector(Extension.decode_from),
            r.opaque(),
        )

    def to_be_signed(self, group_id: bytes, leaf_index: int) -> bytes:
        """Encode LeafNodeTBS; a key package's leaf ignores the group and the place."""
        w = Writer()
        self._encode_content(w)
        if self.leaf_node_source is not LeafNodeSource.KEY_PACKAGE:
            w.opaque(group_id).u32(leaf_index)
        return w.bytes()

    def signed(
        self, suite: CipherSuite, private: bytes, *, group_id: bytes = b"", leaf_index: int = 0
    ) -> "LeafNode":
        """Give this leaf with its signature."""
        content = self.to_be_signed(group_id, leaf_index)
        return replace(self, signature=sign_with_label(suite, private, _LABEL, content))

    def verify_signature(self, suite: CipherSuite, *, group_id: bytes = b"", leaf_index: int = 0) -> None:
        """Verify the leaf's signature with the leaf's own key.

        Raises:
            InvalidSignature: It does not fit, or was made for another group or place.
        """
        content = self.to_be_signed(group_id, leaf_index)
        verify_with_label(suite, self.signature_key, _LABEL, content, self.signature)


def _source(value: int) -> LeafNodeSource:
    try:
        return LeafNodeSource(value)
    except ValueError:
        raise DecodeError(f"leaf node source {value} is unknown") from None

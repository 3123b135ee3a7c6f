"""The new keys of a committer's path, with their secrets encrypted to the others (RFC 9420, 7.6)."""

from dataclasses import dataclass
from typing import Self

from typing_extensions import override

from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.labels import HPKECiphertext
from yurt.mls.leaf_node import LeafNode


@dataclass(frozen=True, slots=True)
class UpdatePathNode(Structure):
    """One node of the filtered direct path."""

    encryption_key: bytes
    encrypted_path_secret: tuple[HPKECiphertext, ...]
    """One for each node in the resolution of the copath child, without leaves added by this commit."""

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        w.opaque(self.encryption_key).vector(self.encrypted_path_secret)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        return cls(r.opaque(), r.vector(HPKECiphertext.decode_from))


@dataclass(frozen=True, slots=True)
class UpdatePath(Structure):
    """The committer's new leaf and the nodes of its filtered direct path, lowest first."""

    leaf_node: LeafNode
    nodes: tuple[UpdatePathNode, ...]

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        self.leaf_node.encode_to(w)
        w.vector(self.nodes)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        return cls(LeafNode.decode_from(r), r.vector(UpdatePathNode.decode_from))

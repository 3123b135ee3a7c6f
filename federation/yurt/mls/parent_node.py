"""An inner node of the ratchet tree: a key for everybody below it, but for its unmerged leaves (7.1)."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

from typing_extensions import override

from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.errors import DecodeError


@dataclass(frozen=True, slots=True)
class ParentNode(Structure):
    """A parent's public part."""

    encryption_key: bytes
    parent_hash: bytes = b""
    unmerged_leaves: tuple[int, ...] = ()
    """Leaf indices below, in increasing order, that do not know this node's private key yet."""

    def with_unmerged(self, leaf: int) -> "ParentNode":
        """Give this node with one more unmerged leaf."""
        return replace(self, unmerged_leaves=tuple(sorted({*self.unmerged_leaves, leaf})))

    def without_unmerged(self, leaves: frozenset[int]) -> "ParentNode":
        """Give this node as it was before some leaves were added."""
        kept = tuple(leaf for leaf in self.unmerged_leaves if leaf not in leaves)
        return replace(self, unmerged_leaves=kept)

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        w.opaque(self.encryption_key).opaque(self.parent_hash).u32_vector(self.unmerged_leaves)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        encryption_key, parent_hash, unmerged = r.opaque(), r.opaque(), r.u32_vector()
        # 7.1: sorted; twice the same would be a second encoding of one set.
        if any(one >= other for one, other in pairwise(unmerged)):
            raise DecodeError("unmerged leaves are not in increasing order")
        return cls(encryption_key, parent_hash, unmerged)

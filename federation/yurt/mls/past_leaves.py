"""Who was in the group in an epoch that ended, told by what changed since.

A past epoch reads messages, and for that needs the leaves of its time, not the tree. A commit changes
few of them, so an epoch that ends keeps only its leaves that the next epoch has no more: some hundred
bytes where the tree takes hundreds of thousands. The leaf of an epoch is the first one that is found on
the way from there to the current tree.

    record = PastLeaves.between(before, after)      # when an epoch ends
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, Self

from typing_extensions import override

from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.errors import NotAMember
from yurt.mls.leaf_node import LeafNode
from yurt.mls.ratchet_tree import RatchetTree


class Leaves(Protocol):
    """The members of an epoch: a ratchet tree, or a past epoch's record with what came after it."""

    @property
    def size(self) -> int:
        """How many leaves the tree is wide."""
        ...

    def leaf_or_none(self, index: int) -> LeafNode | None:
        """Give a member's leaf, or None if it is blank or outside the tree."""
        ...


def leaf_of(leaves: Leaves, index: int) -> LeafNode:
    """Give a member's leaf.

    Raises:
        NotAMember: The leaf is blank or outside the tree.
    """
    leaf = leaves.leaf_or_none(index)
    if leaf is None:
        raise NotAMember(index)
    return leaf


@dataclass(frozen=True, slots=True)
class _Changed(Structure):
    index: int
    leaf: LeafNode | None

    @override
    def encode_to(self, w: Writer) -> None:
        w.u32(self.index).optional(self.leaf)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        return cls(r.u32(), r.optional(LeafNode.decode_from))


@dataclass(frozen=True, slots=True)
class PastLeaves(Structure):
    """The leaves of an epoch that the next one has no more."""

    size: int
    """How many leaves the tree was wide."""
    changed: Mapping[int, LeafNode | None]
    """As they were; None where nobody was and somebody is."""

    @classmethod
    def between(cls, before: RatchetTree, after: RatchetTree) -> Self:
        """Compare two epochs, one following the other."""
        old, new = dict(before.leaves()), dict(after.leaves())
        # Trees share what a commit did not touch, so hardly any leaf is looked into.
        changed: dict[int, LeafNode | None] = {
            index: leaf
            for index, leaf in old.items()
            if leaf is not (other := new.get(index)) and leaf != other
        }
        changed |= dict.fromkeys(index for index in new if index not in old and index < before.size)
        return cls(before.size, changed)

    @classmethod
    def whole(cls, tree: RatchetTree) -> Self:
        """Keep every leaf, where no later epoch is known to compare with."""
        return cls(tree.size, {index: tree.leaf_or_none(index) for index in range(tree.size)})

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the record, for the group's own store."""
        w.u32(self.size).vector(_Changed(index, leaf) for index, leaf in self.changed.items())

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the record back."""
        size, changed = r.u32(), r.vector(_Changed.decode_from)
        return cls(size, {each.index: each.leaf for each in changed})


@dataclass(frozen=True, slots=True)
class LeavesSince:
    """The leaves of a past epoch, found through the records of all epochs since."""

    records: tuple[PastLeaves, ...]
    """Of this epoch and each later one that ended, in order."""
    current: Leaves
    """The current tree."""

    @property
    def size(self) -> int:
        """How many leaves the tree was wide."""
        return self.records[0].size

    def leaf_or_none(self, index: int) -> LeafNode | None:
        """Give a member's leaf as it was, or None."""
        if not 0 <= index < self.size:
            return None
        for record in self.records:
            if index in record.changed:
                return record.changed[index]
        return self.current.leaf_or_none(index)

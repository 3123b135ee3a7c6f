"""What a commit changes, for whoever judges whether its author may (12.2 leaves that to the application).

The same value for a node that follows the group from outside and for a member inside it.
"""

from dataclasses import dataclass
from typing import Literal

from yurt.mls.extensions import Extension
from yurt.mls.framed_content import Sender, SenderType
from yurt.mls.leaf_node import LeafNode
from yurt.mls.proposals import Proposal
from yurt.mls.ratchet_tree import RatchetTree


@dataclass(frozen=True, slots=True)
class CommittedProposal:
    """A proposal of a commit, with who sent it and how it came."""

    proposal: Proposal
    sender: Sender
    """Its author: the committer, or whoever sent it on its own before."""
    reference: bytes | None
    """The name under which it was sent before; None if the commit carries it."""

    @property
    def author(self) -> int | None:
        """The author's leaf index; None if that is no member."""
        return self.sender.index if self.sender.sender_type is SenderType.MEMBER else None


@dataclass(frozen=True, slots=True)
class EnteringLeaf:
    """A leaf that is new in the tree, so that its identity has to be judged."""

    index: int
    leaf: LeafNode
    how: Literal["add", "path", "update", "external"]
    replaces: LeafNode | None
    """The same member's leaf before, also one that an external commit removes; None for somebody new."""
    by: int | None
    """The leaf index of who proposed it; None if that is no member."""


@dataclass(frozen=True, slots=True)
class CommitChange:
    """A valid commit, as its public parts tell it."""

    group_id: bytes
    epoch: int
    """The epoch that it ends."""
    committer: int | None
    """The committer's leaf index; None for a new member who commits itself in."""
    committer_leaf: LeafNode
    """The committer's leaf before the commit; a new member's new one."""
    proposals: tuple[tuple[Proposal, int | None], ...]
    """All proposals in the commit's order, each with its author's leaf index."""
    entering: tuple[EnteringLeaf, ...]
    removed: tuple[tuple[int, LeafNode], ...]
    extensions_before: tuple[Extension, ...]
    extensions_after: tuple[Extension, ...]
    authenticated_data: bytes
    tree_before: RatchetTree
    tree_after: RatchetTree
    committed: tuple[CommittedProposal, ...] = ()
    """The same proposals, each with its sender and the reference that the commit names it by."""

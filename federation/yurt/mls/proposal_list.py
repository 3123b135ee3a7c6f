"""What the proposals of a commit do to the tree and the extensions (RFC 9420, 12.3).

    applied = apply_proposals(tree, context.extensions, ((Remove(3), 0), (Add(key_package), 0)))
    applied.tree, applied.new_leaves

The list is taken as valid: `validation.proposal_list` judges it first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from yurt.mls.change import EnteringLeaf
from yurt.mls.commit import Commit, ProposalRef
from yurt.mls.errors import ProposalByReferenceUnsupported
from yurt.mls.extensions import Extension
from yurt.mls.leaf_node import LeafNode
from yurt.mls.proposals import Add, GroupContextExtensions, Proposal, Remove, Update
from yurt.mls.ratchet_tree import RatchetTree

AuthoredProposal: TypeAlias = tuple[Proposal, int | None]
"""A proposal with its author's leaf index; None if that is no member."""


@dataclass(frozen=True, slots=True)
class AppliedProposals:
    """The group as the proposals leave it, before the committer's path."""

    tree: RatchetTree
    extensions: tuple[Extension, ...]
    entering: tuple[EnteringLeaf, ...]
    removed: tuple[tuple[int, LeafNode], ...]

    @property
    def new_leaves(self) -> tuple[int, ...]:
        """The indices of added leaves, in the order of their Adds; no path secret is sealed to them."""
        return tuple(entering.index for entering in self.entering if entering.how == "add")


def resolve_proposals(commit: Commit, committer: int | None) -> tuple[AuthoredProposal, ...]:
    """Give each proposal of a commit with its author.

    Raises:
        ProposalByReferenceUnsupported: The commit names a proposal that was sent before.
    """
    resolved: list[AuthoredProposal] = []
    for item in commit.proposals:
        if isinstance(item, ProposalRef):
            raise ProposalByReferenceUnsupported
        resolved.append((item, committer))
    return tuple(resolved)


def apply_proposals(
    tree: RatchetTree, extensions: tuple[Extension, ...], proposals: Sequence[AuthoredProposal]
) -> AppliedProposals:
    """Apply a valid list: extensions, then updates, removes and adds (12.3)."""
    entering: list[EnteringLeaf] = []
    removed: list[tuple[int, LeafNode]] = []
    for proposal, author in proposals:
        if isinstance(proposal, Update) and author is not None:
            entering.append(EnteringLeaf(author, proposal.leaf_node, "update", tree.leaf(author), author))
            tree = tree.update(author, proposal.leaf_node)
    for proposal, _ in proposals:
        if isinstance(proposal, Remove):
            removed.append((proposal.removed, tree.leaf(proposal.removed)))
            tree = tree.remove(proposal.removed)
    for proposal, author in proposals:
        if isinstance(proposal, Add):
            leaf = proposal.key_package.leaf_node
            tree, index = tree.add(leaf)
            entering.append(EnteringLeaf(index, leaf, "add", None, author))
    after = replaced_extensions(extensions, proposals)
    return AppliedProposals(tree, after, tuple(entering), tuple(removed))


def replaced_extensions(
    extensions: tuple[Extension, ...], proposals: Sequence[AuthoredProposal]
) -> tuple[Extension, ...]:
    """Give the GroupContext's extensions as the proposals leave them; wholesale (12.1.7)."""
    for proposal, _ in proposals:
        if isinstance(proposal, GroupContextExtensions):
            return proposal.extensions
    return extensions

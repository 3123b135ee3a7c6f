"""What the proposals of a commit do to the tree and the extensions (RFC 9420, 12.3).

    applied = apply_proposals(tree, context.extensions, ((Remove(3), 0), (Add(key_package), 0)))
    applied.tree, applied.new_leaves

The list is taken as valid: `validation.proposal_list` judges it first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from yurt.mls.change import CommittedProposal, EnteringLeaf
from yurt.mls.commit import Commit, ProposalRef
from yurt.mls.errors import UnknownProposal
from yurt.mls.extensions import Extension
from yurt.mls.framed_content import Sender
from yurt.mls.leaf_node import LeafNode
from yurt.mls.pending_proposals import PendingProposals
from yurt.mls.proposals import Add, GroupContextExtensions, Proposal, Remove, SelfRemove, Update
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


def resolve_proposals(
    commit: Commit, committer: Sender, pending: PendingProposals
) -> tuple[CommittedProposal, ...]:
    """Give each proposal of a commit with its author: the committer, or who sent it before.

    Raises:
        UnknownProposal: The commit names a proposal that did not come.
    """
    known = {item.reference: item for item in pending}
    resolved: list[CommittedProposal] = []
    for item in commit.proposals:
        if not isinstance(item, ProposalRef):
            resolved.append(CommittedProposal(item, committer, None))
        elif item.reference in known:
            sent = known[item.reference]
            resolved.append(CommittedProposal(sent.proposal, sent.sender, sent.reference))
        else:
            raise UnknownProposal(item.reference)
    return tuple(resolved)


def changed_leaf(proposal: Proposal, author: int | None) -> int | None:
    """Tell whose leaf a proposal replaces or removes; None if it leaves all as they are."""
    match proposal:
        case Update() | SelfRemove():
            return author
        case Remove():
            return proposal.removed
        case _:
            return None


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
    for proposal, author in proposals:
        leaf = changed_leaf(proposal, author)
        if leaf is not None and not isinstance(proposal, Update):
            removed.append((leaf, tree.leaf(leaf)))
            tree = tree.remove(leaf)
    for proposal, author in proposals:
        if isinstance(proposal, Add):
            added = proposal.key_package.leaf_node
            tree, index = tree.add(added)
            entering.append(EnteringLeaf(index, added, "add", None, author))
    after = replaced_extensions(extensions, proposals)
    return AppliedProposals(tree, after, tuple(entering), tuple(removed))


def place_committer(tree: RatchetTree, committer: int | None) -> tuple[RatchetTree, int]:
    """Find the committer's leaf in the tree that the proposals leave.

    Args:
        tree: What `apply_proposals` gave.
        committer: The committer's leaf; None for somebody outside, who gets the leftmost blank leaf as if
            added (12.4.3.2).
    """
    return tree.with_free_leaf() if committer is None else (tree, committer)


def replaced_extensions(
    extensions: tuple[Extension, ...], proposals: Sequence[AuthoredProposal]
) -> tuple[Extension, ...]:
    """Give the GroupContext's extensions as the proposals leave them; wholesale (12.1.7)."""
    for proposal, _ in proposals:
        if isinstance(proposal, GroupContextExtensions):
            return proposal.extensions
    return extensions

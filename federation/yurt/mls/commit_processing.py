"""What a commit makes of a group, as far as its public parts tell: the heart of hub and member alike.

    processed = process_commit(context, tree, content, pending, at_ms=None)
    processed.change, processed.provisional_context

The secrets (path, key schedule, confirmation tag) are a member's to check.
"""

from dataclasses import dataclass, replace

from yurt.mls.change import CommitChange, CommittedProposal, EnteringLeaf
from yurt.mls.cipher_suite import CipherSuite, cipher_suite
from yurt.mls.commit import Commit
from yurt.mls.errors import InvalidCommit, InvalidMessage, WrongEpoch, WrongGroup
from yurt.mls.framed_content import AuthenticatedContent, FramedContent, SenderType, WireFormat
from yurt.mls.group_context import GroupContext
from yurt.mls.leaf_node import LeafNode
from yurt.mls.pending_proposals import PendingProposals
from yurt.mls.proposal_list import AppliedProposals, apply_proposals, place_committer, resolve_proposals
from yurt.mls.proposals import GroupContextExtensions, Remove
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.update_path import UpdatePath
from yurt.mls.validation.codes import CommitRule, MessageRule
from yurt.mls.validation.commit import check_path, check_path_present
from yurt.mls.validation.leaf_node import check_leaf_supports, check_lifetime, check_members
from yurt.mls.validation.proposal_list import check_proposal_list

NONE_PENDING = PendingProposals()


@dataclass(frozen=True, slots=True)
class ProcessedCommit:
    """A commit whose signature and public rules hold."""

    content: AuthenticatedContent
    change: CommitChange
    provisional_context: GroupContext
    """The new context but for the transcript: what path secrets are encrypted under (12.4.1)."""
    new_leaves: tuple[int, ...]
    """Leaves that the commit adds; an external committer's own is not among them."""
    committer_index: int
    """The committer's leaf after the commit, also of somebody who committed itself in."""

    @property
    def path(self) -> UpdatePath | None:
        """The committer's path."""
        return commit_of(self.content.content).path


@dataclass(frozen=True, slots=True)
class _Committer:
    """Who commits: a member at its leaf, or somebody outside with the leaf it brings."""

    index: int | None
    leaf: LeafNode


@dataclass(frozen=True, slots=True)
class _Merged:
    """The group after proposals and path."""

    tree: RatchetTree
    committer_index: int
    entering: tuple[EnteringLeaf, ...]


def commit_of(content: FramedContent) -> Commit:
    """Give the commit that a message carries.

    Raises:
        InvalidMessage: It carries something else (`notACommit`).
    """
    if not isinstance(content.content, Commit):
        raise InvalidMessage(MessageRule.NOT_A_COMMIT)
    return content.content


def check_place(context: GroupContext, content: FramedContent) -> None:
    """Check that a message belongs to this group and epoch.

    Raises:
        WrongGroup, WrongEpoch: It belongs to another.
    """
    if content.group_id != context.group_id:
        raise WrongGroup
    if content.epoch != context.epoch:
        raise WrongEpoch(have=context.epoch, got=content.epoch)


def process_commit(
    context: GroupContext,
    tree: RatchetTree,
    message: AuthenticatedContent,
    pending: PendingProposals = NONE_PENDING,
    *,
    at_ms: int | None,
) -> ProcessedCommit:
    """Verify a commit's signature and every public rule, and apply it to the tree.

    Args:
        context: The epoch that it ends.
        tree: That epoch's.
        message: The commit; a membership tag is checked by those who can.
        pending: Proposals of this epoch that the commit may name.
        at_ms: The time at which lifetimes of added key packages are judged; None judges none.

    Raises:
        WrongGroup, WrongEpoch, NotAMember, InvalidSignature: Before anything else is looked at.
        UnknownProposal: It names a proposal that is not pending.
        ValidationError: With the rule's code.
    """
    suite, content, commit = cipher_suite(context.cipher_suite), message.content, commit_of(message.content)
    check_place(context, content)
    committer = _committer(tree, message, commit)
    message.verify_signature(suite, committer.leaf.signature_key, context)
    committed = resolve_proposals(commit, content.sender, pending)
    check_proposal_list(context, tree, committed, committer=committer.index)
    proposals = tuple((each.proposal, each.author) for each in committed)
    check_path_present([proposal for proposal, _ in proposals], commit.path)
    applied = apply_proposals(tree, context.extensions, proposals)
    merged = _merge_path(suite, context.group_id, applied, committer, committed, commit.path)
    _check_after(merged, applied, committed, at_ms=at_ms)
    change = CommitChange(
        group_id=context.group_id,
        epoch=context.epoch,
        committer=committer.index,
        committer_leaf=committer.leaf,
        proposals=proposals,
        entering=merged.entering,
        removed=applied.removed,
        extensions_before=context.extensions,
        extensions_after=applied.extensions,
        authenticated_data=content.authenticated_data,
        tree_before=tree,
        tree_after=merged.tree,
        committed=committed,
    )
    provisional = replace(
        context, epoch=context.epoch + 1, tree_hash=merged.tree.tree_hash(), extensions=applied.extensions
    )
    return ProcessedCommit(message, change, provisional, applied.new_leaves, merged.committer_index)


def _committer(tree: RatchetTree, message: AuthenticatedContent, commit: Commit) -> _Committer:
    """Find whose key must have signed (6.1, 12.4.3.2)."""
    sender = message.content.sender
    if sender.sender_type is SenderType.MEMBER and sender.index is not None:
        return _Committer(sender.index, tree.leaf(sender.index))
    if sender.sender_type is not SenderType.NEW_MEMBER_COMMIT:
        # 6.1: external senders and people who ask to join propose, they do not commit.
        raise InvalidMessage(MessageRule.SENDER_MAY_NOT_COMMIT, sender.sender_type.name)
    if message.wire_format is not WireFormat.PUBLIC_MESSAGE:
        raise InvalidMessage(MessageRule.OUTSIDER_NOT_PUBLIC)
    if commit.path is None:
        raise InvalidCommit(CommitRule.PATH_MISSING, "of an external commit")
    return _Committer(None, commit.path.leaf_node)


def _merge_path(
    suite: CipherSuite,
    group_id: bytes,
    applied: AppliedProposals,
    committer: _Committer,
    committed: tuple[CommittedProposal, ...],
    path: UpdatePath | None,
) -> _Merged:
    tree, index = place_committer(applied.tree, committer.index)
    if path is None:
        return _Merged(tree, index, applied.entering)
    before = committer.leaf if committer.index is not None else _replaced(applied, committed)
    check_path(suite, tree, index, path, applied.new_leaves, group_id, before)
    is_member = committer.index is not None
    own = EnteringLeaf(index, path.leaf_node, "path" if is_member else "external", before, committer.index)
    return _Merged(tree.with_path(index, path), index, (*applied.entering, own))


def _replaced(applied: AppliedProposals, committed: tuple[CommittedProposal, ...]) -> LeafNode | None:
    """Give the old leaf that an external committer removes to come back, unlike others' SelfRemoves."""
    for each in committed:
        if isinstance(each.proposal, Remove):
            return dict(applied.removed)[each.proposal.removed]
    return None


def _check_after(
    merged: _Merged,
    applied: AppliedProposals,
    committed: tuple[CommittedProposal, ...],
    *,
    at_ms: int | None,
) -> None:
    """12.2: after the commit, every leaf is one that may stand in the group."""
    check_members(merged.tree)
    replaced = any(isinstance(each.proposal, GroupContextExtensions) for each in committed)
    leaves = (leaf for _, leaf in merged.tree.leaves()) if replaced else (e.leaf for e in merged.entering)
    for leaf in leaves:
        check_leaf_supports(leaf, applied.extensions)
    if at_ms is not None:
        for each in merged.entering:
            check_lifetime(each.leaf, at_ms)

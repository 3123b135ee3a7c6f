"""What a commit makes of a group, as far as its public parts tell: the heart of hub and member alike.

    processed = process_commit(context, tree, content, at_ms=None)
    processed.change, processed.provisional_context

The secrets (path, key schedule, confirmation tag) are a member's to check.
"""

from dataclasses import dataclass, replace

from yurt.mls.change import CommitChange, EnteringLeaf
from yurt.mls.cipher_suite import CipherSuite, cipher_suite
from yurt.mls.commit import Commit
from yurt.mls.errors import InvalidMessage, Unsupported, WrongEpoch, WrongGroup
from yurt.mls.framed_content import AuthenticatedContent, FramedContent, SenderType
from yurt.mls.group_context import GroupContext
from yurt.mls.proposal_list import AppliedProposals, apply_proposals, resolve_proposals
from yurt.mls.proposals import GroupContextExtensions
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.update_path import UpdatePath
from yurt.mls.validation.commit import check_path, check_path_present
from yurt.mls.validation.leaf_node import check_leaf_supports, check_lifetime, check_members
from yurt.mls.validation.proposal_list import check_proposal_list


@dataclass(frozen=True, slots=True)
class ProcessedCommit:
    """A commit whose signature and public rules hold."""

    content: AuthenticatedContent
    change: CommitChange
    provisional_context: GroupContext
    """The new context but for the transcript: what path secrets are encrypted under (12.4.1)."""
    new_leaves: tuple[int, ...]
    """Leaves that the commit adds."""

    @property
    def path(self) -> UpdatePath | None:
        """The committer's path."""
        return commit_of(self.content.content).path


def commit_of(content: FramedContent) -> Commit:
    """Give the commit that a message carries.

    Raises:
        InvalidMessage: It carries something else (`notACommit`).
    """
    if not isinstance(content.content, Commit):
        raise InvalidMessage("notACommit")
    return content.content


def process_commit(
    context: GroupContext, tree: RatchetTree, message: AuthenticatedContent, *, at_ms: int | None
) -> ProcessedCommit:
    """Verify a commit's signature and every public rule, and apply it to the tree.

    Args:
        context: The epoch that it ends.
        tree: That epoch's.
        message: The commit; a membership tag is checked by those who can.
        at_ms: The time at which lifetimes of added key packages are judged; None judges none.

    Raises:
        WrongGroup, WrongEpoch, NotAMember, InvalidSignature: Before anything else is looked at.
        ValidationError: With the rule's code.
        Unsupported: An external commit, or a proposal that is not taken here.
    """
    suite, content, commit = cipher_suite(context.cipher_suite), message.content, commit_of(message.content)
    committer = _check_sender(context, content)
    committer_leaf = tree.leaf(committer)
    message.verify_signature(suite, committer_leaf.signature_key, context)
    proposals = resolve_proposals(commit, committer)
    check_proposal_list(suite, tree, proposals, committer=committer, group_id=context.group_id)
    check_path_present([proposal for proposal, _ in proposals], commit.path)
    applied = apply_proposals(tree, context.extensions, proposals)
    replaced = any(isinstance(proposal, GroupContextExtensions) for proposal, _ in proposals)
    after = _merge_path(suite, context.group_id, applied, committer, commit.path)
    entering = applied.entering
    if commit.path is not None:
        entering += (EnteringLeaf(committer, commit.path.leaf_node, "path", committer_leaf, committer),)
    _check_after(after, applied, entering, replaced=replaced, at_ms=at_ms)
    change = CommitChange(
        group_id=context.group_id,
        epoch=context.epoch,
        committer=committer,
        committer_leaf=committer_leaf,
        proposals=proposals,
        entering=entering,
        removed=applied.removed,
        extensions_before=context.extensions,
        extensions_after=applied.extensions,
        authenticated_data=content.authenticated_data,
        tree_before=tree,
        tree_after=after,
    )
    provisional = replace(
        context, epoch=context.epoch + 1, tree_hash=after.tree_hash(), extensions=applied.extensions
    )
    return ProcessedCommit(message, change, provisional, applied.new_leaves)


def _check_sender(context: GroupContext, content: FramedContent) -> int:
    if content.group_id != context.group_id:
        raise WrongGroup
    if content.epoch != context.epoch:
        raise WrongEpoch(have=context.epoch, got=content.epoch)
    sender = content.sender
    if sender.sender_type is SenderType.NEW_MEMBER_COMMIT:
        raise Unsupported("an external commit")
    if sender.sender_type is not SenderType.MEMBER or sender.index is None:
        # 6.1: external senders and joiners propose, they do not commit.
        raise InvalidMessage("senderMayNotCommit", sender.sender_type.name)
    return sender.index


def _merge_path(
    suite: CipherSuite, group_id: bytes, applied: AppliedProposals, committer: int, path: UpdatePath | None
) -> RatchetTree:
    if path is None:
        return applied.tree
    check_path(suite, applied.tree, committer, path, applied.new_leaves, group_id)
    return applied.tree.with_path(committer, path)


def _check_after(
    tree: RatchetTree,
    applied: AppliedProposals,
    entering: tuple[EnteringLeaf, ...],
    *,
    replaced: bool,
    at_ms: int | None,
) -> None:
    """12.2: after the commit, every leaf is one that may stand in the group."""
    check_members(tree)
    leaves = (leaf for _, leaf in tree.leaves()) if replaced else (each.leaf for each in entering)
    for leaf in leaves:
        check_leaf_supports(leaf, applied.extensions)
    if at_ms is not None:
        for each in entering:
            check_lifetime(each.leaf, at_ms)

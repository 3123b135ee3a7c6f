"""Whether the proposals of a commit go together (RFC 9420, 12.2).

    check_proposal_list(context, tree, committed, committer=2)      # None for an external commit

These are the rules of MLS; who may propose what is the application's.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

from yurt.mls.change import CommittedProposal
from yurt.mls.errors import InvalidProposalList
from yurt.mls.group_context import GroupContext
from yurt.mls.proposal_list import changed_leaf
from yurt.mls.proposals import Add, PreSharedKey, ProposalType, SelfRemove, Update
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.validation.proposal import check_proposal, check_supported


class ProposalListRule(StrEnum):
    """The codes of the rules here; those of each proposal are in `proposal`."""

    UPDATE_BY_COMMITTER = "updateByCommitter"
    REMOVES_COMMITTER = "removesCommitter"
    SELF_REMOVE_BY_VALUE = "selfRemoveByValue"
    SAME_LEAF_TWICE = "sameLeafTwice"
    ADDED_TWICE = "addedTwice"
    ALREADY_MEMBER = "alreadyMember"
    PSK_TWICE = "pskTwice"
    EXTENSIONS_TWICE = "groupContextExtensionsTwice"
    REINIT_NOT_ALONE = "reInitNotAlone"
    EXTERNAL_INIT = "externalInitInMemberCommit"
    NO_EXTERNAL_INIT = "externalInitNotOnce"
    EXTERNAL_REMOVES = "externalCommitRemovesTwice"
    EXTERNAL_OTHER = "externalCommitOtherProposal"
    EXTERNAL_REFERENCE = "externalCommitByReference"


_IN_EXTERNAL_COMMIT: Final = frozenset(
    {ProposalType.EXTERNAL_INIT, ProposalType.REMOVE, ProposalType.PSK, ProposalType.SELF_REMOVE}
)


def check_proposal_list(
    context: GroupContext, tree: RatchetTree, committed: Sequence[CommittedProposal], *, committer: int | None
) -> None:
    """Check the proposals of a commit against the epoch that it ends.

    Args:
        context: The epoch.
        tree: That epoch's.
        committed: The commit's proposals. Those with a reference were judged by themselves when they came.
        committer: The committer's leaf; None for an external commit.

    Raises:
        InvalidProposalList: With a code of `ProposalListRule`.
        InvalidProposal, InvalidKeyPackage, InvalidLeafNode, InvalidSignature: Of one proposal.
    """
    _check_self_removes(committed)
    if committer is None:
        _check_external(committed)
    else:
        _check_member(committed, committer)
    leaving = _check_changed_leaves(committed)
    _check_once(committed)
    _check_added(tree, committed, leaving)
    for each in committed:
        check_supported(tree, each.proposal, but=leaving)
        if each.reference is None:
            check_proposal(context, tree, each.proposal, each.author)


def _check_self_removes(committed: Iterable[CommittedProposal]) -> None:
    # draft-ietf-mls-extensions: only by reference; by value it would be the committer's own.
    for each in committed:
        if isinstance(each.proposal, SelfRemove) and each.reference is None:
            raise InvalidProposalList(ProposalListRule.SELF_REMOVE_BY_VALUE)


def _check_external(committed: Sequence[CommittedProposal]) -> None:
    """12.2: one ExternalInit, at most one Remove, pre-shared keys; others' SelfRemoves by reference."""
    kinds = Counter(each.proposal.proposal_type for each in committed)
    for each in committed:
        if each.proposal.proposal_type not in _IN_EXTERNAL_COMMIT:
            raise InvalidProposalList(ProposalListRule.EXTERNAL_OTHER, type(each.proposal).__name__)
        if each.reference is not None and not isinstance(each.proposal, SelfRemove):
            # 12.4.3.2: somebody outside cannot tell which proposals were valid inside.
            raise InvalidProposalList(ProposalListRule.EXTERNAL_REFERENCE, type(each.proposal).__name__)
    if kinds[ProposalType.EXTERNAL_INIT] != 1:
        count = kinds[ProposalType.EXTERNAL_INIT]
        raise InvalidProposalList(ProposalListRule.NO_EXTERNAL_INIT, f"{count} of them")
    if kinds[ProposalType.REMOVE] > 1:
        raise InvalidProposalList(ProposalListRule.EXTERNAL_REMOVES)


def _check_member(committed: Iterable[CommittedProposal], committer: int) -> None:
    """A member's commit changes its own leaf by the path, and cannot shut its own author out."""
    for each in committed:
        if each.proposal.proposal_type is ProposalType.EXTERNAL_INIT:
            raise InvalidProposalList(ProposalListRule.EXTERNAL_INIT)
        if changed_leaf(each.proposal, each.author) != committer:
            continue
        if isinstance(each.proposal, Update):
            raise InvalidProposalList(ProposalListRule.UPDATE_BY_COMMITTER)
        raise InvalidProposalList(ProposalListRule.REMOVES_COMMITTER)


def _check_changed_leaves(committed: Iterable[CommittedProposal]) -> frozenset[int]:
    """Each leaf is updated or removed at most once; gives the leaves that go."""
    changed: set[int] = set()
    leaving: set[int] = set()
    for each in committed:
        leaf = changed_leaf(each.proposal, each.author)
        if leaf is None:
            continue
        if leaf in changed:
            raise InvalidProposalList(ProposalListRule.SAME_LEAF_TWICE, f"leaf {leaf}")
        changed.add(leaf)
        if not isinstance(each.proposal, Update):
            leaving.add(leaf)
    return frozenset(leaving)


def _check_once(committed: Sequence[CommittedProposal]) -> None:
    """What a commit may have at most once, or alone."""
    kinds = Counter(each.proposal.proposal_type for each in committed)
    if kinds[ProposalType.GROUP_CONTEXT_EXTENSIONS] > 1:
        raise InvalidProposalList(ProposalListRule.EXTENSIONS_TWICE)
    if kinds[ProposalType.REINIT] and len(committed) > 1:
        raise InvalidProposalList(ProposalListRule.REINIT_NOT_ALONE)
    psks = [each.proposal.psk for each in committed if isinstance(each.proposal, PreSharedKey)]
    if len(set(psks)) < len(psks):
        raise InvalidProposalList(ProposalListRule.PSK_TWICE)


def _check_added(tree: RatchetTree, committed: Iterable[CommittedProposal], leaving: frozenset[int]) -> None:
    """Adds: of clients that are not here; a client is known by its signature key."""
    added = [each.proposal.key_package.leaf_node for each in committed if isinstance(each.proposal, Add)]
    if not added:
        return
    staying = {leaf.signature_key for index, leaf in tree.leaves() if index not in leaving}
    seen: set[bytes] = set()
    for leaf in added:
        if leaf.signature_key in seen:
            raise InvalidProposalList(ProposalListRule.ADDED_TWICE)
        if leaf.signature_key in staying:
            raise InvalidProposalList(ProposalListRule.ALREADY_MEMBER)
        seen.add(leaf.signature_key)

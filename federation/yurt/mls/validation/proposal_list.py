"""Whether the proposals of a commit go together (RFC 9420, 12.2).

    check_proposal_list(suite, tree, proposals, committer=2, group_id=group_id)

These are the rules of MLS; who may propose what is the application's.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.errors import InvalidProposalList, Unsupported
from yurt.mls.leaf_node import LeafNodeSource
from yurt.mls.proposal_list import AuthoredProposal
from yurt.mls.proposals import Add, GroupContextExtensions, Proposal, ProposalType, Remove, Update
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.validation.key_package import check_key_package
from yurt.mls.validation.leaf_node import check_leaf, has_type_twice


class ProposalListRule(StrEnum):
    """The codes of the rules here; those of an added key package are in `key_package`."""

    UPDATE_BY_COMMITTER = "updateByCommitter"
    UPDATE_SAME_KEY = "updateSameKey"
    REMOVES_COMMITTER = "removesCommitter"
    REMOVES_NOBODY = "removesNobody"
    SAME_LEAF_TWICE = "sameLeafTwice"
    ADDED_TWICE = "addedTwice"
    ALREADY_MEMBER = "alreadyMember"
    EXTENSIONS_TWICE = "groupContextExtensionsTwice"
    EXTENSION_TYPE_TWICE = "groupContextExtensionTypeTwice"
    EXTERNAL_INIT = "externalInitInMemberCommit"


_UNSUPPORTED = (ProposalType.PSK, ProposalType.REINIT, ProposalType.SELF_REMOVE)


def check_proposal_list(
    suite: CipherSuite,
    tree: RatchetTree,
    proposals: Sequence[AuthoredProposal],
    *,
    committer: int,
    group_id: bytes,
) -> None:
    """Check the list of a member's commit against the tree that it starts from.

    Raises:
        InvalidProposalList: With a code of `ProposalListRule`.
        InvalidKeyPackage, InvalidLeafNode, InvalidSignature: Of an Add or Update.
        Unsupported: A kind of proposal that is not taken here.
    """
    _check_kinds([proposal for proposal, _ in proposals])
    _check_changed_leaves(tree, proposals, committer)
    _check_extensions(proposal for proposal, _ in proposals)
    _check_added(suite, tree, [proposal for proposal, _ in proposals])
    for proposal, author in proposals:
        if isinstance(proposal, Update) and author is not None:
            check_leaf(suite, proposal.leaf_node, LeafNodeSource.UPDATE, group_id=group_id, leaf_index=author)


def _check_kinds(proposals: Iterable[Proposal]) -> None:
    for proposal in proposals:
        if proposal.proposal_type is ProposalType.EXTERNAL_INIT:
            raise InvalidProposalList(ProposalListRule.EXTERNAL_INIT)
        if proposal.proposal_type in _UNSUPPORTED:
            raise Unsupported(f"a {type(proposal).__name__} proposal")


def _check_changed_leaves(tree: RatchetTree, proposals: Iterable[AuthoredProposal], committer: int) -> None:
    """Updates and removes: of members, of each at most once, of the committer never."""
    changed: set[int] = set()
    for proposal, author in proposals:
        if isinstance(proposal, Update):
            leaf = _check_update(tree, proposal, author, committer)
        elif isinstance(proposal, Remove):
            leaf = _check_remove(tree, proposal, committer)
        else:
            continue
        if leaf in changed:
            raise InvalidProposalList(ProposalListRule.SAME_LEAF_TWICE, f"leaf {leaf}")
        changed.add(leaf)


def _check_update(tree: RatchetTree, update: Update, author: int | None, committer: int) -> int:
    if author is None or author == committer:
        raise InvalidProposalList(ProposalListRule.UPDATE_BY_COMMITTER)
    if update.leaf_node.encryption_key == tree.leaf(author).encryption_key:
        raise InvalidProposalList(ProposalListRule.UPDATE_SAME_KEY, f"leaf {author}")
    return author


def _check_remove(tree: RatchetTree, remove: Remove, committer: int) -> int:
    if remove.removed == committer:
        raise InvalidProposalList(ProposalListRule.REMOVES_COMMITTER)
    if tree.leaf_or_none(remove.removed) is None:
        raise InvalidProposalList(ProposalListRule.REMOVES_NOBODY, f"leaf {remove.removed}")
    return remove.removed


def _check_extensions(proposals: Iterable[Proposal]) -> None:
    replacing = [proposal for proposal in proposals if isinstance(proposal, GroupContextExtensions)]
    if len(replacing) > 1:
        raise InvalidProposalList(ProposalListRule.EXTENSIONS_TWICE)
    if any(has_type_twice(proposal.extensions) for proposal in replacing):
        raise InvalidProposalList(ProposalListRule.EXTENSION_TYPE_TWICE)


def _check_added(suite: CipherSuite, tree: RatchetTree, proposals: Sequence[Proposal]) -> None:
    """Adds: sound key packages of clients that are not here; a client is known by its signature key."""
    added = [proposal.key_package for proposal in proposals if isinstance(proposal, Add)]
    if not added:
        return
    leaving = {proposal.removed for proposal in proposals if isinstance(proposal, Remove)}
    staying = {leaf.signature_key for index, leaf in tree.leaves() if index not in leaving}
    seen: set[bytes] = set()
    for package in added:
        key = package.leaf_node.signature_key
        if key in seen:
            raise InvalidProposalList(ProposalListRule.ADDED_TWICE)
        if key in staying:
            raise InvalidProposalList(ProposalListRule.ALREADY_MEMBER)
        seen.add(key)
        check_key_package(suite, package)

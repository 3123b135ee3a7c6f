"""Whether a commit may end an epoch (RFC 9420, 12.4.2); its proposals are judged in `proposal_list`.

check_path_present(commit)
check_path(suite, tree, sender, path, new_leaves, group_id, before)     # `tree` with the proposals applied
"""

from collections.abc import Collection
from typing import Final

from yurt.mls import tree_math
from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.errors import InvalidCommit
from yurt.mls.leaf_node import LeafNode, LeafNodeSource
from yurt.mls.proposals import Proposal, ProposalType
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.update_path import UpdatePath
from yurt.mls.validation.codes import CommitRule
from yurt.mls.validation.leaf_node import check_leaf

_NEEDS_NO_PATH: Final = frozenset({ProposalType.ADD, ProposalType.PSK, ProposalType.REINIT})


def needs_path(proposals: Collection[Proposal]) -> bool:
    """Tell whether a commit of these proposals must have a path (12.4)."""
    return not proposals or any(p.proposal_type not in _NEEDS_NO_PATH for p in proposals)


def check_path_present(proposals: Collection[Proposal], path: UpdatePath | None) -> None:
    """Refuse a commit whose proposals need the secrecy that only a path gives."""
    if path is None and needs_path(proposals):
        raise InvalidCommit(CommitRule.PATH_MISSING)


def check_path(
    suite: CipherSuite,
    tree: RatchetTree,
    sender: int,
    path: UpdatePath,
    new_leaves: Collection[int],
    group_id: bytes,
    before: LeafNode | None,
) -> None:
    """Check a path before it is merged; merging checks the parent hash.

    Args:
        suite: The group's.
        tree: The tree with the commit's proposals applied.
        sender: The committer's leaf, which still holds its old leaf node; blank for an external commit.
        path: What to check.
        new_leaves: Leaves that this commit adds.
        group_id: The group, which the new leaf is signed for.
        before: The leaf that the new one replaces: the committer's own, or its old one that an external
            commit removes; None for somebody new.

    Raises:
        InvalidCommit: With a code of `CommitRule`.
        InvalidLeafNode, InvalidSignature: Of the new leaf.
    """
    _check_keys(suite, tree, path, before)
    _check_shape(tree, sender, path, new_leaves)
    check_leaf(suite, path.leaf_node, LeafNodeSource.COMMIT, group_id=group_id, leaf_index=sender)


def _check_keys(suite: CipherSuite, tree: RatchetTree, path: UpdatePath, before: LeafNode | None) -> None:
    keys = [path.leaf_node.encryption_key, *(node.encryption_key for node in path.nodes)]
    if before is not None and before.encryption_key == path.leaf_node.encryption_key:
        raise InvalidCommit(CommitRule.PATH_SAME_KEY)
    if len(set(keys)) < len(keys):
        raise InvalidCommit(CommitRule.PATH_KEY_TWICE)
    if not set(keys).isdisjoint(tree.encryption_keys()):
        raise InvalidCommit(CommitRule.PATH_KEY_IN_TREE)
    if not all(map(suite.accepts_hpke_key, keys)):
        raise InvalidCommit(CommitRule.PATH_WEAK_KEY)


def _check_shape(tree: RatchetTree, sender: int, path: UpdatePath, new_leaves: Collection[int]) -> None:
    """7.6: a node for each of the filtered path, a ciphertext for each receiver; new members are none."""
    expected = tree.filtered_path_with_copath(sender)
    if len(expected) != len(path.nodes):
        raise InvalidCommit(CommitRule.PATH_LENGTH, f"{len(path.nodes)} nodes, not {len(expected)}")
    new = {tree_math.leaf_to_node(leaf) for leaf in new_leaves}
    for (node, beside), sent in zip(expected, path.nodes, strict=True):
        receivers = sum(receiver not in new for receiver in tree.resolution(beside))
        if receivers != len(sent.encrypted_path_secret):
            raise InvalidCommit(CommitRule.PATH_CIPHERTEXTS, f"node {node}")

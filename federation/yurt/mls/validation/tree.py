"""A ratchet tree that somebody hands to us must be one that members built (RFC 9420, 7.9 and 12.4.3.1).

Here is what concerns its nodes; its leaves are judged in `leaf_node`. A wrong tree would let an insider
read what is meant for others.

    validate_tree(tree)
"""

from enum import StrEnum

from yurt.mls import tree_math
from yurt.mls.errors import InvalidTree
from yurt.mls.parent_hash import parent_hash
from yurt.mls.parent_node import ParentNode
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.tree_hash import leaf_hash, node_hash


class TreeRule(StrEnum):
    """The codes of the rules here."""

    TOO_WIDE = "treeTooWide"
    UNMERGED_NOT_BELOW = "treeUnmergedNotBelow"
    UNMERGED_BLANK = "treeUnmergedBlank"
    UNMERGED_GAP = "treeUnmergedGap"
    DUPLICATE_KEY = "treeDuplicateKey"
    WEAK_KEY = "treeWeakKey"
    PARENT_HASH = "treeParentHash"


def validate_tree(tree: RatchetTree) -> None:
    """Check the shape, the keys and the parent hashes of a tree.

    Raises:
        InvalidTree: With a code of `TreeRule`.
    """
    check_width(tree)
    check_keys(tree)
    for node, parent in tree.parents():
        check_unmerged_leaves(tree, node, parent)
    # Only then, since resolutions are made of unmerged leaves.
    for node, parent in tree.parents():
        check_parent_hash(tree, node, parent)


def check_width(tree: RatchetTree) -> None:
    """7.7: the right half of a tree has a member, else the tree would have been narrowed."""
    last = max((index for index, _ in tree.leaves()), default=-1)
    if last < tree.size // 2:
        raise InvalidTree(TreeRule.TOO_WIDE, f"the last member of {tree.size} leaves is {last}")


def check_keys(tree: RatchetTree) -> None:
    """12.4.3.1: no two nodes have the same key; a weak key would protect nobody."""
    seen: set[bytes] = set()
    for key in tree.encryption_keys():
        if key in seen:
            raise InvalidTree(TreeRule.DUPLICATE_KEY)
        if not tree.suite.accepts_hpke_key(key):
            raise InvalidTree(TreeRule.WEAK_KEY)
        seen.add(key)


def check_unmerged_leaves(tree: RatchetTree, node: int, parent: ParentNode) -> None:
    """12.4.3.1: an unmerged leaf is a member below, and unmerged at every node between."""
    for leaf in parent.unmerged_leaves:
        place = tree_math.leaf_to_node(leaf)
        if not tree_math.is_in_subtree(place, node):
            raise InvalidTree(TreeRule.UNMERGED_NOT_BELOW, f"leaf {leaf} at node {node}")
        if tree.leaf_or_none(leaf) is None:
            raise InvalidTree(TreeRule.UNMERGED_BLANK, f"leaf {leaf} at node {node}")
        for between in tree.direct_path(leaf):
            if between == node:
                break
            other = tree.parent_node(between)
            if other is not None and leaf not in other.unmerged_leaves:
                raise InvalidTree(TreeRule.UNMERGED_GAP, f"leaf {leaf} at node {between}")


def check_parent_hash(tree: RatchetTree, node: int, parent: ParentNode) -> None:
    """7.9.2: exactly one node below was put there together with this one.

    Each node that is not blank points up to at most one parent, so if every parent has one child in this
    sense, the chains reach down to leaves, whose signatures cover them.
    """
    left, right = tree_math.left(node), tree_math.right(node)
    valid = _points_up(tree, parent, left, right) + _points_up(tree, parent, right, left)
    if valid != 1:
        raise InvalidTree(TreeRule.PARENT_HASH, f"node {node} is reached by {valid} nodes below")


def _points_up(tree: RatchetTree, parent: ParentNode, child: int, sibling: int) -> bool:
    """Tell whether a node in the resolution of `child` carries the hash of `parent`."""
    unmerged = {tree_math.leaf_to_node(leaf) for leaf in parent.unmerged_leaves}
    merged = [node for node in tree.resolution(child) if node not in unmerged]
    below = sum(tree_math.is_in_subtree(node, child) for node in unmerged)
    # 7.9.2: the resolution is that one node and the leaves that came later, nothing else.
    if len(merged) != 1 or below != len(tree.resolution(child)) - 1:
        return False
    node = tree.node(merged[0])
    carried = None if node is None else node.parent_hash
    if carried is None:
        return False
    original = _original_hash(tree, sibling, frozenset(parent.unmerged_leaves))
    return carried == parent_hash(tree.suite, parent.encryption_key, parent.parent_hash, original)


def _original_hash(tree: RatchetTree, node: int, added: frozenset[int]) -> bytes:
    """Compute a subtree's hash as it was before some leaves were added (7.9)."""
    here = frozenset(leaf for leaf in added if tree_math.is_in_subtree(tree_math.leaf_to_node(leaf), node))
    if not here:
        return tree.subtree_hash(node)
    if tree_math.is_leaf(node):
        return leaf_hash(tree.suite, tree_math.node_to_leaf(node), None)
    parent = tree.parent_node(node)
    encoded = None if parent is None else parent.without_unmerged(here).encode()
    left = _original_hash(tree, tree_math.left(node), here)
    right = _original_hash(tree, tree_math.right(node), here)
    return node_hash(tree.suite, encoded, left, right)

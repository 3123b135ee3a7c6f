"""Where the nodes of the array-based tree are, by arithmetic alone (RFC 9420, 4.1.2 and appendix C).

A tree of `leaf_count` leaves, a power of two, has `2 * leaf_count - 1` nodes; leaf `i` is node `2 * i`.
A node's level is the number of ones its index ends with.

    root(8) == 7
    direct_path(leaf_to_node(1), 8) == (1, 3, 7)
    copath(leaf_to_node(1), 8) == (0, 5, 11)
"""

from functools import lru_cache

from yurt.mls.errors import NoSuchNode


def node_count(leaf_count: int) -> int:
    """Count the nodes above and including `leaf_count` leaves."""
    return 2 * leaf_count - 1


def leaf_to_node(leaf: int) -> int:
    """Give the node index of a leaf."""
    return 2 * leaf


def node_to_leaf(node: int) -> int:
    """Give the leaf index of a leaf's node."""
    if node & 1:
        raise NoSuchNode(f"node {node} is no leaf")
    return node >> 1


def is_leaf(node: int) -> bool:
    """Tell whether a node is a leaf."""
    return node & 1 == 0


def level(node: int) -> int:
    """Give the height of a node above the leaves."""
    return (node ^ (node + 1)).bit_length() - 1


def root(leaf_count: int) -> int:
    """Give the root of a tree."""
    return leaf_count - 1


def left(node: int) -> int:
    """Give the left child of a parent."""
    height = _parent_level(node)
    return node ^ (1 << (height - 1))


def right(node: int) -> int:
    """Give the right child of a parent."""
    height = _parent_level(node)
    return node ^ (3 << (height - 1))


def _parent_level(node: int) -> int:
    height = level(node)
    if height == 0:
        raise NoSuchNode(f"leaf node {node} has no children")
    return height


def parent(node: int, leaf_count: int) -> int:
    """Give the parent of a node below the root."""
    if node == root(leaf_count):
        raise NoSuchNode("the root has no parent")
    height = level(node)
    return (node | (1 << height)) & ~(1 << (height + 1))


def sibling(node: int, leaf_count: int) -> int:
    """Give the other child of a node's parent."""
    above = parent(node, leaf_count)
    return right(above) if node < above else left(above)


@lru_cache(maxsize=4096)
def direct_path(node: int, leaf_count: int) -> tuple[int, ...]:
    """List the ancestors of a node, its parent first and the root last.

    Raises:
        NoSuchNode: The node is outside the tree; its ancestors never meet the root.
    """
    if not 0 <= node < node_count(leaf_count):
        raise NoSuchNode(f"node {node} is outside a tree of {leaf_count} leaves")
    path: list[int] = []
    while node != root(leaf_count):
        node = parent(node, leaf_count)
        path.append(node)
    return tuple(path)


@lru_cache(maxsize=4096)
def copath(node: int, leaf_count: int) -> tuple[int, ...]:
    """List the siblings of a node and of its ancestors below the root, lowest first."""
    path = (node, *direct_path(node, leaf_count))
    return tuple(sibling(below, leaf_count) for below in path[:-1])


def is_in_subtree(node: int, top: int) -> bool:
    """Tell whether `node` is `top` or below it."""
    reach = (1 << level(top)) - 1
    return top - reach <= node <= top + reach


def common_ancestor(one: int, other: int) -> int:
    """Give the lowest node that has both below it or is one of them."""
    if is_in_subtree(one, other):
        return other
    if is_in_subtree(other, one):
        return one
    height = (one ^ other).bit_length()
    return (one >> height << height) + (1 << (height - 1)) - 1

"""The arithmetic of the array-based tree."""

from collections.abc import Callable
from typing import Any

import pytest

from yurt.mls import tree_math
from yurt.mls.errors import NoSuchNode

Load = Callable[[str], list[dict[str, Any]]]


def _or_none(function: Callable[..., int], *arguments: int) -> int | None:
    try:
        return function(*arguments)
    except NoSuchNode:
        return None


def test_official_trees(vectors: Load) -> None:
    """Every relation of every node in the official trees of 1 to 512 leaves."""
    cases = vectors("tree-math")

    for case in cases:
        leaves = case["n_leaves"]
        nodes = range(tree_math.node_count(leaves))
        assert tree_math.node_count(leaves) == case["n_nodes"]
        assert tree_math.root(leaves) == case["root"]
        assert [_or_none(tree_math.left, node) for node in nodes] == case["left"]
        assert [_or_none(tree_math.right, node) for node in nodes] == case["right"]
        assert [_or_none(tree_math.parent, node, leaves) for node in nodes] == case["parent"]
        assert [_or_none(tree_math.sibling, node, leaves) for node in nodes] == case["sibling"]

    assert len(cases) == 10


def test_paths() -> None:
    """A direct path climbs to the root; the copath is beside it."""
    assert tree_math.direct_path(2, 8) == (1, 3, 7)
    assert tree_math.copath(2, 8) == (0, 5, 11)
    assert tree_math.direct_path(0, 1) == ()


def test_common_ancestors() -> None:
    """The common ancestor is the first node of one direct path that has the other below it."""
    leaves = 16
    for one in range(31):
        for other in range(31):
            path = (one, *tree_math.direct_path(one, leaves))
            expected = next(node for node in path if tree_math.is_in_subtree(other, node))

            assert tree_math.common_ancestor(one, other) == expected


def test_a_parent_is_no_leaf() -> None:
    """Only even nodes have a leaf index."""
    with pytest.raises(NoSuchNode):
        tree_math.node_to_leaf(3)

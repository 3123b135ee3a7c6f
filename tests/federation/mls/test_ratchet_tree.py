"""The ratchet tree against the official vectors, and what it promises beyond them."""

from collections.abc import Callable
from typing import Any

import pytest

from yurt.mls.cipher_suite import CipherSuite, cipher_suite
from yurt.mls.codec import Reader
from yurt.mls.errors import DecodeError, NotAMember
from yurt.mls.proposals import Add, Proposal, Remove, Update, read_proposal
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.validation.tree import validate_tree

Load = Callable[[str], list[dict[str, Any]]]
SUITE = cipher_suite(1)
unhex = bytes.fromhex


def _apply(tree: RatchetTree, proposal: Proposal, sender: int) -> RatchetTree:
    match proposal:
        case Add(key_package):
            return tree.add(key_package.leaf_node)[0]
        case Update(leaf_node):
            return tree.update(sender, leaf_node)
        case Remove(removed):
            return tree.remove(removed)
        case _:
            raise AssertionError(proposal)


def test_official_operations(vectors: Load) -> None:
    """Adding, updating and removing give the official trees, and leave the tree before as it was."""
    cases = vectors("tree-operations")

    for case in cases:
        assert case["cipher_suite"] == SUITE.value
        before = RatchetTree.decode(SUITE, unhex(case["tree_before"]))
        assert before.tree_hash() == unhex(case["tree_hash_before"])
        proposal = read_proposal(Reader(unhex(case["proposal"])))

        after = _apply(before, proposal, case["proposal_sender"])

        assert after.encode() == unhex(case["tree_after"])
        assert after.tree_hash() == unhex(case["tree_hash_after"])
        assert before.encode() == unhex(case["tree_before"])
        assert RatchetTree.decode(SUITE, before.encode()).tree_hash() == before.tree_hash()

    assert len(cases) == 5


def test_official_trees_are_valid(suite: CipherSuite, of_suite: Load) -> None:
    """Every official tree has the official hashes and resolutions, and breaks no rule."""
    cases = of_suite("tree-validation")

    for case in cases:
        tree = RatchetTree.decode(suite, unhex(case["tree"]))

        nodes = range(tree.node_count)
        assert [tree.subtree_hash(node) for node in nodes] == [unhex(h) for h in case["tree_hashes"]]
        assert [list(tree.resolution(node)) for node in nodes] == case["resolutions"]
        validate_tree(tree)
        for index, leaf in tree.leaves():
            leaf.verify_signature(suite, group_id=unhex(case["group_id"]), leaf_index=index)
        assert tree.encode() == unhex(case["tree"])

    assert len(cases) == 14


def test_official_ratchet_tree_messages(vectors: Load) -> None:
    """The trees of the official messages come back byte for byte."""
    cases = vectors("messages")

    for case in cases:
        assert RatchetTree.decode(SUITE, unhex(case["ratchet_tree"])).encode() == unhex(case["ratchet_tree"])

    assert len(cases) == 300


def test_a_blank_last_node(suite_1: Load) -> None:
    """Blank nodes at the end would be a second encoding of the same tree."""
    data = unhex(suite_1("tree-validation")[0]["tree"])
    inner = Reader(data).opaque() + b"\0"

    with pytest.raises(DecodeError):
        RatchetTree.decode(SUITE, (len(inner) | 0x4000).to_bytes(2, "big") + inner)


def test_a_leaf_out_of_place(suite_1: Load) -> None:
    """A leaf where a parent belongs is malformed."""
    data = Reader(unhex(suite_1("tree-validation")[0]["tree"])).opaque()
    inner = b"\0" + data

    with pytest.raises(DecodeError):
        RatchetTree.decode(SUITE, (len(inner) | 0x4000).to_bytes(2, "big") + inner)


def test_nobody_is_there(suite_1: Load) -> None:
    """A blank leaf, or one outside the tree, is no member."""
    tree = RatchetTree.decode(SUITE, unhex(suite_1("tree-validation")[0]["tree"]))

    for index in (tree.size, -1, 2**32 - 1):
        with pytest.raises(NotAMember):
            tree.leaf(index)
        with pytest.raises(NotAMember):
            tree.remove(index)

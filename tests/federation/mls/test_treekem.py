import os
from collections.abc import Callable
from typing import Any

import pytest

from yurt.mls import treekem
from yurt.mls.cipher_suite import CipherSuite, cipher_suite
from yurt.mls.errors import DecryptionFailed, InvalidCommit
from yurt.mls.group_context import GroupContext
from yurt.mls.labels import derive_secret
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.tree_math import leaf_to_node
from yurt.mls.treekem import Path
from yurt.mls.update_path import UpdatePath, UpdatePathNode

Case = dict[str, Any]
Load = Callable[[str], list[Case]]
unhex = bytes.fromhex


def suite_of(case: Case) -> CipherSuite:
    return cipher_suite(case["cipher_suite"])


def tree_of(case: Case) -> RatchetTree:
    return RatchetTree.decode(suite_of(case), unhex(case["ratchet_tree"]))


def keys_of(case: Case) -> dict[int, dict[int, bytes]]:
    """Give each member's private keys by node."""
    suite = suite_of(case)
    members: dict[int, dict[int, bytes]] = {}
    for member in case["leaves_private"]:
        keys = {leaf_to_node(member["index"]): unhex(member["encryption_priv"])}
        for known in member["path_secrets"]:
            secret = derive_secret(suite, unhex(known["path_secret"]), "node")
            keys[known["node"]] = suite.derive_key_pair(secret)[0]
        members[member["index"]] = keys
    return members


def context_of(case: Case, tree: RatchetTree) -> bytes:
    transcript = unhex(case["confirmed_transcript_hash"])
    group_id, suite = unhex(case["group_id"]), case["cipher_suite"]
    return GroupContext(suite, group_id, case["epoch"], tree.tree_hash(), transcript).encode()


def opened(
    keys: dict[int, bytes], tree: RatchetTree, reader: int, sender: int, path: UpdatePath, context: bytes
) -> Path:
    return treekem.open_path(tree.suite, tree, reader, keys, sender, path, context, ())


def test_official_vectors(of_suite: Load) -> None:
    """In every suite, every member finds its path secret in every path, and all share one secret."""
    cases = of_suite("treekem")
    paths = readers = 0

    for case in cases:
        tree, members = tree_of(case), keys_of(case)
        for given in case["update_paths"]:
            update_path, sender = UpdatePath.decode(unhex(given["update_path"])), given["sender"]
            after = tree.with_path(sender, update_path)
            assert after.tree_hash() == unhex(given["tree_hash_after"])
            context = context_of(case, after)
            paths += 1
            for reader, keys in members.items():
                if reader == sender:
                    continue
                path = opened(keys, tree, reader, sender, update_path, context)
                assert path.steps[0].path_secret == unhex(given["path_secrets"][reader])
                assert path.commit_secret == unhex(given["commit_secret"])
                readers += 1

    assert (len(cases), paths, readers) == (11, 62, 328)


def test_own_paths_open_for_everybody(of_suite: Load) -> None:
    """A path that we make opens for every other member of the vectors' trees."""
    for case in of_suite("treekem"):
        tree, members = tree_of(case), keys_of(case)
        sender = min(members)
        path = treekem.fresh_path(tree.suite, tree, sender, os.urandom)
        after, _ = tree.with_path_keys(sender, [step.public for step in path.steps])
        context = context_of(case, after)
        nodes = treekem.seal_path(tree.suite, path, tree, sender, context, (), os.urandom)
        update_path = UpdatePath(tree.leaf(sender), nodes)

        secrets = {
            opened(keys, tree, reader, sender, update_path, context).commit_secret
            for reader, keys in members.items()
            if reader != sender
        }

        assert secrets == {path.commit_secret}


@pytest.fixture
def given(suite_1: Load) -> tuple[Case, RatchetTree, UpdatePath, bytes]:
    """A vector's tree of several members with the path of its first member."""
    case = max(suite_1("treekem"), key=lambda case: len(case["leaves_private"]))
    update_path = UpdatePath.decode(unhex(case["update_paths"][0]["update_path"]))
    tree = tree_of(case)
    return case, tree, update_path, context_of(case, tree.with_path(0, update_path))


Given = tuple[Case, RatchetTree, UpdatePath, bytes]


def test_a_path_that_lies_about_its_keys(given: Given) -> None:
    """A public key that does not follow from the secret would split the group: refused."""
    case, tree, path, context = given
    top = UpdatePathNode(tree.suite.generate_hpke_key()[1], path.nodes[-1].encrypted_path_secret)
    lying = UpdatePath(path.leaf_node, (*path.nodes[:-1], top))

    with pytest.raises(InvalidCommit) as refused:
        opened(keys_of(case)[1], tree, 1, 0, lying, context)

    assert refused.value.rule == "pathKeys"


def test_a_path_with_too_few_ciphertexts(given: Given) -> None:
    """A path must reach everybody."""
    case, tree, path, context = given
    first = UpdatePathNode(path.nodes[0].encryption_key, ())
    short = UpdatePath(path.leaf_node, (first, *path.nodes[1:]))

    with pytest.raises(InvalidCommit) as refused:
        opened(keys_of(case)[1], tree, 1, 0, short, context)

    assert refused.value.rule == "pathCiphertexts"


def test_a_path_with_too_few_nodes(given: Given) -> None:
    """A path has one node for each node of the filtered direct path."""
    case, tree, path, context = given

    with pytest.raises(InvalidCommit) as refused:
        opened(keys_of(case)[1], tree, 1, 0, UpdatePath(path.leaf_node, path.nodes[:-1]), context)

    assert refused.value.rule == "pathLength"


def test_a_path_for_another_context(given: Given) -> None:
    """Path secrets are bound to the group and epoch they were sealed for."""
    case, tree, path, context = given

    with pytest.raises(DecryptionFailed):
        opened(keys_of(case)[1], tree, 1, 0, path, context + b"x")

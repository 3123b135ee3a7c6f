"""A GroupInfo or tree that breaks one rule is refused by that rule's name, before anybody joins by it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from yurt.mls.credential import Credential
from yurt.mls.errors import InvalidSignature, UnsupportedCipherSuite, ValidationError
from yurt.mls.extensions import Extension
from yurt.mls.framing import MLSMessage
from yurt.mls.group_info import GroupInfo
from yurt.mls.leaf_node import LeafNode, Lifetime
from yurt.mls.node_array import Entry, NodeArray
from yurt.mls.parent_node import ParentNode
from yurt.mls.proposals import Add
from yurt.mls.public_group import PublicGroup
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.testing import NOON_MS, SUITE, Person, Table
from yurt.mls.validation.group_info import GroupInfoRule
from yurt.mls.validation.tree import TreeRule, validate_tree

ANA, BO, CY, DEE = range(4)


@pytest.fixture(scope="module")
def table() -> Table:
    return Table.of(4)


Change = Callable[[GroupInfo], GroupInfo]


def _other_tree_hash(info: GroupInfo) -> GroupInfo:
    return replace(info, group_context=replace(info.group_context, tree_hash=bytes(32)))


JOINING: dict[GroupInfoRule, Change] = {
    GroupInfoRule.NO_TREE: lambda info: replace(info, extensions=()),
    GroupInfoRule.TREE_HASH: _other_tree_hash,
    GroupInfoRule.SIGNER: lambda info: replace(info, signer=6),
    GroupInfoRule.EXTENSION_TWICE: lambda info: replace(info, extensions=info.extensions * 2),
}


@pytest.mark.parametrize("rule", JOINING)
def test_a_group_info_that_is_not_right(table: Table, rule: GroupInfoRule) -> None:
    """Each rule of a GroupInfo is refused under its own name."""
    with pytest.raises(ValidationError) as refused:
        PublicGroup.from_group_info(table.group_info(change=JOINING[rule]), None, now_ms=None)

    assert (refused.value.rule, refused.value.section) == (rule.value, "RFC 9420 12.4.3.1")


def test_extensions_of_the_context_twice(table: Table) -> None:
    """The group's own extensions are a list without repetition, too."""
    twice = (Extension(1, b"a"), Extension(1, b"b"))
    info = table.group_info(
        change=lambda info: replace(info, group_context=replace(info.group_context, extensions=twice))
    )

    with pytest.raises(ValidationError, match=GroupInfoRule.EXTENSION_TWICE):
        PublicGroup.from_group_info(info, None, now_ms=None)


def test_signed_by_somebody_else(table: Table) -> None:
    """Only the key of the signer's own leaf signs; any other member's does not."""
    info = replace(table.group_info(BO), signer=CY)

    with pytest.raises(InvalidSignature) as refused:
        PublicGroup.from_group_info(info, None, now_ms=None)

    assert refused.value.label == "GroupInfoTBS"


def test_a_suite_that_we_lack(table: Table) -> None:
    """A group of another suite is refused by name."""
    info = table.group_info(
        change=lambda info: replace(info, group_context=replace(info.group_context, cipher_suite=0x0A0A))
    )

    with pytest.raises(UnsupportedCipherSuite):
        PublicGroup.from_group_info(info, None, now_ms=None)


def test_lifetimes_only_with_a_time() -> None:
    """A leaf that expired after it joined stays; a group that begins now has none such."""
    noon = NOON_MS // 1000
    table = Table.of(1, leaf=lambda leaf: replace(leaf, lifetime=Lifetime(noon - 120, noon - 60)))
    info = table.group_info()

    assert PublicGroup.from_group_info(info, None, now_ms=None) == table.group
    with pytest.raises(ValidationError, match="leafExpired"):
        PublicGroup.from_group_info(info, None, now_ms=NOON_MS)


SERVING: dict[GroupInfoRule, Change] = {
    GroupInfoRule.OTHER_CONTEXT: _other_tree_hash,
    GroupInfoRule.OTHER_CONFIRMATION: lambda info: replace(info, confirmation_tag=b"t" * 32),
}


@pytest.mark.parametrize("rule", SERVING)
def test_a_group_info_of_something_else(table: Table, rule: GroupInfoRule) -> None:
    """A hub refuses a GroupInfo that differs from the epoch it claims."""
    with pytest.raises(ValidationError) as refused:
        table.group.check_group_info(MLSMessage(table.group_info(change=SERVING[rule])).encode())

    assert refused.value.rule == rule.value


def test_a_forged_group_info(table: Table) -> None:
    """A hub refuses a GroupInfo that no member signed."""
    forged = replace(table.group_info(BO), signature=bytes(64))

    with pytest.raises(InvalidSignature):
        table.group.check_group_info(MLSMessage(forged).encode())


# --- trees ---


def _entries(tree: RatchetTree) -> list[Entry | None]:
    return [None if node is None else Entry.of(node) for node in map(tree.node, range(tree.node_count))]


def _put(tree: RatchetTree, place: int, node: LeafNode | ParentNode | None) -> RatchetTree:
    entries = _entries(tree)
    entries[place] = None if node is None else Entry.of(node)
    return RatchetTree(SUITE, NodeArray(SUITE, entries))


def _parent(tree: RatchetTree, place: int) -> ParentNode:
    parent = tree.parent_node(place)
    assert parent is not None
    return parent


def _unmerged(tree: RatchetTree, place: int, *leaves: int) -> RatchetTree:
    return _put(tree, place, replace(_parent(tree, place), unmerged_leaves=leaves))


def _five(table: Table) -> RatchetTree:
    """A fifth member without a path: its leaf, 8, is unmerged nowhere yet, as the nodes above are new."""
    return table.group.stage(table.commit(ANA, Add(Person.named("eva").package), path=False)).apply().tree


def _gap(_: Table) -> RatchetTree:
    # CY commits beside a blank leaf, which blanks node 5; DEE then comes without a path.
    three = Table.of(3)
    three = three.then(three.group.stage(three.commit(CY)), {})
    tree = three.group.stage(three.commit(CY, Add(Person.named("dee").package), path=False)).apply().tree
    assert _parent(tree, 3).unmerged_leaves == (DEE,)
    # A node between that has a key, and does not list DEE, would have reached DEE before it came.
    return _put(tree, 5, ParentNode(SUITE.generate_hpke_key()[1]))


TREES: dict[TreeRule, Callable[[Table], RatchetTree]] = {
    TreeRule.TOO_WIDE: lambda table: RatchetTree(
        SUITE, NodeArray(SUITE, _entries(table.group.tree) + [None] * 8)
    ),
    TreeRule.UNMERGED_NOT_BELOW: lambda table: _unmerged(table.group.tree, 1, DEE),
    TreeRule.UNMERGED_BLANK: lambda table: _unmerged(_put(table.group.tree, 4, None), 3, CY),
    TreeRule.UNMERGED_GAP: _gap,
    TreeRule.DUPLICATE_KEY: lambda table: _put(
        table.group.tree, 3, ParentNode(table.group.tree.leaf(BO).encryption_key)
    ),
    TreeRule.WEAK_KEY: lambda table: _put(table.group.tree, 3, ParentNode(bytes(32))),
    TreeRule.PARENT_HASH: lambda table: _put(table.group.tree, 3, ParentNode(SUITE.generate_hpke_key()[1])),
}


@pytest.mark.parametrize("rule", TREES)
def test_a_tree_that_members_did_not_build(table: Table, rule: TreeRule) -> None:
    """Each rule of a tree is refused under its own name."""
    with pytest.raises(ValidationError) as refused:
        validate_tree(TREES[rule](table))

    assert (refused.value.rule, refused.value.section) == (rule.value, "RFC 9420 7.9")


def test_trees_that_members_built(table: Table) -> None:
    """Paths, blanks and unmerged leaves of honest members are right."""
    validate_tree(table.group.tree)
    validate_tree(_five(table))
    validate_tree(table.group.tree.remove(BO))


def test_a_leaf_that_its_owner_did_not_sign() -> None:
    """Joining verifies every leaf's own signature, whoever vouches for the tree."""
    table = Table.of(1)
    staged = table.group.stage(table.commit(ANA, Add(Person.named("bo").package), path=False))
    table = table.then(staged, {})
    forged = _put(
        table.group.tree, 2, replace(table.group.tree.leaf(BO), credential=Credential.basic(b"eva"))
    )
    context = replace(table.group.context, tree_hash=forged.tree_hash())
    info = table.group_info(with_tree=False, change=lambda info: replace(info, group_context=context))

    with pytest.raises(InvalidSignature) as refused:
        PublicGroup.from_group_info(info, forged, now_ms=None)

    assert refused.value.label == "LeafNodeTBS"


def test_every_rule_has_its_test() -> None:
    """No rule stands without a message that breaks it."""
    elsewhere = {GroupInfoRule.EXTERNAL_PUB}  # test_external_commit
    assert set(JOINING) | set(SERVING) | elsewhere == set(GroupInfoRule)
    assert set(TREES) == set(TreeRule)

"""A last-resort key package adds its owner more than once; every other one only once (mls-extensions)."""

from yurt.mls.extensions import Extension, ExtensionType
from yurt.mls.group import Group
from yurt.mls.group_store import MemoryGroupStore
from yurt.mls.key_package_bundle import KeyPackageBundle, make_key_package
from yurt.mls.rehearsal import NOT_AFTER, SUITE, own_leaf

LAST_RESORT = (Extension(ExtensionType.LAST_RESORT, b""),)


def test_it_is_marked() -> None:
    """The mark survives its row, so that a device knows which package it keeps after a join."""
    last = make_key_package(SUITE, own_leaf("ana"), 0, NOT_AFTER, extensions=LAST_RESORT)
    once = make_key_package(SUITE, own_leaf("ana"), 0, NOT_AFTER)

    assert KeyPackageBundle.decode(last.encode()).is_last_resort
    assert not once.is_last_resort


def test_it_opens_several_welcomes() -> None:
    """Two rooms add the same key package; its owner joins both, and renews its leaf in each at once."""
    bundle = make_key_package(SUITE, own_leaf("bo"), 0, NOT_AFTER, extensions=LAST_RESORT)
    store, keys = MemoryGroupStore(), set[bytes]()

    for name in (b"one room", b"another room"):
        ana = Group.create(MemoryGroupStore(), SUITE, name, own_leaf("ana"))
        welcome = ana.stage_commit(adds=[bundle.key_package]).welcome
        ana.merge()
        group = Group.join(store, welcome or b"", bundle)
        group.stage_commit(leaf=own_leaf("bo"))
        group.merge()
        leaf = group.tree.leaf(group.own_index)
        keys |= {leaf.signature_key, leaf.encryption_key}

    assert len(keys) == 4
    assert bundle.key_package.leaf_node.encryption_key not in keys

"""Founding a group that follows another: after a ReInit, or as its branch (RFC 9420, 11.2 and 11.3).

The new group begins with a pending commit that adds the others and mixes in a key of the old one; it is
submitted and merged like every other. Who joins it names the old group: `Group.join(..., previous=old)`.

    new = continue_in(old, store, leaf, key_packages)      # what the ReInit announced
    new = branch(old, store, group_id, leaf, key_packages)
"""

import os
from collections.abc import Sequence

from yurt.mls.algorithms import Random
from yurt.mls.capabilities import MLS_10
from yurt.mls.cipher_suite import cipher_suite
from yurt.mls.errors import UnknownGroup
from yurt.mls.extensions import Extension
from yurt.mls.group import Group
from yurt.mls.group_store import GroupStore
from yurt.mls.joining import FOREVER
from yurt.mls.key_package import KeyPackage
from yurt.mls.key_package_bundle import OwnLeaf
from yurt.mls.leaf_node import Lifetime
from yurt.mls.pre_shared_key import ResumptionPSKUsage
from yurt.mls.proposals import ReInit
from yurt.mls.psk_secret import KnownPsks
from yurt.mls.succession import resumption


def continue_in(
    old: Group,
    store: GroupStore,
    leaf: OwnLeaf,
    others: Sequence[KeyPackage],
    *,
    lifetime: Lifetime = FOREVER,
    random: Random = os.urandom,
) -> Group:
    """Found the group that a ReInit announced, with a pending commit that adds everybody else.

    Args:
        old: The group that the ReInit ended.
        store: Where the new group's rows go.
        leaf: Our leaf's content in it.
        others: Key packages of all other members, for the new suite.
        lifetime: Of our first leaf.
        random: Source of every key.

    Raises:
        UnknownGroup: No ReInit ended the old group.
    """
    reinit = old.public.reinit
    if reinit is None:
        raise UnknownGroup("no ReInit announced one")
    group = _found(store, reinit, leaf, lifetime, random)
    return _fill(old, group, others, ResumptionPSKUsage.REINIT, random)


def branch(
    old: Group,
    store: GroupStore,
    group_id: bytes,
    leaf: OwnLeaf,
    others: Sequence[KeyPackage],
    *,
    extensions: tuple[Extension, ...] = (),
    lifetime: Lifetime = FOREVER,
    random: Random = os.urandom,
) -> Group:
    """Found a group of some of the members of another, with a pending commit that adds them.

    Args:
        old: The group that all of them are in.
        store: Where the new group's rows go.
        group_id: Fresh.
        leaf: Our leaf's content in it.
        others: Key packages of the others.
        extensions: Of the new GroupContext.
        lifetime: Of our first leaf.
        random: Source of every key.
    """
    announced = ReInit(group_id, MLS_10, old.context.cipher_suite, extensions)
    group = _found(store, announced, leaf, lifetime, random)
    return _fill(old, group, others, ResumptionPSKUsage.BRANCH, random)


def _found(store: GroupStore, announced: ReInit, leaf: OwnLeaf, lifetime: Lifetime, random: Random) -> Group:
    return Group.create(
        store,
        cipher_suite(announced.cipher_suite),
        announced.group_id,
        leaf,
        extensions=announced.extensions,
        lifetime=lifetime,
        random=random,
    )


def _fill(
    old: Group, group: Group, others: Sequence[KeyPackage], usage: ResumptionPSKUsage, random: Random
) -> Group:
    key = resumption(old.public, usage, group.public.suite, random)
    group.stage_commit(adds=others, proposals=[key], psks=KnownPsks(resumption=old.resumption_psks()))
    return group

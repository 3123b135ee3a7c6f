"""Groups that follow another: a ReInit's continuation, and branches."""

from dataclasses import replace

import pytest

from yurt.mls.capabilities import MLS_10
from yurt.mls.cipher_suite import cipher_suite
from yurt.mls.errors import GroupClosed, InvalidSuccession, UnknownGroup, UnknownPsk, ValidationError
from yurt.mls.following import branch, continue_in
from yurt.mls.group import Group
from yurt.mls.group_store import MemoryGroupStore
from yurt.mls.key_package_bundle import KeyPackageBundle, make_key_package
from yurt.mls.proposals import ReInit, Remove
from yurt.mls.rehearsal import GROUP_ID, NOT_AFTER, SUITE, Member, add, everyone, own_leaf, room
from yurt.mls.succession import SuccessionRule

NEW_SUITE = cipher_suite(0x0003)
REINIT = ReInit(b"the next room", MLS_10, NEW_SUITE.value, ())


def closed_room(*names: str) -> list[Member]:
    members = room(*names)
    everyone(members, members[0].group.stage_commit(proposals=[REINIT]))
    return members


def package(name: str, suite: int = NEW_SUITE.value) -> KeyPackageBundle:
    chosen = cipher_suite(suite)
    return make_key_package(chosen, own_leaf(name, suite=chosen), 0, NOT_AFTER)


def welcome_of(group: Group) -> bytes:
    assert group.pending is not None
    assert group.pending.welcome is not None
    return group.pending.welcome


def refused(welcome: bytes, bundle: KeyPackageBundle, previous: Member) -> str:
    with pytest.raises(InvalidSuccession) as error:
        Group.join(MemoryGroupStore(), welcome, bundle, previous=previous.group)
    return error.value.rule


def test_a_group_goes_on_in_another_suite() -> None:
    """After a ReInit the old group is silent, and the new one has its members, suite and key."""
    ana, bo, cy = closed_room("ana", "bo", "cy")
    bundles = [package(name) for name in ("bo", "cy")]

    new = continue_in(
        ana.reload().group,
        MemoryGroupStore(),
        own_leaf("ana", suite=NEW_SUITE),
        [b.key_package for b in bundles],
    )
    welcome = welcome_of(new)
    new.merge()
    others = [
        Group.join(MemoryGroupStore(), welcome, bundle, previous=member.reload().group)
        for bundle, member in zip(bundles, (bo, cy), strict=True)
    ]

    assert {group.epoch_authenticator for group in (new, *others)} == {new.epoch_authenticator}
    assert (new.group_id, new.public.suite) == (b"the next room", NEW_SUITE)


def test_a_closed_group_is_silent() -> None:
    """After a ReInit nobody sends, proposes or commits; also after a restart."""
    ana, bo = closed_room("ana", "bo")

    for member in (ana, bo.reload()):
        with pytest.raises(GroupClosed):
            member.group.encrypt(b"one more thing")
        with pytest.raises(GroupClosed):
            member.group.propose(Remove(0))
        with pytest.raises(GroupClosed):
            member.group.stage_commit(force_path=True)


def test_what_was_said_before_the_end_is_read() -> None:
    """A message that was under way when the group closed still opens."""
    ana, bo = room("ana", "bo")
    message = bo.group.encrypt(b"see you there")

    everyone([ana, bo], ana.group.stage_commit(proposals=[REINIT]))

    assert ana.hear(message) == b"see you there"


def test_a_reinit_stands_alone() -> None:
    """A ReInit goes with no other proposal."""
    ana, bo = room("ana", "bo")

    with pytest.raises(ValidationError):
        ana.group.stage_commit(proposals=[REINIT], removes=[bo.index])


def test_nothing_follows_without_a_reinit() -> None:
    """A group that was not closed does not continue elsewhere."""
    ana, _ = room("ana", "bo")

    with pytest.raises(UnknownGroup):
        continue_in(ana.group, MemoryGroupStore(), own_leaf("ana"), [])


def test_a_continuation_that_forgets_somebody() -> None:
    """Who is left out of the new group would not know; who is in it notices."""
    ana, bo, _ = closed_room("ana", "bo", "cy")
    bundle = package("bo")

    new = continue_in(ana.group, MemoryGroupStore(), own_leaf("ana", suite=NEW_SUITE), [bundle.key_package])

    assert refused(welcome_of(new), bundle, bo) == SuccessionRule.MISSING


def test_a_continuation_with_a_stranger() -> None:
    """A ReInit lets nobody in."""
    ana, bo = closed_room("ana", "bo")
    bundle, eve = package("bo"), package("eve")
    packages = [bundle.key_package, eve.key_package]

    new = continue_in(ana.group, MemoryGroupStore(), own_leaf("ana", suite=NEW_SUITE), packages)

    assert refused(welcome_of(new), bundle, bo) == SuccessionRule.STRANGER


def test_a_continuation_that_was_not_announced() -> None:
    """Another name than the ReInit's is refused."""
    ana, bo = closed_room("ana", "bo")
    bundle, public = package("bo"), ana.group.public
    other = replace(public, reinit=replace(REINIT, group_id=b"somewhere else"))
    ana.store.put(GROUP_ID, ana.group.epoch, "public", other.encode())
    ana.reload()

    new = continue_in(ana.group, MemoryGroupStore(), own_leaf("ana", suite=NEW_SUITE), [bundle.key_package])

    assert refused(welcome_of(new), bundle, bo) == SuccessionRule.OTHER_PARAMETERS


def test_some_members_branch_off() -> None:
    """A branch has its own keys, and only those who were in the old group can be in it."""
    ana, bo, _ = room("ana", "bo", "cy")
    bundle = package("bo", SUITE.value)

    new = branch(ana.group, MemoryGroupStore(), b"two of three", own_leaf("ana"), [bundle.key_package])
    welcome = welcome_of(new)
    new.merge()
    with pytest.raises(UnknownPsk):
        Group.join(MemoryGroupStore(), welcome, bundle)
    other = Group.join(MemoryGroupStore(), welcome, bundle, previous=bo.group)

    assert other.epoch_authenticator == new.epoch_authenticator
    assert ana.group.epoch == 1


def test_a_branch_with_a_stranger() -> None:
    """Somebody from elsewhere cannot be smuggled into a branch."""
    ana, bo = room("ana", "bo")
    bundle, eve = package("bo", SUITE.value), package("eve", SUITE.value)
    packages = [bundle.key_package, eve.key_package]

    new = branch(ana.group, MemoryGroupStore(), b"with eve", own_leaf("ana"), packages)

    assert refused(welcome_of(new), bundle, bo) == SuccessionRule.STRANGER


def test_a_branch_from_another_epoch() -> None:
    """A branch is checked against the epoch that it left from, so both must be there."""
    ana, bo, cy = room("ana", "bo", "cy")
    bundle = package("bo", SUITE.value)
    new = branch(ana.group, MemoryGroupStore(), b"late", own_leaf("ana"), [bundle.key_package])

    add([ana, bo, cy], [Member("dee")])

    assert refused(welcome_of(new), bundle, bo) == SuccessionRule.OTHER_GROUP

"""Whether a commit is valid follows from the room, the commit and its place in the log; from nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import pytest

from yurt.identity.leaf import LeafUse
from yurt.identity.signed_record import VerifiedRecord, next_record, verify_chain
from yurt.mls import proposals
from yurt.mls.change import CommittedProposal, EnteringLeaf
from yurt.mls.credential import Credential
from yurt.mls.extensions import Extension
from yurt.mls.framed_content import Sender
from yurt.mls.leaf_node import LeafNode
from yurt.mls.pre_shared_key import ExternalPSK, PreSharedKeyID
from yurt.mls.proposals import Proposal, Remove, SelfRemove
from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.judge import judge
from yurt.rooms.common.judged import Judged
from yurt.rooms.common.policy import Floor, Limits, Role
from yurt.rooms.common.policy_changes import without
from yurt.rooms.common.room import read_room
from yurt.rooms.common.room_change import Device, Moved, RoleChange, RoomChange
from yurt.rooms.common.rules import Rule
from yurt.rooms.testing import (
    ANA,
    AT,
    BO,
    CY,
    DAY,
    DEE,
    EVE,
    NOW,
    NOW_MS,
    ROOM_ID,
    RoomBefore,
    attach,
    policy_of,
    room,
)
from yurt.wire.registry import ROOM_POLICY_EXTENSION


def refusal(case: RoomBefore, at: Judged = AT) -> Rule:
    """Judge a commit that must be refused, and say by which rule."""
    with pytest.raises(Refused) as caught:
        case.judge(at)
    return caught.value.rule


# --- what may happen, and what the timeline then shows ---
def test_admin_adds_somebody() -> None:
    """Bo lets eve in: one line, with bo's name and the new epoch."""
    case = room(by=BO)
    case.adds.append(EVE.leaf())

    assert case.judge() == RoomChange(
        epoch=5,
        by=BO.did,
        device_id=BO.devices[0].device_id,
        joined=(EVE.did,),
        devices_added=(Device(EVE.did, EVE.devices[0].device_id),),
    )


def test_owner_removes_and_bans() -> None:
    """Both in one commit, so that nobody comes back between."""
    case = room()
    case.removes.append(3)
    case.after = replace(case.policy, bans=(DEE.did,))

    change = case.judge()

    assert (change.removed, change.banned) == ((DEE.did,), (DEE.did,))


def test_first_path_makes_a_leaf_for_the_room() -> None:
    """A new key, use 2: nothing that a timeline shows."""
    case = room(by=DEE)
    case.path = DEE.leaf(use=LeafUse.ROOM, key=1)

    assert case.judge().is_quiet


def test_second_device_of_a_member() -> None:
    """A plain member may add an own device, and take it out again."""
    case = room(by=DEE)
    case.adds.append(DEE.leaf(device=1))
    assert case.judge().devices_added == (Device(DEE.did, DEE.devices[1].device_id),)

    case = room(ANA, DEE, by=DEE)
    case.leaves.append(DEE.leaf(device=1))
    case.removes.append(2)
    change = case.judge()
    assert (change.removed, change.devices_removed) == ((), (Device(DEE.did, DEE.devices[1].device_id),))


def test_device_moves_with_its_record() -> None:
    """A new actor is taken if the attached record names it."""
    moved = "https://hilltop.example/users/dee"
    record = next_record(DEE.record, DEE.identity, time=NOW, actor=moved)
    case = room(by=DEE)
    case.path = DEE.leaf(use=LeafUse.ROOM, key=1, actor=moved)

    assert refusal(case) is Rule.ACTOR_WITHOUT_RECORD
    case.data = attach(next_record(DEE.record, DEE.identity, time=NOW))
    assert refusal(case) is Rule.ACTOR_WITHOUT_RECORD
    case.data = attach(record)
    assert case.judge().moved == (Moved(DEE.did, DEE.actor, moved),)


def test_nobody_takes_another_members_address() -> None:
    """Dee signs herself a record that places her at bo's actor: she would be shown as bo."""
    for actor in (BO.actor, BO.actor.replace("/bo", "/Bo")):
        move = room(by=DEE)
        move.path = DEE.leaf(use=LeafUse.ROOM, key=1, actor=actor)
        move.data = attach(next_record(DEE.record, DEE.identity, time=NOW, actor=actor))
        enter = room()
        enter.adds.append(EVE.leaf(actor=actor))

        assert refusal(move) is Rule.ACTOR_TAKEN
        assert refusal(enter) is Rule.ACTOR_TAKEN
    own = room()
    own.adds.append(BO.leaf(device=1))
    assert own.judge().devices_added


def test_roles_are_given_below_ones_own() -> None:
    """Bo makes dee a moderator; the timeline names both roles."""
    case = room(by=BO)
    case.after = policy_of(ana=Role.OWNER, bo=Role.ADMIN, cy=Role.MODERATOR, dee=Role.MODERATOR)

    assert case.judge().roles == (RoleChange(DEE.did, Role.MEMBER, Role.MODERATOR),)


def test_owner_is_who_is_there() -> None:
    """Without ana bo acts as the owner, without bo cy, without all the lowest leaf."""
    for people, acting in (((BO, CY, DEE), BO), ((CY, DEE), CY), ((EVE, DEE), EVE)):
        case = room(*people, by=acting)
        case.after = replace(case.policy, limits=Limits(20, Role.MEMBER))
        assert case.judge().settings
        for other in set(people) - {acting, BO}:
            assert refusal(replace(case, by=people.index(other))) is Rule.POLICY_RIGHT


def test_new_owner_is_shown() -> None:
    """When dee takes out an expired ana, bo acts as the owner."""
    case = room(by=DEE)
    case.removes.append(0)
    case.after = without(case.policy, (ANA.did,))

    late = Judged(1, 7, (NOW + 111 * DAY) * 1000)
    case.data = CommitData(late.accepted_at)
    change = case.judge(late)
    assert (change.removed, change.owner) == ((ANA.did,), BO.did)


# --- every commit ---
@pytest.mark.parametrize("skew_ms", [-600_001, 600_001])
def test_clock_skew(skew_ms: int) -> None:
    """Ten minutes are forgiven, not more, on either side."""
    case = room()

    case.data = CommitData(NOW_MS + skew_ms)
    assert refusal(case) is Rule.CLOCK_SKEW
    case.data = CommitData(NOW_MS + (600_000 if skew_ms > 0 else -600_000))
    case.judge()


def test_data_of_the_commit() -> None:
    """None, later things, and records that do not verify."""
    case = room()
    change = case.change()

    for data, rule in (
        (b"", Rule.COMMIT_DATA),
        (b"\2" + case.data.encode()[1:], Rule.COMMIT_DATA_VERSION),
        (CommitData(NOW_MS, join_proofs=(b"proof",)).encode(), Rule.JOIN_PROOF),
        (CommitData(NOW_MS, records=(b"{}",)).encode(), Rule.BAD_RECORD),
        (attach(DEE.record.signed, DEE.record.signed).encode(), Rule.BAD_RECORD),
    ):
        with pytest.raises(Refused) as caught:
            judge(replace(change, authenticated_data=data), AT)
        assert caught.value.rule is rule


@pytest.mark.parametrize(
    ("proposal", "rule"),
    [
        (proposals.Update(DEE.leaf()), Rule.UPDATE_PROPOSAL),
        (proposals.PreSharedKey(PreSharedKeyID(ExternalPSK(b"psk"), b"nonce")), Rule.PSK_PROPOSAL),
        (proposals.ReInit(ROOM_ID, 1, 1), Rule.RE_INIT_PROPOSAL),
        (proposals.ExternalInit(b""), Rule.EXTERNAL_INIT_PROPOSAL),
        (SelfRemove(), Rule.SELF_REMOVE),
    ],
)
def test_proposals_that_a_room_does_not_know(proposal: Proposal, rule: Rule) -> None:
    """RFC 9420 allows them, a room refuses each by name."""
    with pytest.raises(Refused) as caught:
        judge(replace(room().change(), proposals=((proposal, 0),)), AT)

    assert caught.value.rule is rule


def test_unknown_and_foreign_proposals() -> None:
    """A type from the future, a proposal of somebody else, a committer from outside."""

    class Wave(SelfRemove):
        """A proposal that does not exist yet."""

    change = room().change()
    sent = CommittedProposal(Remove(3), Sender.member(0), b"reference")
    for other, rule in (
        (replace(change, proposals=((Remove(3), 0),), committed=(sent,)), Rule.PROPOSAL_BY_REFERENCE),
        (replace(change, proposals=((Wave(), 0),)), Rule.UNKNOWN_PROPOSAL),
        (replace(change, proposals=((Remove(3), 2),)), Rule.PROPOSAL_BY_REFERENCE),
        (replace(change, committer=None), Rule.EXTERNAL_COMMIT),
        (replace(change, committer=99), Rule.INVALID_COMMIT),
    ):
        with pytest.raises(Refused) as caught:
            judge(other, AT)
        assert caught.value.rule is rule


@pytest.mark.parametrize("how", ["update", "external"])
def test_other_ways_in(how: Literal["update", "external"]) -> None:
    """A leaf enters by Add or by its own path."""
    entering = EnteringLeaf(3, DEE.leaf(), how, None, None)

    with pytest.raises(Refused) as caught:
        judge(replace(room().change(), entering=(entering,)), AT)

    assert caught.value.rule is Rule.EXTERNAL_COMMIT


# --- leaves ---
@pytest.mark.parametrize(
    ("leaf", "rule"),
    [
        (EVE.leaf(not_before=NOW + 1), Rule.LEAF_EXPIRED),
        (EVE.leaf(not_before=NOW - 10 * DAY, not_after=NOW - 1), Rule.LEAF_EXPIRED),
        (EVE.leaf(use=LeafUse.ROOM), Rule.LEAF_USE),
        (replace(EVE.leaf(), extensions=()), Rule.BAD_LEAF),
        (replace(EVE.leaf(), signature_key=bytes(32)), Rule.BAD_LEAF),
        (replace(EVE.leaf(), credential=Credential.basic(b"https://eve.example/eve")), Rule.BAD_LEAF),
        (DEE.leaf(), Rule.DUPLICATE_DEVICE),
        (DEE.leaf(key=1), Rule.DUPLICATE_DEVICE),
    ],
)
def test_leaves_that_may_not_be_added(leaf: LeafNode, rule: Rule) -> None:
    """Each leaf proves whose it is, in time, once."""
    case = room()
    case.adds.append(leaf)

    assert refusal(case) is rule


@pytest.mark.parametrize(
    ("leaf", "rule"),
    [
        (DEE.leaf(key=1), Rule.LEAF_USE),
        (DEE.leaf(use=LeafUse.ROOM, key=1, room=bytes(32)), Rule.LEAF_USE),
        (DEE.leaf(use=LeafUse.ROOM), Rule.LEAF_KEY_REUSED),
        (EVE.leaf(use=LeafUse.ROOM, key=1), Rule.LEAF_CONTINUITY),
        (DEE.leaf(use=LeafUse.ROOM, device=1), Rule.LEAF_CONTINUITY),
    ],
)
def test_paths_that_may_not_be_taken(leaf: LeafNode, rule: Rule) -> None:
    """A path keeps person and device, names this room, and begins with a new key."""
    case = room(by=DEE)
    case.path = leaf

    assert refusal(case) is rule


def test_later_paths_may_keep_the_key() -> None:
    """Only a key package's key has to go."""
    case = room(by=DEE)
    case.leaves[3] = DEE.leaf(use=LeafUse.ROOM, key=1)
    case.path = DEE.leaf(use=LeafUse.ROOM, key=1, not_after=NOW + 85 * DAY)

    assert case.judge().is_quiet


def test_joiner_refuses_a_tree_with_a_double() -> None:
    """A Welcome's tree is checked whole: no device stands in it twice, no leaf without its proof."""
    case = room(ANA, DEE)
    change = case.change()
    double, _ = change.tree_before.add(DEE.leaf(key=1))
    unproven, _ = change.tree_before.add(replace(EVE.leaf(), extensions=()))

    assert read_room(change.extensions_before, change.tree_before).people.dids == (ANA.did, DEE.did)
    for tree, rule in ((double, Rule.DUPLICATE_DEVICE), (unproven, Rule.BAD_LEAF)):
        with pytest.raises(Refused) as caught:
            read_room(change.extensions_before, tree)
        assert caught.value.rule is rule


def test_ten_devices() -> None:
    """An eleventh device of a person stays outside."""
    case = room(ANA, DEE)
    case.leaves += [DEE.leaf(device=n) for n in range(1, 9)]
    case.adds.append(DEE.leaf(device=9))
    case.judge()

    case.adds.append(DEE.leaf(device=10))
    assert refusal(case) is Rule.TOO_MANY_DEVICES


def test_full_room() -> None:
    """The policy's number counts people, not leaves."""
    case = room()
    case.policy = replace(case.policy, limits=Limits(4))
    case.adds.append(DEE.leaf(device=1))
    case.judge()

    case.adds.append(EVE.leaf())
    assert refusal(case) is Rule.ROOM_FULL


def test_banned_people_stay_out() -> None:
    """Neither added while banned, nor banned while in."""
    case = room()
    case.policy = replace(case.policy, bans=(EVE.did,))
    case.adds.append(EVE.leaf())
    assert refusal(case) is Rule.BANNED

    case = room()
    case.after = replace(case.policy, bans=(DEE.did,))
    assert refusal(case) is Rule.BANNED


def test_revoked_device() -> None:
    """Anybody takes it out, with the record, raising the floor; afterwards its certificate is no use."""
    linked = next_record(DEE.record, DEE.identity, time=NOW, add=[(DEE.devices[1].public, NOW + DAY)])
    second = verify_chain([linked], DEE.record)
    assert isinstance(second, VerifiedRecord)
    lost = DEE.devices[1].device_id
    third = next_record(second, DEE.identity, time=NOW, revoke=[lost])
    case = room(ANA, EVE, by=EVE)
    case.leaves += [DEE.leaf(), DEE.leaf(device=1, record_seq=2)]
    case.removes.append(3)

    assert refusal(case) is Rule.REMOVE_RIGHT
    case.data = attach(third)
    assert refusal(case) is Rule.REMOVE_RIGHT  # the floor must rise with it
    case.after = replace(case.policy, floors=(Floor(DEE.did, 3),))
    assert case.judge().devices_removed == (Device(DEE.did, lost),)

    case = room(ANA, DEE, by=DEE)
    case.policy = replace(case.policy, floors=(Floor(DEE.did, 3),))
    case.path = DEE.leaf(use=LeafUse.ROOM, key=1)
    assert refusal(case) is Rule.BELOW_FLOOR
    case.path = DEE.leaf(use=LeafUse.ROOM, key=1, record_seq=3)
    case.judge()


def test_floors_do_not_rise_without_reason() -> None:
    """No record, one that revokes nothing, another's, too high, or downwards."""
    plain = next_record(DEE.record, DEE.identity, time=NOW)
    revoking = next_record(DEE.record, DEE.identity, time=NOW, revoke=[bytes(16)])
    raised = (Floor(DEE.did, 2),)
    case = room(by=BO)
    case.after = replace(case.policy, floors=raised)
    for data in (CommitData(NOW_MS), attach(plain), attach(EVE.record.signed)):
        case.data = data
        assert refusal(case) is Rule.FLOOR_WITHOUT_RECORD

    case.data = attach(revoking)
    case.judge()
    case.after = replace(case.policy, floors=(Floor(DEE.did, 3),))
    assert refusal(case) is Rule.FLOOR_WITHOUT_RECORD
    case.policy, case.after = replace(case.policy, floors=raised), case.policy
    assert refusal(case) is Rule.FLOOR_WITHOUT_RECORD


def test_other_extensions_stay() -> None:
    """A policy that goes, doubles, or comes with something else is refused."""
    change = room().change()
    required, policy = change.extensions_after
    unknown = Extension(ROOM_POLICY_EXTENSION, b"\2" + policy.extension_data[1:])
    cases: Sequence[tuple[tuple[Extension, ...], Rule]] = (
        ((required,), Rule.POLICY_MISSING),
        ((required, policy, policy), Rule.POLICY_MISSING),
        ((required, unknown), Rule.POLICY_VERSION),
        ((policy,), Rule.EXTENSIONS_CHANGED),
        ((required, policy, Extension(5, b"")), Rule.EXTENSIONS_CHANGED),
    )
    for extensions, rule in cases:
        with pytest.raises(Refused) as caught:
            judge(replace(change, extensions_after=extensions), AT)
        assert caught.value.rule is rule

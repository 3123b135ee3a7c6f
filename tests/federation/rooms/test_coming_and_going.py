"""People leave by themselves, and come back after a loss; nobody else comes in from outside."""

from dataclasses import replace

import pytest

from yurt.identity.leaf import LeafUse
from yurt.identity.signed_record import SignedRecord, VerifiedRecord, next_record, verify_chain
from yurt.mls.key_package import KeyPackage
from yurt.mls.leaf_node import LeafNode
from yurt.mls.proposals import Add, ExternalInit, Remove, SelfRemove
from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.judge import judge
from yurt.rooms.common.policy import Role
from yurt.rooms.common.policy_changes import without
from yurt.rooms.common.room_change import Device, RoleChange
from yurt.rooms.common.rules import Rule
from yurt.rooms.testing import ANA, AT, BO, CY, DAY, DEE, EVE, NOW, RoomBefore, attach, room


def refusal(case: RoomBefore) -> Rule:
    """Judge a commit that must be refused, and say by which rule."""
    with pytest.raises(Refused) as caught:
        case.judge()
    return caught.value.rule


# --- leaving ---
def test_leaving() -> None:
    """A plain member commits what the owner asked for; the timeline says that ana left, and who acts now."""
    case = room(by=DEE)
    case.leaving = [0]
    case.after = without(case.policy, (ANA.did,))

    change = case.judge()

    assert (change.left, change.removed, change.owner) == ((ANA.did,), (), BO.did)
    assert change.roles == (RoleChange(ANA.did, Role.OWNER, Role.MEMBER),)


def test_leaving_takes_the_role_along() -> None:
    """A commit that keeps it is refused; so is one that takes another's as well."""
    case = room(by=DEE)
    case.leaving = [2]
    assert refusal(case) is Rule.ROLE_OF_NOBODY

    case.after = without(case.policy, (CY.did, BO.did))
    assert refusal(case) is Rule.ROLE_RIGHT


def test_one_device_of_several() -> None:
    """A device that leaves alone is no person that left."""
    case = room(ANA, DEE, by=ANA)
    case.leaves.append(DEE.leaf(device=1))
    case.leaving = [2]

    change = case.judge()

    assert (change.left, change.devices_removed) == ((), (Device(DEE.did, DEE.devices[1].device_id),))


def test_self_remove_is_its_authors() -> None:
    """Nobody's, or the committer's own, is refused."""
    change = room().change()
    for author in (None, 0):
        with pytest.raises(Refused) as caught:
            judge(replace(change, proposals=((SelfRemove(), author),)), AT)
        assert caught.value.rule is Rule.SELF_REMOVE


# --- coming back ---
def back(leaf: LeafNode | None = None, *removes: int) -> RoomBefore:
    """Dee comes back from outside."""
    case = room()
    case.resync = leaf or DEE.leaf(use=LeafUse.ROOM, key=1)
    case.removes = list(removes)
    return case


def test_device_comes_back() -> None:
    """The same device with a new key: one line, nobody joined, nobody went."""
    device = Device(DEE.did, DEE.devices[0].device_id)

    change = back(None, 3).judge()

    assert (change.resynced, change.by, change.device_id) == (device, DEE.did, device.device_id)
    assert (change.joined, change.removed, change.devices_added, change.devices_removed) == ((), (), (), ())


def test_new_device_after_a_recovery() -> None:
    """The phrase made a new device; it comes in beside the lost one."""
    change = back(DEE.leaf(use=LeafUse.ROOM, device=1)).judge()

    assert change.devices_added == (Device(DEE.did, DEE.devices[1].device_id),)


@pytest.mark.parametrize(
    ("leaf", "removes", "rule"),
    [
        (EVE.leaf(use=LeafUse.ROOM), (), Rule.RESYNC_STRANGER),
        (EVE.leaf(use=LeafUse.ROOM), (3,), Rule.RESYNC_STRANGER),
        (DEE.leaf(key=1), (3,), Rule.LEAF_USE),
        (DEE.leaf(use=LeafUse.ROOM, key=1, room=bytes(32)), (3,), Rule.LEAF_USE),
        (DEE.leaf(use=LeafUse.ROOM), (3,), Rule.LEAF_KEY_REUSED),
        (DEE.leaf(use=LeafUse.ROOM, key=1), (2,), Rule.DUPLICATE_DEVICE),
        (DEE.leaf(use=LeafUse.ROOM, key=1), (), Rule.DUPLICATE_DEVICE),
        (DEE.leaf(use=LeafUse.ROOM, device=1), (2,), Rule.RESYNC_REMOVE),
        (DEE.leaf(use=LeafUse.ROOM, device=1), (3,), Rule.RESYNC_REMOVE),
        (DEE.leaf(use=LeafUse.ROOM, key=1, not_after=NOW - 1), (3,), Rule.LEAF_EXPIRED),
        (DEE.leaf(use=LeafUse.ROOM, key=1, actor="https://a.example/dee"), (3,), Rule.ACTOR_WITHOUT_RECORD),
        (replace(DEE.leaf(use=LeafUse.ROOM, key=1), extensions=()), (3,), Rule.BAD_LEAF),
    ],
)
def test_who_does_not_come_back(leaf: LeafNode, removes: tuple[int, ...], rule: Rule) -> None:
    """Strangers, leaves for elsewhere, old keys, and whoever takes somebody else's place."""
    assert refusal(back(leaf, *removes)) is rule


def after(record: VerifiedRecord, signed: SignedRecord) -> VerifiedRecord:
    """Verify the next record."""
    known = verify_chain([signed], record)
    assert isinstance(known, VerifiedRecord)
    return known


LINKED = after(
    DEE.record, next_record(DEE.record, DEE.identity, time=NOW, add=[(DEE.devices[1].public, NOW + DAY)])
)
REVOKED = next_record(LINKED, DEE.identity, time=NOW, revoke=[DEE.devices[0].device_id])


def test_revoked_device_is_replaced() -> None:
    """The record that revokes it is carried, and binds the newcomer: only what it lists comes in."""
    case = back(DEE.leaf(use=LeafUse.ROOM, device=1, record_seq=3), 3)
    assert refusal(case) is Rule.RESYNC_REMOVE
    case.data = attach(REVOKED)

    change = case.judge()

    assert change.devices_added == (Device(DEE.did, DEE.devices[1].device_id),)
    assert change.devices_removed == (Device(DEE.did, DEE.devices[0].device_id),)
    old = back(DEE.leaf(use=LeafUse.ROOM, device=1, record_seq=2), 3)
    old.data = attach(REVOKED)
    assert refusal(old) is Rule.BELOW_FLOOR


def test_revoked_device_does_not_come_back_with_its_own_record() -> None:
    """Carrying the record that revokes it, whatever its certificate claims."""
    case = back(DEE.leaf(use=LeafUse.ROOM, key=1, record_seq=9), 3)
    case.data = attach(REVOKED)

    assert refusal(case) is Rule.BELOW_FLOOR


def test_external_commit_carries_nothing_else() -> None:
    """No Add, no second Remove, no SelfRemove, no missing or doubled ExternalInit."""
    change = back(None, 3).change()
    init = (ExternalInit(b""), None)
    for proposals in (
        (),
        ((Remove(3), None),),
        (init, init),
        (init, (Remove(3), None), (Remove(2), None)),
        (init, (SelfRemove(), 2)),
        (init, (Add(KeyPackage(1, 1, b"", EVE.leaf())), None)),
    ):
        with pytest.raises(Refused) as caught:
            judge(replace(change, proposals=proposals), AT)
        assert caught.value.rule is Rule.EXTERNAL_COMMIT


def test_no_link_opens_the_door_from_outside() -> None:
    """A join proof is for a member who adds."""
    case = back(EVE.leaf(use=LeafUse.ROOM))
    case.data = CommitData(case.data.made_at, join_proofs=(b"proof",))

    assert refusal(case) is Rule.JOIN_PROOF

"""A revoked device leaves every room by anybody's hand, and its certificate opens none again."""

from dataclasses import replace

import pytest

from yurt.identity.signed_record import SignedRecord, VerifiedRecord, next_record, verify_chain
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.participants import Standing
from yurt.rooms.common.policy import Floor
from yurt.rooms.common.revocation import floor_of, revocation_of
from yurt.rooms.common.room import read_people
from yurt.rooms.common.room_change import Device
from yurt.rooms.common.rules import Rule
from yurt.rooms.testing import ANA, BO, DAY, DEE, EVE, NOW, RoomBefore, attach, room


def after(record: VerifiedRecord, signed: SignedRecord) -> VerifiedRecord:
    """Verify the next record."""
    known = verify_chain([signed], record)
    assert isinstance(known, VerifiedRecord)
    return known


LINKED = after(
    DEE.record,
    next_record(DEE.record, DEE.identity, time=NOW, add=[(DEE.devices[1].public, NOW + DAY)]),
)
REVOKED = after(LINKED, next_record(LINKED, DEE.identity, time=NOW, revoke=[DEE.devices[1].device_id]))
LATER = after(REVOKED, next_record(REVOKED, DEE.identity, time=NOW, add=[(DEE.devices[2].public, NOW + DAY)]))


def before() -> RoomBefore:
    """Ana, bo, and dee with two devices; eve, a plain member, commits."""
    case = room(ANA, BO, EVE, by=EVE)
    case.leaves += [DEE.leaf(), DEE.leaf(device=1, record_seq=2)]
    return case


def standing(case: RoomBefore) -> Standing:
    """Say who is in the room."""
    return Standing(case.policy, read_people(case.change().tree_before))


def test_one_commit_does_all() -> None:
    """A plain member takes the device out with exactly what the rule asks for, and the judge agrees."""
    case = before()
    wanted = revocation_of(standing(case), REVOKED.record)
    assert wanted is not None

    case.removes, case.after, case.data = list(wanted.leaves), wanted.policy, attach(REVOKED.signed)
    change = case.judge()

    assert change.devices_removed == (Device(DEE.did, DEE.devices[1].device_id),)
    assert change.by == EVE.did
    assert wanted.policy.floor(DEE.did) == 3


def test_nothing_left_to_do() -> None:
    """A record that revokes nothing, of somebody else, or that the room has followed."""
    case = before()
    done = replace(case, leaves=case.leaves[:4], policy=replace(case.policy, floors=(Floor(DEE.did, 3),)))

    assert revocation_of(standing(case), LINKED.record) is None
    assert revocation_of(standing(room(ANA, BO)), REVOKED.record) is None
    assert revocation_of(standing(done), REVOKED.record) is None
    assert revocation_of(standing(done), LATER.record) is None


def test_later_record_raises_no_higher() -> None:
    """A device that was linked after the revocation lifts no floor over those that were there."""
    assert floor_of(REVOKED.record) == floor_of(LATER.record) == 3
    case = before()
    wanted = revocation_of(standing(case), LATER.record)
    assert wanted is not None

    case.removes, case.after, case.data = list(wanted.leaves), wanted.policy, attach(LATER.signed)
    case.judge()


@pytest.mark.parametrize("signed", [LINKED.signed, EVE.record.signed])
def test_another_record_is_no_reason(signed: SignedRecord) -> None:
    """Not one from before, not another person's."""
    case = before()
    wanted = revocation_of(standing(case), REVOKED.record)
    assert wanted is not None
    case.removes, case.after, case.data = list(wanted.leaves), wanted.policy, attach(signed)

    with pytest.raises(Refused) as caught:
        case.judge()

    assert caught.value.rule is Rule.REMOVE_RIGHT

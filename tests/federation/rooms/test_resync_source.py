"""A device comes back only from a group that somebody it knows has signed."""

from dataclasses import replace

import pytest

from yurt.mls.cipher_suite import X25519_AES128GCM_SHA256_ED25519 as SUITE
from yurt.mls.group_context import GroupContext
from yurt.mls.public_group import PublicGroup
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.room import room_extensions
from yurt.rooms.common.rules import Rule
from yurt.rooms.member.resync import KnownRoom, ResyncRefused, judge_group_info
from yurt.rooms.testing import ANA, BO, DEE, EVE, ROOM_ID, room

KNOWN = KnownRoom(ROOM_ID, term=1, epoch=4, dids=frozenset({ANA.did, DEE.did}))


def served(epoch: int = 9, room_id: bytes = ROOM_ID) -> PublicGroup:
    """Give what the hub serves: ana (leaf 0), bo and dee, verified by MLS."""
    case = room(ANA, BO, DEE)
    tree = case.change().tree_before
    context = GroupContext(
        SUITE.value, room_id, epoch, tree.tree_hash(), bytes(32), room_extensions(case.policy)
    )
    return PublicGroup.found(context, tree, bytes(32))


def test_known_signer_is_believed() -> None:
    """Ana was in the room when dee last saw it."""
    assert judge_group_info(served(), 0, KNOWN, DEE.did) == ANA.did


@pytest.mark.parametrize("signer", [1, 7])
def test_request_waits_for_somebody_known(signer: int) -> None:
    """Bo joined meanwhile, or a hub made him up; nobody is at leaf 7."""
    assert judge_group_info(served(), signer, KNOWN, DEE.did) is None


def test_never_back_in_time_or_elsewhere() -> None:
    """Another room, an older epoch or term, or a room without me."""
    newer_term = replace(KNOWN, term=2)
    for public, known, me, code in (
        (served(room_id=bytes(32)), KNOWN, DEE.did, "otherRoom"),
        (served(epoch=3), KNOWN, DEE.did, "olderRoom"),
        (served(), newer_term, DEE.did, "olderRoom"),
        (served(), KNOWN, EVE.did, "notInRoom"),
    ):
        with pytest.raises(ResyncRefused) as caught:
            judge_group_info(public, 0, known, me)
        assert caught.value.code == code


def test_group_that_is_no_room() -> None:
    """An MLS group without our policy is none."""
    public = served()
    plain = replace(public, context=replace(public.context, extensions=()))

    with pytest.raises(Refused) as caught:
        judge_group_info(plain, 0, KNOWN, DEE.did)

    assert caught.value.rule is Rule.REQUIRED_CAPABILITIES

"""A new room at its hub: the GroupInfo of epoch 0, with the tree, from its creator (TRUST 2, 3)."""

from yurt.identity.errors import LeafError
from yurt.identity.leaf import LeafUse
from yurt.mls.errors import RemoteMlsError
from yurt.mls.public_group import PublicGroup
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.participants import Standing
from yurt.rooms.common.policy import FIRST_TERM, RoomPolicy
from yurt.rooms.common.room import check_suite
from yurt.rooms.common.rules import Rule
from yurt.rooms.hub.state import HubState, standing_of
from yurt.wire.position import START
from yurt.wire.registry import ROOM_ID_SIZE


def open_room(group_info: bytes, *, hub: str, did: str, now_ms: int) -> HubState:
    """Become the hub of a new room.

    Args:
        group_info: MLSMessage with the GroupInfo of epoch 0, its tree inside.
        hub: This node's name.
        did: The creator, of whom the node is sure.
        now_ms: Milliseconds since 1970.

    Raises:
        Refused: ``invalidCommit`` (MLS refuses the GroupInfo), ``wrongSuite``, ``roomNotNew``, ``wrongHub``,
            ``notYours``, ``leafUse``, ``leafExpired``, or that the group is no room.
    """
    try:
        public = PublicGroup.from_group_info(group_info, None, now_ms=now_ms)
    except RemoteMlsError as error:
        raise Refused(Rule.INVALID_COMMIT, f"the GroupInfo is invalid: {error}", detail=error.rule) from None
    check_suite(public.context.cipher_suite)
    standing = standing_of(public)
    _check_creator(standing, did, now_ms)
    room_id = public.context.group_id
    if public.context.epoch != 0 or len(room_id) != ROOM_ID_SIZE:
        raise Refused(Rule.ROOM_NOT_NEW, "a new room is in epoch 0 and has an id of 32 random bytes")
    if standing.policy.hub != hub:
        raise Refused(Rule.WRONG_HUB, f"the room's policy names another hub than {hub}")
    # TRUST 3: the first policy differs from this one in its settings at most.
    first = RoomPolicy.first(hub, room_id, standing.people.dids[0])
    if _beginning(standing.policy) != _beginning(first):
        raise Refused(Rule.ROOM_NOT_NEW, "a new room begins with its creator as the owner and nothing else")
    return HubState(
        room_id=room_id,
        term=FIRST_TERM,
        head=START,
        chain=room_id,
        accepted_at=0,
        public=public,
        ended=(),
        removal_epoch=0,
        standing=standing,
    )


def _check_creator(standing: Standing, did: str, now_ms: int) -> None:
    members = standing.people.members
    if len(members) != 1:
        raise Refused(Rule.ROOM_NOT_NEW, "a new room has one leaf, its creator's")
    leaf = members[0].leaf
    if leaf.did != did:
        raise Refused(Rule.NOT_YOURS, "the room's first leaf is another person's")
    if leaf.use is not LeafUse.JOINING:
        raise Refused(Rule.LEAF_USE, "the creator's leaf at epoch 0 is a joining leaf")
    try:
        leaf.check_time(now_ms // 1000)
    except LeafError as error:
        raise Refused(Rule.LEAF_EXPIRED, str(error), detail=error.rule) from None


def _beginning(policy: RoomPolicy) -> tuple[object, ...]:
    return (
        policy.term,
        policy.base,
        policy.fallbacks,
        policy.roles,
        policy.bans,
        policy.floors,
        policy.invites,
    )

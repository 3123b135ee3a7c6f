"""The judge's rules about leaves: which may enter, which may go, and who may say so (TRUST 2, 3)."""

from typing import Final

from yurt.identity.errors import LeafError, RemoteIdentityError
from yurt.identity.leaf import LeafUse, VerifiedLeaf
from yurt.mls.change import EnteringLeaf
from yurt.mls.leaf_node import LeafNode
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.judge_resync import check_actor, check_resync
from yurt.rooms.common.judged import Case
from yurt.rooms.common.participants import Member, verified_leaf
from yurt.rooms.common.revocation import floor_of
from yurt.rooms.common.rules import Rule
from yurt.wire.registry import MAX_DEVICES

EXPIRED_FOR_ALL_S: Final = 30 * 86_400
"""This long after its end anybody may remove a leaf."""


def check_entering(case: Case) -> None:
    """Judge each leaf that the commit brings in.

    Raises:
        Refused: ``badLeaf``, ``leafExpired``, ``belowFloor``, ``actorTaken``, or a rule of its way in.
    """
    for entering in case.change.entering:
        leaf = _verified(entering.leaf)
        try:
            leaf.check_time(case.at.accepted_at_s)
        except LeafError as error:
            raise Refused(Rule.LEAF_EXPIRED, str(error), detail=error.rule) from None
        _check_floor(case, leaf)
        _check_address(case, leaf)
        match entering.how:
            case "add":
                _check_add(case, leaf)
            case "path":
                _check_path(case, entering, leaf)
            case "external" if case.is_resync:
                check_resync(case, entering, leaf)
            case "update" | "external":  # the proposals were refused before
                raise Refused(Rule.EXTERNAL_COMMIT, "a leaf enters by Add or by the committer's path")


def check_people(case: Case) -> None:
    """Judge the room as it would be: ten devices a person, its size, nobody banned.

    That a device has one leaf was seen when its people were read (`room.read_people`).

    Raises:
        Refused: ``tooManyDevices``, ``roomFull`` or ``banned``.
    """
    after = case.after
    if any(len(after.people.of(did)) > MAX_DEVICES for did in after.people.dids):
        raise Refused(Rule.TOO_MANY_DEVICES, f"a person has at most {MAX_DEVICES} devices in a room")
    grows = len(after.people) > len(case.before.people)
    if grows and len(after.people) > after.policy.limits.participants:
        raise Refused(Rule.ROOM_FULL, f"the room takes at most {after.policy.limits.participants} people")
    if any(did in after.people for did in after.policy.bans):
        raise Refused(Rule.BANNED, "somebody banned would be in the room")


def check_removed(case: Case) -> None:
    """Judge each leaf that the commit takes out.

    Raises:
        Refused: ``removeRight``.
    """
    gone = {index for index, _ in case.change.removed} - case.left
    for member in case.before.people.members:
        if member.index in gone and not _may_remove(case, member):
            raise Refused(Rule.REMOVE_RIGHT, "only somebody of a lower role may be removed")


def _verified(leaf: LeafNode) -> VerifiedLeaf:
    try:
        return verified_leaf(leaf)
    except RemoteIdentityError as error:
        raise Refused(Rule.BAD_LEAF, f"a leaf that enters: {error}", detail=error.rule) from None


def _check_floor(case: Case, leaf: VerifiedLeaf) -> None:
    """A revocation binds from the policy, and from a record that the commit itself carries."""
    floor, carried = case.after.policy.floor(leaf.did), case.records.get(leaf.did)
    revokes = carried is not None and carried.record.revoked
    if carried is not None and revokes:
        floor = max(floor, floor_of(carried.record))
    if leaf.record_seq < floor or (carried is not None and leaf.device_id in carried.record.revoked):
        raise Refused(Rule.BELOW_FLOOR, "the device's certificate is from before a revocation")


def _check_address(case: Case, leaf: VerifiedLeaf) -> None:
    """Two people have no actor in common, or one would be shown under the other's address.

    A record is signed by its own person only, so it proves nothing about who lives at an actor.
    """
    actor = leaf.actor.lower()
    if any(m.did != leaf.did and m.leaf.actor.lower() == actor for m in case.after.people.members):
        raise Refused(Rule.ACTOR_TAKEN, "somebody else in the room is at this actor")


def _check_add(case: Case, leaf: VerifiedLeaf) -> None:
    # TRUST 2: a key package is for any room; its device makes a leaf for this one before it speaks.
    if leaf.use is not LeafUse.JOINING:
        raise Refused(Rule.LEAF_USE, "a leaf from a key package is a joining leaf")
    may_anyway = leaf.did == case.by.did or leaf.key in case.joins.proven
    if not may_anyway and case.role < case.before.policy.limits.may_invite:
        raise Refused(Rule.INVITE_RIGHT, "the room's policy does not let the committer add people")


def _check_path(case: Case, entering: EnteringLeaf, leaf: VerifiedLeaf) -> None:
    """The committer renews its own leaf: still the same person and device, now for this room."""
    if leaf.use is not LeafUse.ROOM or leaf.group_id != case.change.group_id:
        raise Refused(Rule.LEAF_USE, "a leaf in a path is made for this room")
    old = case.by.leaf
    if leaf.key != old.key:
        raise Refused(Rule.LEAF_CONTINUITY, "a path may not hand a leaf to another person or device")
    # TRUST 2: each room has signature keys of its own; a key package's key ends with the first path.
    replaced = entering.replaces or case.change.committer_leaf
    if old.use is LeafUse.JOINING and entering.leaf.signature_key == replaced.signature_key:
        raise Refused(Rule.LEAF_KEY_REUSED, "the first path of a device brings a new signature key")
    check_actor(case, leaf, (old.actor,))


def _may_remove(case: Case, target: Member) -> bool:
    return (
        target.did == case.by.did
        or case.role > case.before.role(target.did)
        or case.at.accepted_at_s > target.leaf.not_after + EXPIRED_FOR_ALL_S
        or _revoked(case, target)
    )


def _revoked(case: Case, target: Member) -> bool:
    """A revoked device goes by anybody's hand: record attached, floor above its certificate (TRUST 3)."""
    record = case.records.get(target.did)
    return (
        record is not None
        and target.leaf.device_id in record.record.revoked
        and case.after.policy.floor(target.did) > target.leaf.record_seq
    )

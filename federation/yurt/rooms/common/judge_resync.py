"""The judge's rules for coming back from outside: a resync, and nothing else, enters a room so (TRUST 7).

An external commit is ExternalInit and at most one Remove. The new leaf is for this room, of somebody who
participates; what it removes is the same person's, the same device or one that an attached record revokes.
Such a commit cannot change the policy, so the record binds it directly, and the device's next commit raises
the floor. How often is the hub's to limit (`yurt.rooms.hub.state`).
"""

from collections.abc import Collection

from yurt.identity.leaf import LeafUse, VerifiedLeaf
from yurt.mls.change import CommitChange, EnteringLeaf
from yurt.mls.proposals import ExternalInit, Remove
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.judged import Case
from yurt.rooms.common.rules import Rule


def check_resync_proposals(change: CommitChange) -> None:
    """Check what an external commit carries.

    Raises:
        Refused: ``externalCommit``.
    """
    kinds = {type(proposal) for proposal, _ in change.proposals}
    each_once = len(kinds) == len(change.proposals)
    if not each_once or not {ExternalInit} <= kinds <= {ExternalInit, Remove}:
        raise Refused(Rule.EXTERNAL_COMMIT, "an external commit is ExternalInit and at most one Remove")


def resynced_index(change: CommitChange) -> int | None:
    """Give the leaf of somebody who committed itself in."""
    return next((entering.index for entering in change.entering if entering.how == "external"), None)


def check_resync(case: Case, entering: EnteringLeaf, leaf: VerifiedLeaf) -> None:
    """Judge the leaf that an external commit brings, and the one that it removes.

    Raises:
        Refused: ``resyncStranger``, ``leafUse``, ``resyncRemove``, ``leafKeyReused`` or
            ``actorWithoutRecord``.
    """
    if leaf.did not in case.before.people:
        raise Refused(Rule.RESYNC_STRANGER, "only somebody who is in the room comes back into it")
    if leaf.use is not LeafUse.ROOM or leaf.group_id != case.change.group_id:
        raise Refused(Rule.LEAF_USE, "who comes back brings a leaf for this room")
    removed = {index for index, _ in case.change.removed}
    for member in case.before.people.members:
        if member.index in removed and not _may_replace(case, leaf, member.leaf):
            raise Refused(
                Rule.RESYNC_REMOVE, "who comes back removes the own old leaf, or the own revoked device's"
            )
    replaced = entering.replaces
    if replaced is not None and replaced.signature_key == entering.leaf.signature_key:
        raise Refused(Rule.LEAF_KEY_REUSED, "who comes back brings a new signature key")
    check_actor(case, leaf, case.before.people.actors(leaf.did))


def check_actor(case: Case, leaf: VerifiedLeaf, known: Collection[str]) -> None:
    """Check that a leaf is at an actor that the room knows, or that an attached record names.

    Raises:
        Refused: ``actorWithoutRecord``.
    """
    record = case.records.get(leaf.did)
    if leaf.actor not in known and (record is None or record.record.actor != leaf.actor):
        raise Refused(Rule.ACTOR_WITHOUT_RECORD, "a new actor needs the person record that names it")


def _may_replace(case: Case, leaf: VerifiedLeaf, old: VerifiedLeaf) -> bool:
    if old.did != leaf.did:
        return False
    record = case.records.get(leaf.did)
    revoked = record is not None and old.device_id in record.record.revoked
    return old.device_id == leaf.device_id or revoked

"""Whether a commit is valid: the same answer at the hub, at every member node and in every client (TRUST 3).

A pure function of the public group before and after, the commit's authenticated data and the entry's
place in the log. Pins, blocks, newer records and the own clock are local trust: they may stop my sending,
never make me refuse a commit that others took. MLS itself (signatures, tree, RFC 9420 12.2 and 12.4) has
been checked before, by whoever staged the commit.

    change = public_group.stage(entry).change
    happened = judge(change, Judged(term, seq, accepted_at))    # RoomChange, or Refused

The rules are one table, docs/room-rules.md; their codes are `yurt.rooms.common.rules.Rule`.
"""

from typing import Final

from yurt.identity.did import Did
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.signed_record import SignedRecord, VerifiedRecord, verify_record
from yurt.mls.change import CommitChange
from yurt.mls.proposals import (
    Add,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    ReInit,
    Remove,
    SelfRemove,
    Update,
)
from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.judge_leaves import check_entering, check_people, check_removed
from yurt.rooms.common.judge_links import read_joins
from yurt.rooms.common.judge_policy import check_extensions, check_policy
from yurt.rooms.common.judge_resync import check_resync_proposals, resynced_index
from yurt.rooms.common.judged import Case, Judged
from yurt.rooms.common.participants import Member, Standing
from yurt.rooms.common.room import read_people, read_policy
from yurt.rooms.common.room_change import RoomChange, describe
from yurt.rooms.common.rules import Rule
from yurt.wire.registry import CLOCK_SKEW_MS

_REFUSED: Final[dict[type, tuple[Rule, str]]] = {
    Update: (Rule.UPDATE_PROPOSAL, "a device changes its leaf by a path, not by an Update proposal"),
    PreSharedKey: (Rule.PSK_PROPOSAL, "pre-shared keys are not used in rooms"),
    ReInit: (Rule.RE_INIT_PROPOSAL, "a room is never closed and begun anew by a ReInit"),
    ExternalInit: (Rule.EXTERNAL_INIT_PROPOSAL, "a member is inside already"),
}
"""Proposals that RFC 9420 allows and a room does not, each by name (TRUST 3)."""
_BY_VALUE: Final = frozenset({Add, Remove, GroupContextExtensions})


def judge(change: CommitChange, at: Judged) -> RoomChange:
    """Decide whether a staged commit is valid in a room.

    Args:
        change: What the commit does, from the staged commit of a PublicGroup or a Group.
        at: Where it stands in the log.

    Returns:
        What happened, for the timeline.

    Raises:
        Refused: The first rule that says no.
    """
    data = CommitData.decode(change.authenticated_data)
    if abs(at.accepted_at - data.made_at) > CLOCK_SKEW_MS:
        raise Refused(Rule.CLOCK_SKEW, "the commit is over ten minutes from the hub's time: check the clock")
    _check_proposals(change)
    check_extensions(change)
    case = _case(change, at, data)
    check_entering(case)
    check_people(case)
    check_removed(case)
    check_policy(case)
    return describe(case)


def _check_proposals(change: CommitChange) -> None:
    if any(c.reference is not None and type(c.proposal) is not SelfRemove for c in change.committed):
        raise Refused(Rule.PROPOSAL_BY_REFERENCE, "only a SelfRemove is committed by reference")
    if change.committer is None:
        check_resync_proposals(change)
        return
    for proposal, author in change.proposals:
        kind = type(proposal)
        if kind is SelfRemove:
            # MLS: by reference only, so its author sent it; the committer cannot remove itself.
            if author is None or author == change.committer:
                raise Refused(Rule.SELF_REMOVE, "a SelfRemove is another member's, sent on its own before")
        elif kind in _BY_VALUE:
            if author != change.committer:
                raise Refused(Rule.PROPOSAL_BY_REFERENCE, "a proposal is not the committer's own")
        else:
            rule, message = _REFUSED.get(kind, (Rule.UNKNOWN_PROPOSAL, "an unknown proposal"))
            raise Refused(rule, message)


def _case(change: CommitChange, at: Judged, data: CommitData) -> Case:
    """Gather what the rules look at."""
    before = Standing(read_policy(change.extensions_before), read_people(change.tree_before))
    after = Standing(read_policy(change.extensions_after), read_people(change.tree_after))
    joins = read_joins(change, at, data, before)
    return Case(change, at, _records(data), before, after, _committer(change, before, after), joins)


def _committer(change: CommitChange, before: Standing, after: Standing) -> Member:
    people, index = (before.people, change.committer)
    if index is None:
        people, index = after.people, resynced_index(change)
    found = next((m for m in people.members if m.index == index), None)
    if found is None:
        raise Refused(Rule.INVALID_COMMIT, "the committer has no leaf")
    return found


def _records(data: CommitData) -> dict[Did, VerifiedRecord]:
    records: dict[Did, VerifiedRecord] = {}
    for wire in data.records:
        try:
            record = verify_record(SignedRecord.decode(wire))
        except RemoteIdentityError as error:
            raise Refused(Rule.BAD_RECORD, f"a record in the commit: {error}", detail=error.rule) from None
        if record.did in records:
            raise Refused(Rule.BAD_RECORD, "the commit carries two records of one person")
        records[record.did] = record
    return records

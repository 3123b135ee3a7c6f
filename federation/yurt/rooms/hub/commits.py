"""A commit at a hub or a member node: staged on the public group, judged, and what follows from it."""

from dataclasses import dataclass

from yurt.identity.did import Did
from yurt.mls.change import CommitChange
from yurt.mls.errors import RemoteMlsError
from yurt.mls.policy import judged_by_caller
from yurt.mls.public_group import PublicGroup
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.judge import judge
from yurt.rooms.common.judge_resync import resynced_index
from yurt.rooms.common.judged import Judged
from yurt.rooms.common.leaving import Leaving, judge_proposal
from yurt.rooms.common.participants import Participants, Standing
from yurt.rooms.common.room_change import RoomChange
from yurt.rooms.common.rules import Rule
from yurt.rooms.hub.effects import DeliverWelcome, DeviceRemoved, Effect, NodeJoined, NodeLeft


@dataclass(frozen=True, slots=True)
class JudgedCommit:
    """A commit that may stand in the log."""

    public: PublicGroup
    """The group after it."""
    mls: CommitChange
    """What it did to the MLS group."""
    change: RoomChange
    """What it did to the room."""

    @property
    def removes(self) -> bool:
        """Whether a leaf went; messages from before are then refused."""
        return bool(self.mls.removed)

    @property
    def committer_index(self) -> int | None:
        """The committer's leaf after it; also of somebody who came back from outside."""
        index = self.mls.committer
        return resynced_index(self.mls) if index is None else index

    @property
    def by(self) -> Did:
        """Who committed."""
        return self.change.by


def judge_commit(public: PublicGroup, entry: bytes, at: Judged) -> JudgedCommit:
    """Stage and judge a commit.

    Args:
        public: The group before it.
        entry: The MLSMessage.
        at: Its place in the log.

    Raises:
        Refused: ``invalidCommit`` with MLS's own rule as the detail, or a rule of the judge.
    """
    try:
        staged = public.stage(entry, at_ms=at.accepted_at, policy=judged_by_caller)
        change = judge(staged.change, at)
        return JudgedCommit(staged.apply(), staged.change, change)
    except RemoteMlsError as error:
        raise Refused(Rule.INVALID_COMMIT, f"the commit is not valid: {error}", detail=error.rule) from None


def judge_entry(public: PublicGroup, entry: bytes, at: Judged) -> tuple[PublicGroup, Leaving]:
    """Stage and judge a proposal that travels on its own.

    Returns:
        The same epoch, in which a commit may name the proposal, and what it asks for.

    Raises:
        Refused: ``invalidProposal`` with MLS's own rule as the detail, or ``selfRemove``.
    """
    try:
        pending = public.stage_proposal(entry, at_ms=at.accepted_at)
        leaving = judge_proposal(pending, public.tree)
        if public.proposals.find(pending.reference) is not None:
            raise Refused(Rule.INVALID_PROPOSAL, "the proposal waits for its commit already")
        return public.with_proposal(pending), leaving
    except RemoteMlsError as error:
        raise Refused(
            Rule.INVALID_PROPOSAL, f"the proposal is not valid: {error}", detail=error.rule
        ) from None


def effects_of(change: RoomChange, before: Standing, after: Standing) -> tuple[Effect, ...]:
    """Say who must hear of a commit beside the room's copies."""
    then, now = before.people, after.people
    # Who came back from outside is in already, and has no Welcome.
    welcomed = () if change.resynced else change.devices_added
    return (
        *(_welcome(now, device.did, device.device_id) for device in welcomed),
        *(DeviceRemoved(device.did, device.device_id) for device in change.devices_removed),
        *(NodeJoined(node) for node in sorted(now.nodes - then.nodes)),
        *(NodeLeft(node) for node in sorted(then.nodes - now.nodes)),
    )


def _welcome(people: Participants, did: Did, device_id: bytes) -> DeliverWelcome:
    actor = next(m.leaf.actor for m in people.of(did) if m.leaf.device_id == device_id)
    return DeliverWelcome(did, device_id, actor)

"""At the hub: who leaves and who comes back has a place in the log, a limit, and a proof for others."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from yurt.mls.external_join import ExternalJoin
from yurt.mls.framing import MLSMessage
from yurt.mls.group_info import GroupInfo
from yurt.mls.group_store import MemoryGroupStore
from yurt.mls.proposals import Remove, SelfRemove
from yurt.mls.receiving import ReceivedCommit
from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.errors import Refused, WrongEpoch
from yurt.rooms.common.log_copy import Duplicate
from yurt.rooms.common.policy import Role
from yurt.rooms.common.policy_changes import without
from yurt.rooms.common.room import room_extensions
from yurt.rooms.common.rules import Rule
from yurt.rooms.hub.effects import Accepted, DeliverWelcome, DeviceRemoved
from yurt.rooms.hub.follow import Followed, follow_row
from yurt.rooms.hub.order import Submission, accept
from yurt.rooms.hub.snapshot import decode_snapshot, encode_snapshot, prove_snapshot
from yurt.rooms.hub.state import MAX_RESYNCS, RESYNC_WINDOW_MS
from yurt.rooms.rehearsal import Device, Town
from yurt.rooms.testing import ANA, BO, DEE, EVE, policy_of
from yurt.wire.registry import EntryKind

ANAS, BOS, DEES = Device(ANA), Device(BO), Device(DEE)


@pytest.fixture
def town() -> Town:
    """Ana is the owner, bo an admin, dee a member."""
    return Town.found(policy_of(ana=Role.OWNER, bo=Role.ADMIN), ANAS, BOS, DEES)


def offer(town: Town, by: Device, kind: int, entry: bytes, info: bytes = b"") -> Accepted:
    """Offer an entry to the hub and keep its new state."""
    town.hub, accepted = accept(town.hub, Submission(by.person.did, kind, entry, info), town.now_ms)
    return accepted


def refusal(town: Town, by: Device, kind: int, entry: bytes, info: bytes = b"") -> Refused:
    """Offer what must be refused, and see that nothing has changed."""
    before = town.hub
    with pytest.raises(Refused) as caught:
        offer(town, by, kind, entry, info)
    assert town.hub == before
    return caught.value


# --- leaving ---
def test_leaving_waits_for_a_commit(town: Town) -> None:
    """The row stands in the log, a snapshot carries what waits, and a member node follows both steps."""
    before = town.hub
    leave = offer(town, BOS, EntryKind.PROPOSAL, town.group(BOS).propose(SelfRemove()))
    copy = decode_snapshot(encode_snapshot(town.hub))
    assert (copy, leave.change, leave.effects) == (town.hub, None, ())

    group = town.group(DEES)
    group.process(leave.row.body, at=town.now_ms)
    staged = group.stage_commit(
        references=[pending.reference for pending in group.proposals],
        extensions=room_extensions(without(town.hub.standing.policy, (BO.did,))),
        leaf=DEES.leaf(),
        authenticated_data=CommitData(town.now_ms).encode(),
    )
    done = offer(town, DEES, EntryKind.COMMIT, staged.commit, staged.group_info)

    assert done.change is not None
    assert (done.change.left, done.change.by) == ((BO.did,), DEE.did)
    assert done.effects == (DeviceRemoved(BO.did, BOS.keys.device_id),)
    assert leave.keeps_state
    for row in (leave.row, done.row):
        followed = follow_row(before, row, town.now_ms)
        assert isinstance(followed, Followed)
        assert followed.keeps_state
        before = followed.state
    assert before == town.hub
    assert isinstance(follow_row(before, leave.row, town.now_ms), Duplicate)


def test_a_commit_that_raced_forgets_it(town: Town) -> None:
    """Then nothing waits any more, and the leaver says it again in the new epoch."""
    offer(town, BOS, EntryKind.PROPOSAL, town.group(BOS).propose(SelfRemove()))
    staged = town.group(DEES).stage_commit(
        leaf=DEES.leaf(), authenticated_data=CommitData(town.now_ms).encode()
    )

    offer(town, DEES, EntryKind.COMMIT, staged.commit, staged.group_info)

    assert len(town.hub.public.proposals) == 0
    late = town.group(BOS).propose(SelfRemove())
    assert isinstance(refusal(town, BOS, EntryKind.PROPOSAL, late), WrongEpoch)


def test_proposals_that_do_not_travel(town: Town) -> None:
    """Another's, a Remove, the same one again, or one that was changed."""
    leave = town.group(BOS).propose(SelfRemove())

    assert refusal(town, DEES, EntryKind.PROPOSAL, leave).rule is Rule.NOT_YOURS
    kick = town.group(BOS).propose(Remove(town.index(DEES)))
    assert refusal(town, BOS, EntryKind.PROPOSAL, kick).rule is Rule.SELF_REMOVE
    broken = leave[:60] + bytes((leave[60] ^ 1,)) + leave[61:]
    assert refusal(town, BOS, EntryKind.PROPOSAL, broken).rule is Rule.INVALID_PROPOSAL
    assert refusal(town, BOS, EntryKind.COMMIT, leave).rule is Rule.WRONG_FRAMING
    offer(town, BOS, EntryKind.PROPOSAL, leave)
    assert refusal(town, BOS, EntryKind.PROPOSAL, leave).rule is Rule.INVALID_PROPOSAL


def test_snapshot_with_a_forged_proposal(town: Town) -> None:
    """What waits in a snapshot is verified like everything else in it."""
    leave = town.group(BOS).propose(SelfRemove())
    offer(town, BOS, EntryKind.PROPOSAL, leave)
    data = encode_snapshot(town.hub)

    for at in range(len(data) - 100, len(data), 5):
        with pytest.raises(Refused):
            decode_snapshot(data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :])


# --- coming back ---
def come_back(town: Town, who: Device = DEES) -> Accepted:
    """Lose everything, and come back by a commit from outside, as the hub serves the room."""
    joining = ExternalJoin.stage(
        MemoryGroupStore(),
        town.group(ANAS).group_info(with_tree=True),
        who.leaf(),
        replaces=town.index(who),
        authenticated_data=CommitData(town.now_ms).encode(),
    )
    staged = joining.staged
    accepted = offer(town, who, EntryKind.COMMIT, staged.commit, staged.group_info)
    group = town.group(ANAS)
    received = group.process(staged.commit, at=town.now_ms)
    assert isinstance(received, ReceivedCommit)
    group.merge_received(received)
    return accepted


def test_coming_back_has_a_limit(town: Town) -> None:
    """Three times a day for a device; another device, and the next day, have their own."""
    for _ in range(MAX_RESYNCS):
        accepted = come_back(town)
        assert not any(isinstance(effect, DeliverWelcome) for effect in accepted.effects)
    copy = decode_snapshot(encode_snapshot(town.hub))
    assert copy.resyncs == town.hub.resyncs

    with pytest.raises(Refused) as caught:
        come_back(town)
    assert caught.value.rule is Rule.RESYNC_LIMIT
    come_back(town, BOS)
    town.now_ms += RESYNC_WINDOW_MS
    come_back(town)
    assert len(town.hub.resyncs) == 1


def test_stranger_does_not_come_back(town: Town) -> None:
    """The hub answers somebody outside as if there were no room."""
    joining = ExternalJoin.stage(
        MemoryGroupStore(), town.group(ANAS).group_info(with_tree=True), Device(EVE).leaf()
    )
    staged = joining.staged

    refused = refusal(town, Device(EVE), EntryKind.COMMIT, staged.commit, staged.group_info)
    assert refused.rule is Rule.NOT_PARTICIPANT
    refused = refusal(town, DEES, EntryKind.COMMIT, staged.commit, staged.group_info)
    assert refused.rule is Rule.COMMIT_DATA


# --- the proof of a snapshot ---
def test_snapshots_stay_readable(town: Town) -> None:
    """A stored room in which somebody came back and somebody waits to leave is read by later releases."""
    path = Path(__file__).parent / "golden" / "hub_snapshot_comings.hex"
    if os.environ.get("YURT_WRITE_GOLDEN"):
        come_back(town)
        offer(town, ANAS, EntryKind.PROPOSAL, town.group(ANAS).propose(SelfRemove()))
        path.write_text(encode_snapshot(town.hub).hex() + "\n")
    data = bytes.fromhex(path.read_text())

    state = decode_snapshot(data)

    assert (len(state.resyncs), len(state.public.proposals)) == (1, 1)
    assert encode_snapshot(state) == data


def test_committer_proves_the_snapshot(town: Town) -> None:
    """The GroupInfo that came with the commit fits; another epoch's, another signer's, or none does not."""
    staged = town.group(DEES).stage_commit(
        leaf=DEES.leaf(), authenticated_data=CommitData(town.now_ms).encode()
    )
    old = town.group(ANAS).group_info()
    accepted = offer(town, DEES, EntryKind.COMMIT, staged.commit, staged.group_info)
    group = town.group(ANAS)
    received = group.process(staged.commit, at=town.now_ms)
    assert isinstance(received, ReceivedCommit)
    group.merge_received(received)
    by_ana = group.group_info()
    state = decode_snapshot(encode_snapshot(town.hub))

    prove_snapshot(state, accepted.row.body, accepted.group_info)
    info = MLSMessage.decode(staged.group_info).expect(GroupInfo)
    unsigned = MLSMessage(replace(info, signature=bytes(64))).encode()
    for forged in (b"", old, by_ana, unsigned, staged.commit):
        with pytest.raises(Refused) as caught:
            prove_snapshot(state, accepted.row.body, forged)
        assert caught.value.rule is Rule.BAD_SNAPSHOT

"""Somebody enters a group by a commit of its own: new, or back after a loss."""

import pytest

from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.errors import (
    InvalidGroupInfo,
    NoPendingCommit,
    PendingCommitExists,
    RemoteMlsError,
    UnknownGroup,
)
from yurt.mls.external_join import ExternalJoin
from yurt.mls.framing import MLSMessage
from yurt.mls.group import Group
from yurt.mls.group_info import GroupInfo
from yurt.mls.group_store import EpochRows, MemoryGroupStore
from yurt.mls.member_epoch import MemberEpoch
from yurt.mls.pre_shared_key import ExternalPSK, PreSharedKeyID
from yurt.mls.proposals import SelfRemove
from yurt.mls.public_group import PublicGroup
from yurt.mls.receiving import ReceivedCommit
from yurt.mls.rehearsal import GROUP_ID, FailingStore, Member, PowerCut, add, everyone, own_leaf, room, tell


def same_epoch(*members: Member) -> bool:
    return len({(m.group.epoch_authenticator, m.group.tree.tree_hash()) for m in members}) == 1


def talk(*members: Member) -> None:
    """Everybody is heard by everybody."""
    for speaker in members:
        message = speaker.group.encrypt(speaker.name.encode())
        assert {m.hear(message) for m in members if m is not speaker} == {speaker.name.encode()}


def test_somebody_new_comes_in(suite: CipherSuite) -> None:
    """In every suite: who has only the GroupInfo enters by its own commit, and all share the epoch."""
    ana, bo = room("ana", "bo", suite=suite)
    cy = Member("cy", suite=suite)

    everyone([ana, bo], cy.join_from_outside(ana))

    assert same_epoch(ana, bo, cy)
    assert cy.index == 2
    talk(ana, bo, cy)
    everyone([ana, bo, cy], cy.group.stage_commit(force_path=True))
    assert same_epoch(ana, bo, cy)


def test_a_member_comes_back() -> None:
    """A device that lost its state replaces its own leaf; its old state reads nothing any more."""
    ana, bo, cy = room("ana", "bo", "cy")
    lost = bo.index
    back = Member("bo")

    staged = back.join_from_outside(ana, replaces=lost)
    everyone([ana, cy], staged)
    received = bo.group.process(staged.commit, at=0)

    assert isinstance(received, ReceivedCommit)
    assert received.removes_me
    assert back.index == lost
    (entering,) = received.change.entering
    assert entering.replaces is not None
    assert entering.replaces.credential == entering.leaf.credential
    talk(ana, back, cy)


def test_coming_back_over_the_old_rows() -> None:
    """A device that fell out of step enters again in the same store; nothing of the old state stays."""
    ana, bo = room("ana", "bo")
    everyone([ana], ana.group.stage_commit(force_path=True))
    everyone([ana], ana.group.stage_commit(force_path=True))

    everyone([ana], bo.join_from_outside(ana, replaces=bo.index))

    assert same_epoch(ana, bo.reload())
    assert {epoch for epoch, _, _ in bo.store.rows(GROUP_ID)} == {4}
    talk(ana, bo)


def test_two_who_come_in_at_once() -> None:
    """The hub takes one commit an epoch: the other joiner discards and tries again."""
    ana, bo = room("ana", "bo")
    cy, dee = Member("cy"), Member("dee")
    refused = ExternalJoin.stage(dee.store, ana.group.group_info(with_tree=True), own_leaf("dee"))

    everyone([ana, bo], cy.join_from_outside(ana))
    refused.discard()
    everyone([ana, bo, cy], dee.join_from_outside(ana))

    assert same_epoch(ana, bo, cy, dee)
    talk(ana, bo, cy, dee)


def test_a_joiner_restarts_before_the_answer() -> None:
    """The commit waits in the rows, and the group begins from there."""
    ana, bo = room("ana", "bo")
    store = MemoryGroupStore()
    info = ana.group.group_info(with_tree=True)
    staged = ExternalJoin.stage(store, info, own_leaf("cy")).staged
    everyone([ana, bo], staged)

    with pytest.raises(UnknownGroup):
        Group.load(store, GROUP_ID)
    with pytest.raises(PendingCommitExists):
        ExternalJoin.stage(store, info, own_leaf("cy"))
    again = ExternalJoin.load(store, GROUP_ID)
    assert again.staged == staged
    group = again.merge()

    assert group.epoch_authenticator == ana.group.epoch_authenticator
    with pytest.raises(NoPendingCommit):
        ExternalJoin.load(store, GROUP_ID)


def test_the_power_goes_while_coming_in() -> None:
    """Stopped at any write and rolled back, the join can be merged again."""
    ana, bo = room("ana", "bo")
    everyone([ana], ana.group.stage_commit(force_path=True))
    assert isinstance(bo.store, MemoryGroupStore)
    ExternalJoin.stage(bo.store, ana.group.group_info(with_tree=True), own_leaf("bo"), replaces=bo.index)

    cuts = 0
    while Group.load(attempt := bo.store.copy(), GROUP_ID).epoch < 3:
        try:
            ExternalJoin.load(FailingStore(attempt, cuts), GROUP_ID).merge()
            break
        except PowerCut:
            cuts += 1

    assert cuts > 10
    assert Group.load(attempt, GROUP_ID).epoch == 3


def test_who_leaves_is_taken_out_by_who_comes() -> None:
    """A joiner's commit may carry out SelfRemoves that wait (draft-ietf-mls-extensions)."""
    ana, bo, cy = room("ana", "bo", "cy")
    leaving = bo.group.propose(SelfRemove())
    tell([ana, cy], leaving)
    dee = Member("dee")

    staged = dee.join_from_outside(ana, proposals=[leaving])
    everyone([ana, cy], staged)

    assert same_epoch(ana, cy, dee)
    assert [index for index, _ in staged.change.removed] == [1]
    received = bo.group.process(staged.commit, at=0)
    assert isinstance(received, ReceivedCommit)
    assert received.removes_me
    talk(ana, cy, dee)


def test_a_joiner_with_a_shared_key() -> None:
    """A pre-shared key in an external commit keeps out whoever does not have it."""
    ana, bo = room("ana", "bo")
    name, key = PreSharedKeyID(ExternalPSK(b"invitation"), bytes(32)), b"a secret told in person"
    info, store = ana.group.group_info(with_tree=True), MemoryGroupStore()
    joining = ExternalJoin.stage(store, info, own_leaf("cy"), psk_names=[name], psks={b"invitation": key})

    with pytest.raises(RemoteMlsError):
        bo.group.process(joining.staged.commit, at=0, psks={b"invitation": b"another"})
    received = ana.group.process(joining.staged.commit, at=0, psks={b"invitation": key})
    assert isinstance(received, ReceivedCommit)
    ana.group.merge_received(received)

    assert joining.merge().epoch_authenticator == ana.group.epoch_authenticator


def test_the_hub_follows() -> None:
    """The public side of an external commit is that of a member; the joiner's GroupInfo fits it."""
    ana, bo = room("ana", "bo")
    hub = PublicGroup.from_group_info(ana.group.group_info(with_tree=True), None, now_ms=None)
    cy = Member("cy")

    staged = cy.join_from_outside(bo)
    hub = hub.stage(staged.commit).apply()

    assert hub.tree.tree_hash() == cy.group.tree.tree_hash()
    assert hub.check_group_info(staged.group_info).signer == cy.index


def test_a_group_that_nobody_can_enter() -> None:
    """Without the external key in its GroupInfo, a group takes nobody in from outside."""
    ana, _ = room("ana", "bo")
    info = MLSMessage.decode(ana.group.group_info(with_tree=True)).expect(GroupInfo)
    bare = GroupInfo(info.group_context, info.extensions[1:], info.confirmation_tag, info.signer)
    slots = {slot: value for _, slot, value in ana.store.rows(GROUP_ID)}
    epoch = MemberEpoch.load(EpochRows(ana.store, GROUP_ID, 1), slots)
    closed = MLSMessage(bare.signed(ana.suite, epoch.signature_private)).encode()

    with pytest.raises(InvalidGroupInfo) as refused:
        ExternalJoin.stage(MemoryGroupStore(), closed, own_leaf("cy"))

    assert refused.value.rule == "groupInfoNoExternalPub"


def test_a_joiner_in_a_full_tree_and_in_a_gap() -> None:
    """The joiner takes the leftmost free leaf, or widens the tree."""
    members = room("ana", "bo", "cy", "dee")
    eva = Member("eva")
    everyone(members, eva.join_from_outside(members[1]))
    members.append(eva)
    assert eva.index == 4
    everyone(members, members[0].group.stage_commit(removes=[2]))
    cy = members.pop(2)
    assert cy.name == "cy"
    finn = Member("finn")

    everyone(members, finn.join_from_outside(members[0]))
    members.append(finn)

    assert finn.index == 2
    gus = Member("gus")
    add(members, [gus])
    assert same_epoch(*members, gus)
    talk(*members, gus)

"""Proposals that travel before a commit, from inside and outside, and the commits that name them."""

import pytest

from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.codec import Writer
from yurt.mls.credential import Credential
from yurt.mls.errors import (
    CommitOfOwnLeaf,
    InvalidTag,
    RemoteMlsError,
    UnknownProposal,
    UnknownPsk,
    ValidationError,
)
from yurt.mls.extensions import Extension, ExtensionType, ExternalSender
from yurt.mls.group import Group
from yurt.mls.group_store import MemoryGroupStore
from yurt.mls.outside import ask_to_join, propose_from_outside
from yurt.mls.pre_shared_key import ExternalPSK, PreSharedKeyID, ResumptionPSK, ResumptionPSKUsage
from yurt.mls.proposals import Add, GroupContextExtensions, PreSharedKey, Remove, SelfRemove
from yurt.mls.public_group import PublicGroup
from yurt.mls.receiving import ReceivedCommit, ReceivedProposal
from yurt.mls.rehearsal import GROUP_ID, SUITE, Member, add, everyone, own_leaf, room, tell

PSK = PreSharedKeyID(ExternalPSK(b"a name"), bytes(32))
KEY = {b"a name": b"a key from elsewhere"}


def same_epoch(*members: Member) -> bool:
    return len({(m.group.epoch_authenticator, m.group.tree.tree_hash()) for m in members}) == 1


def talk(*members: Member) -> None:
    for speaker in members:
        message = speaker.group.encrypt(speaker.name.encode())
        assert {m.hear(message) for m in members if m is not speaker} == {speaker.name.encode()}


def test_a_member_leaves(suite: CipherSuite) -> None:
    """In every suite: who leaves asks, anybody else commits it."""
    ana, bo, cy = room("ana", "bo", "cy", suite=suite)
    wish = bo.group.propose(SelfRemove())

    reference = tell([ana, cy], wish)
    staged = cy.group.stage_commit(references=[reference])
    everyone([ana, bo, cy], staged)

    assert staged.change.proposals == ((SelfRemove(), 1),)
    assert same_epoch(ana, cy)
    assert list(bo.store.rows(GROUP_ID)) == []
    talk(ana, cy)


def test_an_update_is_committed_by_somebody_else(suite: CipherSuite) -> None:
    """In every suite: a member's new keys begin with the commit that names its Update."""
    ana, bo, cy = room("ana", "bo", "cy", suite=suite)
    before = bo.group.tree.leaf(bo.index)
    fresh = own_leaf("bo", suite=suite)

    reference = tell([ana, cy], bo.group.propose_update(fresh))
    bo.reload()
    everyone([ana, bo, cy], ana.group.stage_commit(references=[reference]))

    after = bo.group.tree.leaf(bo.index)
    assert after.encryption_key != before.encryption_key
    assert after.signature_key == suite.signature_public(fresh.signature_private)
    assert same_epoch(ana, bo.reload(), cy)
    talk(ana, bo, cy)
    everyone([ana, bo, cy], cy.group.stage_commit(force_path=True))
    everyone([ana, bo, cy], bo.group.stage_commit(force_path=True))
    assert same_epoch(ana, bo, cy)


def test_an_update_that_lost_the_epoch() -> None:
    """A commit that does not name the Update leaves the old keys; those of the Update are gone."""
    ana, bo = room("ana", "bo")
    tell([ana], bo.group.propose_update())

    everyone([ana, bo], ana.group.stage_commit(force_path=True))

    assert bo.group.proposals == ana.group.proposals == ()
    assert not [slot for _, slot, _ in bo.store.rows(GROUP_ID) if slot.startswith(("update", "proposal"))]
    talk(ana, bo.reload())


def test_many_proposals_in_one_commit() -> None:
    """A commit carries some proposals itself and names others; all do what they say."""
    ana, bo, cy, dee = room("ana", "bo", "cy", "dee")
    eva, finn = Member("eva"), Member("finn")
    members = [ana, bo, cy]
    references = [
        tell([ana, cy], bo.group.propose(Add(eva.key_package().key_package))),
        tell([ana, bo], cy.group.propose(Remove(dee.index))),
        tell([ana, bo], cy.group.propose_update()),
    ]

    staged = ana.reload().group.stage_commit(adds=[finn.key_package().key_package], references=references)
    ana.reload()
    everyone(members, staged)
    eva.join(staged.welcome)
    finn.join(staged.welcome)

    assert [author for _, author in staged.change.proposals] == [0, 1, 2, 2]
    assert same_epoch(*members, eva, finn)
    talk(*members, eva, finn)


def test_a_proposal_is_kept_once() -> None:
    """The same message again changes nothing; our own comes back as known."""
    ana, bo = room("ana", "bo")
    message = ana.group.propose(Remove(bo.index))

    first, again = (ana.group.process(message, at=0) for _ in range(2))

    assert isinstance(first, ReceivedProposal)
    assert isinstance(again, ReceivedProposal)
    assert first.pending.reference == again.pending.reference
    assert len(ana.group.proposals) == 1
    assert len(ana.reload().group.proposals) == 1


def test_a_proposal_in_our_name() -> None:
    """Somebody proposes with our leaf's keys: the alarm, not a silent change."""
    _, bo = room("ana", "bo")
    assert isinstance(bo.store, MemoryGroupStore)
    thief = Group.load(bo.store.copy(), GROUP_ID)

    message = thief.propose(SelfRemove())

    with pytest.raises(CommitOfOwnLeaf):
        bo.group.process(message, at=0)
    assert bo.group.proposals == ()


def test_a_proposal_of_nobody_inside() -> None:
    """Without the membership key, a member's signature alone proposes nothing."""
    ana, bo, _ = room("ana", "bo", "cy")
    message = bytearray(ana.group.propose(Remove(2)))
    message[-1] ^= 1

    with pytest.raises(InvalidTag):
        bo.group.process(bytes(message), at=0)


def test_a_commit_that_names_what_we_never_saw() -> None:
    """A proposal that was lost on its way stops the commit by name; it works once it came."""
    ana, bo, cy = room("ana", "bo", "cy")
    message = ana.group.propose(Remove(cy.index))
    commit = ana.group.stage_commit(references=[ana.group.proposals[0].reference]).commit

    with pytest.raises(UnknownProposal):
        bo.group.process(commit, at=0)
    tell([bo], message)
    assert isinstance(bo.group.process(commit, at=0), ReceivedCommit)


def test_the_hub_may_propose() -> None:
    """A listed external sender proposes from outside, and members commit it; others' are refused."""
    hub_key, stranger = SUITE.generate_signature_key(), SUITE.generate_signature_key()
    sender = ExternalSender(SUITE.signature_public(hub_key), Credential.basic(b"https://hub.example"))
    listed = Extension(ExtensionType.EXTERNAL_SENDERS, Writer().vector([sender]).bytes())
    ana, bo, cy = Member("ana").found(extensions=(listed,)), Member("bo"), Member("cy")
    add([ana], [bo, cy])
    context = ana.group.context

    forged = propose_from_outside(context, 0, stranger, Remove(cy.index))
    with pytest.raises(RemoteMlsError):
        ana.group.process(forged, at=0)
    message = propose_from_outside(context, 0, hub_key, Remove(cy.index))
    reference = tell([ana, bo, cy], message)
    staged = bo.group.stage_commit(references=[reference])
    everyone([ana, bo, cy], staged)

    assert staged.change.proposals == ((Remove(2), None),)
    assert same_epoch(ana, bo)


def test_somebody_asks_to_be_added() -> None:
    """A newcomer proposes its own key package; a member's commit lets it in."""
    ana, bo = room("ana", "bo")
    cy = Member("cy")

    message = ask_to_join(ana.group.context, cy.key_package())
    reference = tell([ana, bo], message)
    staged = ana.group.stage_commit(references=[reference])
    everyone([ana, bo], staged)
    cy.join(staged.welcome)

    assert same_epoch(ana, bo, cy)
    talk(ana, bo, cy)


def test_a_key_from_elsewhere(suite: CipherSuite) -> None:
    """In every suite: a pre-shared key in a commit divides those who have it from those who do not."""
    ana, bo = room("ana", "bo", suite=suite)
    cy = Member("cy", suite=suite)
    name = PreSharedKeyID(ExternalPSK(b"a name"), bytes(suite.hash_size))
    package = cy.key_package()

    with pytest.raises(UnknownPsk):
        ana.group.stage_commit(proposals=[PreSharedKey(name)])
    staged = ana.group.stage_commit(
        adds=[package.key_package], proposals=[PreSharedKey(name)], force_path=True, psks=KEY
    )
    ana.group.merge()
    with pytest.raises(UnknownPsk):
        bo.group.process(staged.commit, at=0)
    with pytest.raises(InvalidTag):
        bo.group.process(staged.commit, at=0, psks={b"a name": b"another key"})
    received = bo.group.process(staged.commit, at=0, psks=KEY)
    assert isinstance(received, ReceivedCommit)
    bo.group.merge_received(received)

    assert staged.welcome is not None
    with pytest.raises(UnknownPsk):
        Group.join(MemoryGroupStore(), staged.welcome, package)
    joined = Group.join(MemoryGroupStore(), staged.welcome, package, psks=KEY)
    assert joined.epoch_authenticator == ana.group.epoch_authenticator == bo.group.epoch_authenticator


def test_the_key_of_an_earlier_epoch() -> None:
    """A commit may mix in what an epoch before gave; who came later cannot follow without it."""
    ana, bo = room("ana", "bo")
    earlier = ana.group.epoch
    cy = Member("cy")
    add([ana, bo], [cy])
    source = ResumptionPSK(ResumptionPSKUsage.APPLICATION, GROUP_ID, earlier)

    staged = ana.reload().group.stage_commit(proposals=[PreSharedKey(PreSharedKeyID(source, bytes(32)))])
    everyone([ana, bo.reload()], staged)

    assert same_epoch(ana, bo)
    with pytest.raises(UnknownPsk):
        cy.group.process(staged.commit, at=0)


def test_the_same_key_twice() -> None:
    """A pre-shared key mixes in once."""
    ana, _ = room("ana", "bo")

    with pytest.raises(ValidationError):
        ana.group.stage_commit(proposals=[PreSharedKey(PSK), PreSharedKey(PSK)], psks=KEY)


def test_hub_and_members_keep_the_same_proposals() -> None:
    """The public side names proposals as members do, and judges the commit that names them alike."""
    ana, bo, cy = room("ana", "bo", "cy")
    hub = PublicGroup.from_group_info(ana.group.group_info(with_tree=True), None, now_ms=None)
    message = cy.group.propose(SelfRemove())
    tell([ana, bo], message)
    hub = hub.with_proposal(hub.stage_proposal(message))

    staged = bo.group.stage_commit(references=[item.reference for item in hub.proposals])
    everyone([ana, bo], staged)

    assert hub.stage(staged.commit).apply().tree.tree_hash() == ana.group.tree.tree_hash()


def test_extensions_by_reference() -> None:
    """A GroupContextExtensions proposal may come before its commit."""
    ana, bo = room("ana", "bo")
    wanted = (Extension(ExtensionType.EXTERNAL_SENDERS, Writer().vector([]).bytes()),)
    reference = tell([bo], ana.group.propose(GroupContextExtensions(wanted)))

    everyone([ana, bo], bo.group.stage_commit(references=[reference]))

    assert ana.group.context.extensions == bo.group.context.extensions == wanted

import hashlib
from dataclasses import replace

import pytest

from yurt.mls.errors import (
    CommitOfOwnLeaf,
    GroupExists,
    NoPendingCommit,
    OwnMessage,
    PendingCommitExists,
    RemovedFromGroup,
    Replayed,
    UnknownEpoch,
    UnknownGroup,
    UseAfterMerge,
    WrongEpoch,
    WrongGroup,
)
from yurt.mls.extensions import Extension, ExtensionType, find_extension
from yurt.mls.framing import MLSMessage, PrivateMessage
from yurt.mls.group import Group, OwnCommit
from yurt.mls.group_info import GroupInfo
from yurt.mls.group_store import EpochRows, MemoryGroupStore
from yurt.mls.member_epoch import MemberEpoch
from yurt.mls.message_epoch import ApplicationMessage
from yurt.mls.past_epochs import KEEP_MS
from yurt.mls.public_group import PublicGroup
from yurt.mls.receiving import ReceivedCommit
from yurt.mls.rehearsal import GROUP_ID, SUITE, Member, add, everyone, own_leaf, room

TOPIC = Extension(0xF0B3, b"gardening")


def said(member: Member, message: bytes, *, at: int = 0) -> ApplicationMessage:
    processed = member.group.process(message, at=at)
    assert isinstance(processed, ApplicationMessage)
    return processed


def received(member: Member, commit: bytes, *, at: int = 0) -> ReceivedCommit:
    processed = member.group.process(commit, at=at)
    assert isinstance(processed, ReceivedCommit)
    return processed


def agree(*members: Member) -> bool:
    """Tell whether all are in one epoch with one set of secrets and one tree."""
    states = {
        (
            member.group.epoch,
            member.group.epoch_authenticator,
            member.group.tree.tree_hash(),
            member.group.confirmed_transcript_hash,
            member.group.export("test", b"", 32),
        )
        for member in members
    }
    return len(states) == 1


def test_two_people_talk() -> None:
    """Ana founds a room, adds bo, and each reads what the other wrote."""
    ana, bo = room("ana", "bo")

    hello = said(bo, ana.group.encrypt(b"hello", authenticated_data=b"readable"))
    answer = said(ana, bo.group.encrypt(b"hi"))

    assert agree(ana, bo)
    assert (hello.plaintext, hello.authenticated_data, hello.epoch) == (b"hello", b"readable", 1)
    assert hello.sender == ana.index
    assert hello.leaf == ana.group.tree.leaf(ana.index)
    assert (answer.plaintext, answer.sender) == (b"hi", bo.index)


def test_several_join_by_one_commit() -> None:
    """One Welcome lets several in, with a path or without one."""
    for force_path in (False, True):
        ana, *others = (Member(name) for name in ("ana", "bo", "cy", "dee", "eli"))
        ana.found()

        add([ana], others, force_path=force_path)

        assert agree(ana, *others)
        text = ana.group.encrypt(b"welcome all")
        assert [said(other, text).plaintext for other in others] == [b"welcome all"] * 4


def test_everybody_can_commit() -> None:
    """After any member renews its path, all members share the next epoch."""
    members = room("ana", "bo", "cy", "dee", "eli")

    for member in members:
        everyone(members, member.group.stage_commit(force_path=True))

        assert agree(*members)
    assert members[0].group.epoch == 6


def test_a_group_that_grows_and_shrinks() -> None:
    """Adds and removes in any mix leave the remaining members in agreement."""
    ana, bo, cy, dee = room("ana", "bo", "cy", "dee")
    eli, fay = Member("eli"), Member("fay")

    everyone([ana, bo, cy, dee], bo.group.stage_commit(removes=[cy.index]))
    add([dee, ana, bo], [eli, fay], force_path=True)
    everyone([ana, bo, dee, eli, fay], fay.group.stage_commit(removes=[dee.index, bo.index]))
    add([ana, eli, fay], [cy])
    everyone([ana, eli, fay, cy], cy.group.stage_commit(force_path=True))

    assert agree(ana, eli, fay, cy)
    assert [index for index, _ in ana.group.tree.leaves()] == sorted(
        member.index for member in (ana, eli, fay, cy)
    )


def test_a_removed_member_learns_so_and_reads_no_more() -> None:
    """Whoever is removed sees the commit that does it, and nothing after it."""
    ana, bo, cy = room("ana", "bo", "cy")
    staged = ana.group.stage_commit(removes=[bo.index])
    commit = received(bo, staged.commit)
    everyone([ana, cy], staged)

    assert commit.removes_me
    assert [index for index, _ in commit.change.removed] == [bo.index]
    with pytest.raises(RemovedFromGroup):
        bo.group.merge_received(commit)
    with pytest.raises(WrongEpoch):
        bo.group.process(ana.group.encrypt(b"bo must not read this"), at=0)
    bo.group.forget()
    with pytest.raises(UnknownGroup):
        bo.reload()


def test_a_new_signature_key() -> None:
    """A path commit may bring a new signature key; the old key signs the commit."""
    ana, bo = room("ana", "bo")
    before = bo.group.tree.leaf(bo.index)
    leaf = replace(own_leaf("bo"), extensions=())

    everyone([ana, bo], bo.group.stage_commit(leaf=leaf))
    message = said(ana, bo.group.encrypt(b"from my new node"))

    assert message.leaf.signature_key == SUITE.signature_public(leaf.signature_private)
    assert message.leaf.signature_key != before.signature_key
    everyone([ana, bo], bo.group.stage_commit(force_path=True))
    assert agree(ana, bo)
    assert agree(ana, bo.reload())


def test_group_context_extensions() -> None:
    """A commit may replace the extensions of the GroupContext."""
    required = Extension(ExtensionType.REQUIRED_CAPABILITIES, bytes(3))
    ana, bo = room("ana", "bo")

    everyone([ana, bo], ana.group.stage_commit(extensions=(required,)))

    assert bo.group.context.extensions == (required,)
    assert agree(ana, bo)


def test_what_the_welcome_tells_beside_the_tree() -> None:
    """The GroupInfo inside the Welcome carries what the application adds; the other one does not."""
    ana, bo = Member("ana").found(), Member("bo")
    package = bo.key_package().key_package

    staged = ana.group.stage_commit(adds=[package], welcome_extensions=(TOPIC,))
    ana.group.merge()
    bo.join(staged.welcome)

    info = MLSMessage.decode(staged.group_info).expect(GroupInfo)
    assert find_extension(bo.group.group_info_extensions, TOPIC.extension_type) == b"gardening"
    assert [extension.extension_type for extension in info.extensions] == [ExtensionType.EXTERNAL_PUB]
    assert info.group_context == ana.group.context
    assert staged.hash == hashlib.sha256(staged.commit).digest()


def test_a_member_describes_its_group() -> None:
    """A GroupInfo with the tree inside is all that a hub needs to follow the group from outside."""
    ana, bo = room("ana", "bo")

    public = PublicGroup.from_group_info(bo.group.group_info(with_tree=True), None, now_ms=None)
    staged = ana.group.stage_commit(force_path=True)
    after = public.stage(staged.commit).apply()
    everyone([ana, bo], staged)

    assert after.tree == bo.group.tree
    assert after.context == bo.group.context
    for info in (staged.group_info, ana.group.group_info()):
        assert after.check_group_info(info).group_context == after.context


def test_who_added_us() -> None:
    """The joiner learns who welcomed it."""
    ana, bo = room("ana", "bo")
    cy = Member("cy")
    add([bo, ana], [cy])

    assert cy.group.added_by == bo.index
    assert ana.group.added_by is None


def test_a_commit_carries_authenticated_data() -> None:
    """What a committer says beside its commit reaches the judge of it."""
    ana, bo = room("ana", "bo")

    staged = ana.group.stage_commit(force_path=True, authenticated_data=b"made at noon")

    assert staged.change.authenticated_data == b"made at noon"
    assert received(bo, staged.commit).change.authenticated_data == b"made at noon"


def test_nothing_changes_until_merged() -> None:
    """A staged commit and a received one leave the group as it is until they are merged."""
    ana, bo = room("ana", "bo")
    staged = ana.group.stage_commit(force_path=True)
    commit = received(bo, staged.commit)

    assert (ana.group.epoch, bo.group.epoch) == (1, 1)
    assert said(bo, ana.group.encrypt(b"still here")).epoch == 1
    ana.group.merge()
    bo.group.merge_received(commit)
    assert agree(ana, bo)


def test_only_one_pending_commit() -> None:
    """A second commit waits until the first was merged or discarded."""
    ana, _ = room("ana", "bo")
    ana.group.stage_commit(force_path=True)

    with pytest.raises(PendingCommitExists):
        ana.group.stage_commit(force_path=True)
    ana.group.discard()
    assert ana.group.pending is None
    assert ana.reload().group.pending is None
    for misuse in (ana.group.discard, ana.group.merge):
        with pytest.raises(NoPendingCommit):
            misuse()


def test_the_loser_of_a_race_follows_the_winner() -> None:
    """Two commits for one epoch: the log takes one, and the other's author discards its own."""
    ana, bo, cy = room("ana", "bo", "cy")
    won, lost = ana.group.stage_commit(force_path=True), bo.group.stage_commit(force_path=True)

    everyone([ana, bo, cy], won)

    assert bo.group.pending is None
    assert agree(ana, bo, cy)
    with pytest.raises(WrongEpoch) as refused:
        cy.group.process(lost.commit, at=0)
    assert (refused.value.have, refused.value.got) == (2, 1)


def test_a_pending_commit_survives_a_crash() -> None:
    """Submitted, crashed, restarted: the commit comes back from the log and is merged."""
    ana, bo = room("ana", "bo")
    cy = Member("cy")
    staged = ana.group.stage_commit(adds=[cy.key_package().key_package], force_path=True)

    ana.reload()
    assert ana.group.pending == staged
    processed = ana.group.process(staged.commit, at=5)
    assert processed == OwnCommit(staged, 5)
    ana.group.merge()
    bo.follow(staged)
    cy.join(staged.welcome)

    assert agree(ana.reload(), bo.reload(), cy.reload())
    assert said(cy, ana.group.encrypt(b"here again")).plaintext == b"here again"


def test_a_received_commit_is_for_its_epoch() -> None:
    """A verified commit that was kept too long is refused, not merged over a newer epoch."""
    ana, bo, cy = room("ana", "bo", "cy")
    old = received(cy, ana.group.stage_commit(force_path=True).commit)
    everyone([bo, cy], bo.group.stage_commit(force_path=True))

    with pytest.raises(UseAfterMerge):
        cy.group.merge_received(old)


def test_a_commit_of_our_own_leaf_that_we_did_not_make() -> None:
    """Somebody who stole our keys and commits with them is noticed."""
    ana, _ = room("ana", "bo")
    stolen = Member("ana", store=ana.store)
    assert isinstance(ana.store, MemoryGroupStore)
    stolen.store = ana.store.copy()

    staged = stolen.reload().group.stage_commit(force_path=True)

    with pytest.raises(CommitOfOwnLeaf):
        ana.group.process(staged.commit, at=0)


def test_replays_and_own_messages() -> None:
    """A message is read once, by everybody but its author."""
    ana, bo = room("ana", "bo")
    message = ana.group.encrypt(b"once")
    said(bo, message)

    with pytest.raises(Replayed):
        bo.group.process(message, at=0)
    with pytest.raises(Replayed):
        bo.reload().group.process(message, at=0)
    with pytest.raises(OwnMessage):
        ana.group.process(message, at=0)


def test_any_order_within_an_epoch() -> None:
    """Messages that overtake each other are all read."""
    ana, bo = room("ana", "bo")
    messages = [ana.group.encrypt(b"%d" % n) for n in range(5)]

    texts = {said(bo.reload(), messages[n]).plaintext for n in (3, 0, 4, 1, 2)}

    assert texts == {b"0", b"1", b"2", b"3", b"4"}


def test_messages_of_past_epochs() -> None:
    """A message that a commit overtook is read, by the tree of its own epoch, also after a restart."""
    ana, bo, cy = room("ana", "bo", "cy")
    late, later = ana.group.encrypt(b"late"), ana.group.encrypt(b"later")
    everyone([bo, cy], cy.group.stage_commit(removes=[ana.index]))

    message = said(bo, late)

    assert (message.plaintext, message.epoch, message.sender) == (b"late", 1, ana.index)
    assert message.leaf == ana.group.tree.leaf(ana.index)
    assert said(bo.reload(), later).plaintext == b"later"
    with pytest.raises(Replayed):
        bo.reload().group.process(late, at=0)


def test_past_epochs_go() -> None:
    """An epoch over three epochs and over a day of log time old is gone, from memory and rows."""
    ana, bo = room("ana", "bo")
    late = ana.group.encrypt(b"too late")
    for hour in range(1, 6):
        everyone([ana, bo], ana.group.stage_commit(force_path=True), at=hour)
    assert said(bo, late, at=KEEP_MS + 1).plaintext == b"too late"
    late = ana.group.encrypt(b"in time")

    assert said(bo, late, at=KEEP_MS + 2).plaintext == b"in time"

    kept = sorted({epoch for epoch, _, _ in bo.store.rows(GROUP_ID)})
    assert kept == [2, 3, 4, 5, 6]
    said(bo, ana.group.encrypt(b"a day on"), at=KEEP_MS + 4)
    assert sorted({epoch for epoch, _, _ in bo.store.rows(GROUP_ID)}) == [3, 4, 5, 6]


def test_an_epoch_that_is_not_kept() -> None:
    """A message of an epoch before we joined, or one still to come, is named as such."""
    ana, bo = room("ana", "bo")
    before = ana.group.encrypt(b"before cy")
    cy = Member("cy")
    add([ana, bo], [cy])

    with pytest.raises(UnknownEpoch):
        cy.group.process(before, at=0)
    everyone([ana], ana.group.stage_commit(force_path=True))
    with pytest.raises(WrongEpoch):
        bo.group.process(ana.group.encrypt(b"from tomorrow"), at=0)


def test_another_group() -> None:
    """A message of another group is named as such."""
    ana, bo = room("ana", "bo")
    message = MLSMessage.decode(ana.group.encrypt(b"hello")).expect(PrivateMessage)

    with pytest.raises(WrongGroup):
        bo.group.process(MLSMessage(replace(message, group_id=b"another")).encode(), at=0)


def test_a_group_is_joined_once() -> None:
    """A Welcome into a group that we are in already is refused; after forgetting it, it is not."""
    ana, bo = room("ana", "bo")
    everyone([ana, bo], ana.group.stage_commit(removes=[bo.index]))
    bo_again = Member("bo", store=bo.store)
    add([ana], [bo_again])

    assert agree(ana, bo_again)
    with pytest.raises(GroupExists):
        Group.create(bo.store, SUITE, GROUP_ID, own_leaf("bo"))


def test_a_past_epoch_keeps_no_more_than_it_needs() -> None:
    """When an epoch ends, its init secret, exporter and private tree keys go from the rows."""
    ana, bo = room("ana", "bo")
    slots = {slot: value for _, slot, value in bo.store.rows(GROUP_ID)}
    epoch = MemberEpoch.load(EpochRows(bo.store, GROUP_ID, 1), slots)
    secrets, keys = epoch.secrets, epoch.private_keys
    everyone([ana, bo], ana.group.stage_commit(force_path=True))

    old_rows = b"".join(value for epoch, _, value in bo.store.rows(GROUP_ID) if epoch == 1)

    for secret in (secrets.init_secret, secrets.exporter_secret, secrets.membership_key, *keys.values()):
        assert len(secret) == SUITE.hash_size
        assert secret not in old_rows


def private_keys(member: Member) -> dict[str, bytes]:
    rows = member.store.rows(GROUP_ID)
    return {slot: value for _, slot, value in rows if slot.startswith("private/")}


def test_private_keys_of_blanked_and_replaced_nodes_go() -> None:
    """A private key stays exactly as long as its node."""
    members = ana, bo, cy, dee = room("ana", "bo", "cy", "dee")
    for member in members:
        everyone(members, member.group.stage_commit(force_path=True))
    before = private_keys(bo)

    everyone([bo, cy, dee], cy.group.stage_commit(removes=[ana.index]))

    after = private_keys(bo)
    assert set(before) == {"private/2", "private/1", "private/3"}
    assert set(after) == {"private/2", "private/3"}  # node 1 is blank now
    assert after["private/2"] == before["private/2"]
    assert after["private/3"] != before["private/3"]


def test_the_encryption_secret_is_in_no_row() -> None:
    """The seed of the secret tree is gone with its first descent, and never stands beside it."""
    ana, bo = room("ana", "bo")
    root = [value for _, slot, value in bo.store.rows(GROUP_ID) if slot.startswith("node/")]

    said(bo, ana.group.encrypt(b"hello"))

    rows = b"".join(value for _, _, value in bo.store.rows(GROUP_ID))
    assert len(root) == 1
    assert root[0] not in rows


def test_a_message_costs_a_small_row() -> None:
    """Encrypting writes about a hundred bytes, whatever the group's size."""
    ana, *_ = room(*(f"member {n}" for n in range(20)))
    ana.group.encrypt(b"the first message descends the secret tree")
    before = dict(rows_of(ana))

    ana.group.encrypt(b"hello")

    after = dict(rows_of(ana))
    written = {slot: value for slot, value in after.items() if before.get(slot) != value}
    assert list(written) == [(1, f"ratchet/{ana.index}/application")]
    assert sum(map(len, written.values())) < 100


def rows_of(member: Member) -> list[tuple[tuple[int, str], bytes]]:
    return [((epoch, slot), value) for epoch, slot, value in member.store.rows(GROUP_ID)]


def test_secrets_stay_out_of_repr() -> None:
    """Printing a staged commit, a received one or a bundle shows no secret."""
    ana, bo = room("ana", "bo")
    staged = ana.group.stage_commit(force_path=True)
    commit = received(bo, staged.commit)
    assert commit.start is not None
    secrets = [commit.start.signature_private, *commit.start.private_keys.values()]

    shown = repr(commit) + repr(commit.start) + repr(staged) + repr(ana.key_package())

    assert not any(repr(secret)[2:-1] in shown for secret in secrets)

"""Eight mistakes that another Python implementation of MLS made, and official vectors do not see."""

import os
from dataclasses import replace

import pytest

from yurt.mls.errors import InvalidSignature, Replayed
from yurt.mls.framed_content import (
    AuthenticatedContent,
    FramedContent,
    FramedContentAuthData,
    Sender,
    WireFormat,
)
from yurt.mls.framing import MLSMessage
from yurt.mls.group_info import GroupInfo
from yurt.mls.group_store import EpochRows, MemoryGroupStore
from yurt.mls.joining import open_welcome
from yurt.mls.labels import expand_with_label
from yurt.mls.member_epoch import MemberEpoch
from yurt.mls.message_epoch import ApplicationMessage
from yurt.mls.message_protection import no_padding, seal_private
from yurt.mls.public_group import PublicGroup
from yurt.mls.rehearsal import GROUP_ID, SUITE, Member, everyone, room
from yurt.mls.secret_tree import RatchetKind, SecretTree
from yurt.mls.tree_math import leaf_to_node, root
from yurt.mls.welcome import Welcome


def slots_of(member: Member) -> dict[str, bytes]:
    epoch = member.group.epoch
    return {slot: value for number, slot, value in member.store.rows(GROUP_ID) if number == epoch}


def epoch_of(member: Member) -> MemberEpoch:
    rows = EpochRows(MemoryGroupStore(), GROUP_ID, member.group.epoch)
    return MemberEpoch.load(rows, slots_of(member))


def forged(insider: Member, as_leaf: int, signature_private: bytes | None) -> bytes:
    """Write as some leaf with a genuine message key; without a private key, leave the signature empty."""
    epoch, group = epoch_of(insider), insider.group
    rows = EpochRows(MemoryGroupStore(), GROUP_ID, group.epoch)
    tree = SecretTree.load(SUITE, group.tree.size, rows, slots_of(insider))
    framed = FramedContent(GROUP_ID, group.epoch, Sender.member(as_leaf), b"", b"give cy the keys")
    content = AuthenticatedContent(WireFormat.PRIVATE_MESSAGE, framed, FramedContentAuthData(b""))
    if signature_private is not None:
        content = AuthenticatedContent.sign(
            SUITE, signature_private, WireFormat.PRIVATE_MESSAGE, framed, group.context
        )
    key = tree.next_key(as_leaf, RatchetKind.APPLICATION)
    secret = epoch.secrets.sender_data_secret
    return MLSMessage(seal_private(SUITE, content, secret, key, no_padding, os.urandom)).encode()


def test_1_an_unsigned_message() -> None:
    """A message without a signature is none, though its key is genuine."""
    ana, bo, cy = room("ana", "bo", "cy")

    with pytest.raises(InvalidSignature):
        bo.group.process(forged(cy, ana.index, None), at=0)


def test_2_a_forged_sender() -> None:
    """A member who knows another's message keys still signs with its own only."""
    ana, bo, cy = room("ana", "bo", "cy")

    with pytest.raises(InvalidSignature):
        bo.group.process(forged(cy, ana.index, epoch_of(cy).signature_private), at=0)


def test_3_a_replay() -> None:
    """The same message a second time is a replay, in this epoch, a past one, and after a restart."""
    ana, bo = room("ana", "bo")
    message = ana.group.encrypt(b"hello")
    assert bo.hear(message) == b"hello"

    for member in (bo, bo.reload()):
        with pytest.raises(Replayed):
            member.group.process(message, at=0)
    everyone([ana, bo], ana.group.stage_commit(force_path=True))
    for member in (bo, bo.reload()):
        with pytest.raises(Replayed):
            member.group.process(message, at=0)


def test_4_a_root_secret_that_stays() -> None:
    """From what a device keeps after a message, the message's key cannot be computed again."""
    ana, bo = room("ana", "bo")
    before = slots_of(bo)
    assert f"node/{root(bo.group.tree.size)}" in before
    bo.hear(ana.group.encrypt(b"hello"))
    after = slots_of(bo)

    assert f"node/{root(bo.group.tree.size)}" not in after
    assert f"node/{leaf_to_node(ana.index)}" not in after
    leaf = expand_with_label(SUITE, before["node/1"], "tree", b"left", SUITE.hash_size)
    ratchet = expand_with_label(SUITE, leaf, "application", b"", SUITE.hash_size)
    kept = b"".join(after.values())
    assert not any(secret in kept for secret in (before["node/1"], leaf, ratchet))


def test_5_a_generation_that_starts_again() -> None:
    """After a restart the next message takes the next generation."""
    ana, bo = room("ana", "bo")
    generations: list[int] = []
    for _ in range(3):
        received = bo.group.process(ana.reload().group.encrypt(b"hello"), at=0)
        assert isinstance(received, ApplicationMessage)
        generations.append(received.generation)

    assert generations == [0, 1, 2]


def test_6_a_path_leaf_with_the_old_signature() -> None:
    """The leaf of a path is signed anew, for its place in this group."""
    ana, bo = room("ana", "bo")
    before = ana.group.tree.leaf(ana.index)

    everyone([ana, bo], ana.group.stage_commit(force_path=True))

    leaf = bo.group.tree.leaf(ana.index)
    assert leaf.signature != before.signature
    leaf.verify_signature(SUITE, group_id=GROUP_ID, leaf_index=ana.index)


def test_7_a_joiner_without_its_leaf_key() -> None:
    """Who joins by a Welcome follows the first path that anybody makes."""
    ana, bo, cy = room("ana", "bo", "cy")

    everyone([ana, bo, cy], bo.group.stage_commit(force_path=True))
    everyone([ana, bo, cy], cy.group.stage_commit(removes=[ana.index]))

    assert bo.group.epoch_authenticator == cy.group.epoch_authenticator


def test_8_a_group_info_of_no_member() -> None:
    """A GroupInfo is believed if the member that it names signed it: not a stranger, not its external key."""
    ana, bo = room("ana", "bo")
    info = MLSMessage.decode(ana.group.group_info(with_tree=True)).expect(GroupInfo)
    stranger = SUITE.generate_signature_key()

    for liar in (info.signed(SUITE, stranger), replace(info, signer=bo.index)):
        with pytest.raises(InvalidSignature):
            PublicGroup.from_group_info(liar, None, now_ms=None)

    cy = Member("cy")
    bundle = cy.key_package()
    staged = ana.group.stage_commit(adds=[bundle.key_package])
    opened = open_welcome(MLSMessage.decode(staged.welcome or b"").expect(Welcome), bundle)
    assert opened.group_info.signer == ana.index

"""A message in our own name is what it proves to be: our leaf's, or anybody's."""

import os

import pytest

from yurt.mls import tree_math
from yurt.mls.errors import DecryptionFailed, InvalidSignature, NoSuchNode, OwnMessage, TooFarAhead
from yurt.mls.framed_content import AuthenticatedContent, FramedContent, Sender, WireFormat
from yurt.mls.framing import MLSMessage
from yurt.mls.group_store import EpochRows, MemoryGroupStore
from yurt.mls.member_epoch import MemberEpoch
from yurt.mls.message_protection import no_padding, seal_private
from yurt.mls.rehearsal import GROUP_ID, SUITE, Member, room
from yurt.mls.secret_tree import MessageKey, RatchetKind, SecretTree


def _in_the_name_of(victim: int, by: Member, generation: int, *, garbled: bool = False) -> bytes:
    """What any member can make: the victim's message key, the victim's number, the own signature."""
    slots = {slot: value for _, slot, value in by.store.rows(GROUP_ID)}
    epoch = MemberEpoch.load(EpochRows(by.store, GROUP_ID, 1), slots)
    scratch = EpochRows(MemoryGroupStore(), GROUP_ID, 1)
    tree = SecretTree.load(SUITE, epoch.public.tree.size, scratch, slots)
    reach = min(generation, 1000)
    key = tree.peek(victim, RatchetKind.APPLICATION, reach).key
    key = MessageKey(generation, bytes(len(key.key)) if garbled else key.key, key.nonce)
    framed = FramedContent(GROUP_ID, 1, Sender.member(victim), b"", b"I never said this")
    content = AuthenticatedContent.sign(
        SUITE, epoch.signature_private, WireFormat.PRIVATE_MESSAGE, framed, epoch.context_bytes
    )
    secret = epoch.secrets.sender_data_secret
    return MLSMessage(seal_private(SUITE, content, secret, key, no_padding, os.urandom)).encode()


def test_nobody_speaks_as_us_to_ourselves() -> None:
    """A member who writes our number on a message proves nothing, so nothing is believed of it."""
    ana, bo = room("ana", "bo")

    with pytest.raises(InvalidSignature):
        ana.group.process(_in_the_name_of(ana.index, bo, 7), at=0)
    with pytest.raises(DecryptionFailed):
        ana.group.process(_in_the_name_of(ana.index, bo, 7, garbled=True), at=0)
    with pytest.raises(TooFarAhead):
        ana.group.process(_in_the_name_of(ana.index, bo, 2**31), at=0)


def test_our_own_ratchet_is_not_moved_by_others() -> None:
    """After a forgery the next message goes out with the next key, and is read."""
    ana, bo = room("ana", "bo")
    with pytest.raises(InvalidSignature):
        ana.group.process(_in_the_name_of(ana.index, bo, 3), at=0)

    first = bo.group.process(ana.reload().group.encrypt(b"hello"), at=0)

    assert getattr(first, "generation", None) == 0


def test_our_own_message_comes_back() -> None:
    """Its key is gone, so that it is ours cannot be proved any more."""
    ana, _ = room("ana", "bo")

    with pytest.raises(OwnMessage) as error:
        ana.group.process(ana.group.encrypt(b"once"), at=0)

    assert not error.value.is_proved


def test_a_copy_of_our_state_speaks() -> None:
    """A message that our leaf signed and that we did not send is proof: somebody else has our state."""
    ana, _ = room("ana", "bo")
    assert isinstance(ana.store, MemoryGroupStore)
    copy = Member("ana", store=ana.store)
    copy.store = ana.store.copy()

    with pytest.raises(OwnMessage) as error:
        ana.group.process(copy.reload().group.encrypt(b"from the copy"), at=0)

    assert error.value.is_proved


@pytest.mark.parametrize("node", [-1, 15, 16, 2**40])
def test_paths_begin_inside_the_tree(node: int) -> None:
    """A node outside the tree has no ancestors in it; asking for them is a mistake, not a loop."""
    with pytest.raises(NoSuchNode):
        tree_math.direct_path(node, 8)
    with pytest.raises(NoSuchNode):
        tree_math.copath(node, 8)

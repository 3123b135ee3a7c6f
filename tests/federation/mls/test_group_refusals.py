import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from yurt.mls.codec import Writer
from yurt.mls.commit import Commit, ProposalRef
from yurt.mls.errors import (
    DecodeError,
    DecryptionFailed,
    InvalidGroupInfo,
    InvalidMessage,
    InvalidSignature,
    InvalidTag,
    NotAMember,
    RemoteMlsError,
    TooFarAhead,
    UnknownProposal,
    Unsupported,
    ValidationError,
)
from yurt.mls.framed_content import (
    AuthenticatedContent,
    Content,
    FramedContent,
    FramedContentAuthData,
    Sender,
    SenderType,
    WireFormat,
)
from yurt.mls.framing import MLSMessage, PrivateMessage, PublicMessage, SenderData
from yurt.mls.group import Group
from yurt.mls.group_info import GroupInfo
from yurt.mls.group_store import EpochRows, MemoryGroupStore
from yurt.mls.joining import join, open_welcome
from yurt.mls.key_package import KeyPackage
from yurt.mls.labels import encrypt_with_label
from yurt.mls.member_epoch import MemberEpoch
from yurt.mls.message_epoch import ApplicationMessage, MessageEpoch
from yurt.mls.message_protection import no_padding, seal_public, sender_data_key
from yurt.mls.rehearsal import GROUP_ID, NOT_AFTER, SUITE, Member, own_leaf, room
from yurt.mls.secret_tree import MAX_FORWARD, SecretTree
from yurt.mls.welcome import EncryptedGroupSecrets, GroupSecrets, Welcome


def secrets_of(member: Member) -> MemberEpoch:
    """Look into a member's rows: what an insider with bad intentions knows."""
    epoch = member.group.epoch
    slots = {slot: value for number, slot, value in member.store.rows(GROUP_ID) if number == epoch}
    return MemberEpoch.load(EpochRows(member.store, GROUP_ID, epoch), slots)


def changed(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def public_of(message: bytes) -> PublicMessage:
    return MLSMessage.decode(message).expect(PublicMessage)


def framed(insider: Member, content: Content, *, sender: Sender | None = None) -> bytes:
    """Frame content as a member can: with a genuine membership tag, whatever the content."""
    epoch, context = secrets_of(insider), insider.group.context
    said = FramedContent(GROUP_ID, context.epoch, sender or Sender.member(insider.index), b"", content)
    signed = AuthenticatedContent.sign(
        SUITE, epoch.signature_private, WireFormat.PUBLIC_MESSAGE, said, epoch.context_bytes
    )
    if isinstance(content, Commit):
        signed = replace(signed, auth=FramedContentAuthData(signed.auth.signature, bytes(32)))
    message = seal_public(SUITE, signed, epoch.secrets.membership_key, epoch.context_bytes)
    return MLSMessage(message).encode()


def retagged(insider: Member, message: PublicMessage) -> bytes:
    """Give a changed message a genuine membership tag, as only a member can."""
    epoch = secrets_of(insider)
    content = message.authenticated_content()
    again = seal_public(SUITE, content, epoch.secrets.membership_key, epoch.context_bytes)
    return MLSMessage(again).encode()


def refused_everywhere(reader: Member, message: bytes, error: type[RemoteMlsError]) -> None:
    """Check that a message is refused and that the refusal changed no row."""
    before = sorted(reader.store.rows(GROUP_ID))
    with pytest.raises(error):
        reader.group.process(message, at=0)
    assert sorted(reader.store.rows(GROUP_ID)) == before


def test_a_wrong_membership_tag() -> None:
    """A commit that no member framed is refused before anything else."""
    ana, bo = room("ana", "bo")
    message = public_of(ana.group.stage_commit(force_path=True).commit)

    forged = replace(message, membership_tag=changed(message.membership_tag or b""))

    refused_everywhere(bo, MLSMessage(forged).encode(), InvalidTag)


def test_a_wrong_confirmation_tag() -> None:
    """A commit whose author did not reach the same keys as we is refused."""
    ana, bo = room("ana", "bo")
    message = public_of(ana.group.stage_commit(force_path=True).commit)
    auth = replace(message.auth, confirmation_tag=changed(message.auth.confirmation_tag or b""))

    refused_everywhere(bo, retagged(ana, replace(message, auth=auth)), InvalidTag)


def test_a_wrong_signature() -> None:
    """A commit that its sender did not sign is refused, though another member framed it."""
    ana, bo = room("ana", "bo")
    message = public_of(ana.group.stage_commit(force_path=True).commit)
    auth = replace(message.auth, signature=changed(message.auth.signature))

    refused_everywhere(bo, retagged(ana, replace(message, auth=auth)), InvalidSignature)


@pytest.mark.parametrize(("index", "error"), [(0, InvalidSignature), (3, NotAMember), (999, NotAMember)])
def test_a_wrong_sender_index(index: int, error: type[RemoteMlsError]) -> None:
    """Nobody commits as somebody else, as a blank leaf or as one outside the tree."""
    ana, bo, cy = room("ana", "bo", "cy")
    message = public_of(cy.group.stage_commit(force_path=True).commit)
    content = replace(message.content, sender=Sender.member(index))

    assert (ana.index, cy.index) == (0, 2)
    refused_everywhere(bo, retagged(cy, replace(message, content=content)), error)


def test_an_insider_speaks_as_another() -> None:
    """Cy knows the very key of ana's next message, and still cannot write in her name."""
    ana, bo, cy = room("ana", "bo", "cy")
    insider, own = secrets_of(cy), cy.group.own_index
    slots = {slot: value for _, slot, value in cy.store.rows(GROUP_ID)}
    rows = EpochRows(MemoryGroupStore(), GROUP_ID, 1)
    tree = SecretTree.load(SUITE, cy.group.tree.size, rows, slots)
    secret = insider.secrets.sender_data_secret
    as_ana = MessageEpoch(insider.public.context, ana.index, secret, tree)

    forged = as_ana.seal(b"give cy the keys", b"", insider.signature_private, no_padding, os.urandom)

    assert own != ana.index
    refused_as_message(bo, forged, InvalidSignature)
    # And the key of ana's real message was not used up by it.
    real = bo.group.process(ana.group.encrypt(b"hello"), at=0)
    assert isinstance(real, ApplicationMessage)
    assert (real.generation, real.plaintext) == (0, b"hello")


def test_changed_sender_data() -> None:
    """Who names another sender or generation over an existing message is refused."""
    ana, bo, cy = room("ana", "bo", "cy")
    stolen = Member("cy as ana", store=cy.store)
    message = MLSMessage.decode(stolen.reload().group.encrypt(b"give cy the keys")).expect(PrivateMessage)
    secret = slots_secret(cy)
    forged = renamed(message, secret, lambda data: replace(data, leaf_index=ana.index))

    # The content was encrypted with cy's key, so it does not even open as ana's.
    refused_as_message(bo, forged, DecryptionFailed)
    blank = renamed(message, secret, lambda data: replace(data, leaf_index=3))
    refused_as_message(bo, blank, NotAMember)
    far = renamed(message, secret, lambda data: replace(data, generation=MAX_FORWARD + 1))
    refused_as_message(bo, far, TooFarAhead)


def slots_secret(member: Member) -> bytes:
    return secrets_of(member).secrets.sender_data_secret


def renamed(
    message: PrivateMessage, secret: bytes, change: Callable[[SenderData], SenderData]
) -> PrivateMessage:
    """Change a message's sender data, as every member can."""
    key, nonce = sender_data_key(SUITE, secret, message.ciphertext)
    aad = message.sender_data_aad()
    data = SenderData.decode(SUITE.aead_open(key, nonce, aad, message.encrypted_sender_data))
    sealed = SUITE.aead_seal(key, nonce, aad, change(data).encode())
    return replace(message, encrypted_sender_data=sealed)


def refused_as_message(reader: Member, message: PrivateMessage, error: type[RemoteMlsError]) -> None:
    with pytest.raises(error):
        reader.group.process(MLSMessage(message).encode(), at=0)


def test_a_forgery_does_not_use_up_the_key() -> None:
    """A message that claims a generation and does not open leaves it to the real one."""
    ana, bo = room("ana", "bo")
    real = ana.group.encrypt(b"real")
    message = MLSMessage.decode(real).expect(PrivateMessage)
    tail = message.ciphertext[:-1] + changed(message.ciphertext[-1:])

    refused_as_message(bo, replace(message, ciphertext=tail), DecryptionFailed)

    message_of_ana = bo.group.process(real, at=0)
    assert isinstance(message_of_ana, ApplicationMessage)
    assert message_of_ana.plaintext == b"real"


def test_what_a_malicious_member_commits() -> None:
    """A member may sign any commit: whatever is wrong inside is refused by name, at whatever depth."""
    ana, bo, _, _ = room("ana", "bo", "cy", "dee")
    package = Member("eli").key_package().key_package
    commit = public_of(ana.group.stage_commit(adds=[package], removes=[2], force_path=True).commit)
    assert isinstance(commit.content.content, Commit)
    data, refused = commit.content.content.encode(), 0

    for place in range(0, len(data), 3):
        bad = data[:place] + bytes([data[place] ^ 0x11]) + data[place + 1 :]
        try:
            message = framed(ana, Commit.decode(bad))
        except DecodeError:
            continue
        refused_everywhere(bo, message, RemoteMlsError)
        refused += 1

    assert refused > 100


@pytest.mark.parametrize("sender_type", [SenderType.EXTERNAL, SenderType.NEW_MEMBER_COMMIT])
def test_commits_from_outside(sender_type: SenderType) -> None:
    """A member's commit without its membership tag does not pass for one of somebody outside."""
    ana, bo = room("ana", "bo")
    index = 0 if sender_type is SenderType.EXTERNAL else None
    message = public_of(ana.group.stage_commit(force_path=True).commit)
    outside = replace(message.content, sender=Sender(sender_type, index))

    forged = replace(message, content=outside, membership_tag=None)

    refused_everywhere(bo, MLSMessage(forged).encode(), RemoteMlsError)


def test_what_the_log_does_not_carry() -> None:
    """Proposals that never came, encrypted handshakes, open content: each has its name."""
    ana, bo = room("ana", "bo")
    welcome = Member("dee").key_package().key_package

    refused_everywhere(bo, framed(ana, Commit((ProposalRef(bytes(32)),))), UnknownProposal)
    refused_everywhere(bo, MLSMessage(welcome).encode(), Unsupported)
    refused_everywhere(bo, b"\x00\x01\x00\x01 not a message", DecodeError)
    open_text = PublicMessage(
        FramedContent(GROUP_ID, 1, Sender.member(0), b"", b"hello"), FramedContentAuthData(b""), bytes(32)
    )
    refused_everywhere(bo, MLSMessage(open_text).encode(), InvalidMessage)


def test_a_commit_that_removes_its_own_author() -> None:
    """A member cannot commit its own removal; staging says so as everybody would."""
    ana, bo = room("ana", "bo")

    with pytest.raises(ValidationError):
        bo.group.stage_commit(removes=[bo.index])
    assert bo.group.pending is None
    with pytest.raises(RemoteMlsError):
        ana.group.stage_commit(removes=[7])


def test_an_expired_key_package() -> None:
    """An added key package is judged by the log's time, the same at every member."""
    ana, bo = room("ana", "bo")
    late = (NOT_AFTER + 1) * 1000
    staged = ana.group.stage_commit(adds=[Member("cy").key_package().key_package])

    with pytest.raises(ValidationError):
        bo.group.process(staged.commit, at=late)
    ana.group.discard()
    with pytest.raises(ValidationError):
        ana.group.stage_commit(adds=[Member("cy").key_package().key_package], at=late)


# --- Welcomes ---


def invited() -> tuple[Member, Member, Welcome]:
    ana, bo = Member("ana").found(), Member("bo")
    staged = ana.group.stage_commit(adds=[bo.key_package().key_package], force_path=True)
    ana.group.merge()
    return ana, bo, MLSMessage.decode(staged.welcome or b"").expect(Welcome)


def join_refused(bo: Member, welcome: Welcome, error: type[RemoteMlsError]) -> None:
    with pytest.raises(error):
        bo.join(MLSMessage(welcome).encode())
    assert not list(bo.store.rows(GROUP_ID))


def rewritten(
    ana: Member,
    bo: Member,
    welcome: Welcome,
    change: Callable[[GroupInfo], GroupInfo],
    secrets: Callable[[GroupSecrets], GroupSecrets] = lambda same: same,
) -> Welcome:
    """Make another Welcome for bo, as its sender can: everything in it changed at will."""
    assert bo.bundle is not None
    opened = open_welcome(welcome, bo.bundle)
    key, nonce = opened.entry.welcome_key()
    info = change(opened.group_info).signed(SUITE, secrets_of(ana).signature_private)
    sealed = SUITE.aead_seal(key, nonce, b"", info.encode())
    package = bo.bundle.key_package
    inner = secrets(opened.group_secrets).encode()
    to_bo = encrypt_with_label(SUITE, package.init_key, "Welcome", sealed, inner)
    return Welcome(1, (EncryptedGroupSecrets(package.ref(SUITE), to_bo),), sealed)


def test_a_welcome_as_it_should_be() -> None:
    """The rewritten Welcome of these tests is one that works, if nothing is changed in it."""
    ana, bo, welcome = invited()

    bo.join(MLSMessage(rewritten(ana, bo, welcome, lambda info: info)).encode())

    assert bo.group.epoch_authenticator == ana.group.epoch_authenticator


def test_a_welcome_for_somebody_else() -> None:
    """A Welcome opens only with the key package it was made for."""
    _, bo, welcome = invited()
    bo.key_package()

    join_refused(bo, welcome, DecryptionFailed)


def test_a_changed_welcome() -> None:
    """No part of a Welcome can be changed on its way."""
    _, bo, welcome = invited()

    join_refused(
        bo, replace(welcome, encrypted_group_info=changed(welcome.encrypted_group_info)), DecryptionFailed
    )


def test_a_welcome_with_a_wrong_confirmation_tag() -> None:
    """A GroupInfo that does not fit the epoch's secrets is refused."""
    ana, bo, welcome = invited()

    forged = rewritten(
        ana, bo, welcome, lambda info: replace(info, confirmation_tag=changed(info.confirmation_tag))
    )

    join_refused(bo, forged, InvalidTag)


def test_a_welcome_signed_by_another_leaf() -> None:
    """The GroupInfo is signed by the leaf that it names, not by any."""
    ana, bo, welcome = invited()

    join_refused(bo, rewritten(ana, bo, welcome, lambda info: replace(info, signer=1)), InvalidSignature)
    join_refused(bo, rewritten(ana, bo, welcome, lambda info: replace(info, signer=9)), RemoteMlsError)


def test_a_welcome_with_another_tree() -> None:
    """The tree in a Welcome must be the one that the group's context names."""
    ana, bo, welcome = invited()
    stranger = Member("mallory").found()
    tree = Writer().raw(stranger.group.tree.encode()).bytes()

    forged = rewritten(
        ana,
        bo,
        welcome,
        lambda info: replace(info, extensions=(replace(info.extensions[0], extension_data=tree),)),
    )

    join_refused(bo, forged, RemoteMlsError)


def test_a_welcome_with_a_wrong_path_secret() -> None:
    """A path secret that does not give the tree's keys is refused, not stored."""
    ana, bo, welcome = invited()

    forged = rewritten(
        ana, bo, welcome, lambda info: info, lambda secrets: replace(secrets, path_secret=bytes(32))
    )

    join_refused(bo, forged, InvalidGroupInfo)


def test_a_welcome_that_is_none() -> None:
    """Any other message where a Welcome belongs is malformed."""
    _, bo, _ = invited()
    assert bo.bundle is not None
    package: KeyPackage = bo.bundle.key_package

    with pytest.raises(DecodeError):
        join(MLSMessage(package).encode(), bo.bundle, None)


def test_no_welcome_into_a_group_that_is_known() -> None:
    """A refused join leaves the rows of a group of the same id alone."""
    ana, bo, welcome = invited()
    before = list(ana.store.rows(GROUP_ID))

    with pytest.raises(Exception, match="group"):
        Group.join(ana.store, MLSMessage(welcome).encode(), bo.bundle or ana.key_package())

    assert list(ana.store.rows(GROUP_ID)) == before
    assert own_leaf("ana") != own_leaf("ana")

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from yurt.mls import message_protection as protection
from yurt.mls.cipher_suite import CipherSuite, cipher_suite
from yurt.mls.codec import Reader
from yurt.mls.commit import Commit
from yurt.mls.errors import DecodeError, DecryptionFailed, InvalidSignature, InvalidTag
from yurt.mls.framed_content import (
    AuthenticatedContent,
    Content,
    FramedContent,
    FramedContentAuthData,
    Sender,
    WireFormat,
)
from yurt.mls.framing import MLSMessage, PrivateMessage, PublicMessage
from yurt.mls.group_context import GroupContext
from yurt.mls.group_store import EpochRows, MemoryGroupStore
from yurt.mls.proposals import read_proposal
from yurt.mls.secret_tree import RatchetKind, SecretTree

Case = dict[str, Any]
Load = Callable[[str], list[Case]]
SENDER = 1
unhex = bytes.fromhex


@pytest.fixture
def case(of_suite: Load) -> Case:
    """Give the vector of each suite in turn."""
    (case,) = of_suite("message-protection")
    return case


def suite_of(case: Case) -> CipherSuite:
    return cipher_suite(case["cipher_suite"])


def context_of(case: Case) -> bytes:
    return GroupContext(
        case["cipher_suite"],
        unhex(case["group_id"]),
        case["epoch"],
        unhex(case["tree_hash"]),
        unhex(case["confirmed_transcript_hash"]),
    ).encode()


def secret_tree_of(case: Case) -> SecretTree:
    rows = EpochRows(MemoryGroupStore(), unhex(case["group_id"]), case["epoch"])
    return SecretTree.plant(suite_of(case), 2, unhex(case["encryption_secret"]), rows)


def contents_of(case: Case) -> dict[str, Content]:
    return {
        "proposal": read_proposal(Reader(unhex(case["proposal"]))),
        "commit": Commit.decode(unhex(case["commit"])),
        "application": unhex(case["application"]),
    }


def signed(case: Case, wire_format: WireFormat, content: Content) -> AuthenticatedContent:
    framed = FramedContent(unhex(case["group_id"]), case["epoch"], Sender.member(SENDER), b"aad", content)
    private = unhex(case["signature_priv"])
    authenticated = AuthenticatedContent.sign(suite_of(case), private, wire_format, framed, context_of(case))
    if isinstance(content, Commit):
        auth = FramedContentAuthData(authenticated.auth.signature, bytes(suite_of(case).hash_size))
        authenticated = replace(authenticated, auth=auth)
    return authenticated


def open_private(case: Case, message: PrivateMessage, tree: SecretTree) -> AuthenticatedContent:
    sender = protection.open_sender_data(suite_of(case), message, unhex(case["sender_data_secret"]))
    step = tree.peek(sender.leaf_index, protection.ratchet_of(message.content_type), sender.generation)
    content = protection.open_private(suite_of(case), message, sender, step.key)
    content.verify_signature(suite_of(case), unhex(case["signature_pub"]), context_of(case))
    tree.consume(step)
    return content


def seal_private(case: Case, content: Content, padding: protection.Padding) -> PrivateMessage:
    authenticated = signed(case, WireFormat.PRIVATE_MESSAGE, content)
    kind = protection.ratchet_of(authenticated.content.content_type)
    key = secret_tree_of(case).next_key(SENDER, kind)
    secret = unhex(case["sender_data_secret"])
    return protection.seal_private(suite_of(case), authenticated, secret, key, padding, os.urandom)


def open_public(case: Case, message: PublicMessage) -> AuthenticatedContent:
    key, context = unhex(case["membership_key"]), context_of(case)
    content = protection.open_public(suite_of(case), message, key, context)
    content.verify_signature(suite_of(case), unhex(case["signature_pub"]), context)
    return content


def seal_public(case: Case, content: Content) -> PublicMessage:
    authenticated = signed(case, WireFormat.PUBLIC_MESSAGE, content)
    return protection.seal_public(
        suite_of(case), authenticated, unhex(case["membership_key"]), context_of(case)
    )


@pytest.mark.parametrize("kind", ["proposal", "commit", "application"])
def test_official_private_messages(case: Case, kind: str) -> None:
    """The vector's message opens to its content, and our own message of it does too."""
    content = contents_of(case)[kind]
    theirs = MLSMessage.decode(unhex(case[f"{kind}_priv"])).body
    assert isinstance(theirs, PrivateMessage)
    ours = seal_private(case, content, lambda length: length + 17)

    for message in (theirs, ours):
        assert open_private(case, message, secret_tree_of(case)).content.content == content


@pytest.mark.parametrize("kind", ["proposal", "commit"])
def test_official_public_messages(case: Case, kind: str) -> None:
    """The vector's message verifies, and our own message of its content does too."""
    content = contents_of(case)[kind]
    theirs = MLSMessage.decode(unhex(case[f"{kind}_pub"])).body
    assert isinstance(theirs, PublicMessage)

    for message in (theirs, seal_public(case, content)):
        assert open_public(case, message).content.content == content


def test_wrong_membership_tag(case: Case) -> None:
    """Who does not know the epoch's membership key cannot frame a message of it."""
    message = seal_public(case, contents_of(case)["proposal"])
    tag = message.membership_tag or b""

    for wrong in (bytes([tag[0] ^ 1]) + tag[1:], tag[:-1], b""):
        with pytest.raises(InvalidTag, match="membership"):
            open_public(case, replace(message, membership_tag=wrong))


def test_another_sender_index(case: Case) -> None:
    """A message says who sent it under its tag and signature: nobody can change the name."""
    message = seal_public(case, contents_of(case)["proposal"])
    stolen = replace(message, content=replace(message.content, sender=Sender.member(0)))

    with pytest.raises(InvalidTag):
        open_public(case, stolen)


def test_a_member_cannot_speak_as_another(case: Case) -> None:
    """A member knows every key of the epoch but not another's signature key."""
    other = suite_of(case).generate_signature_key()
    forged = replace_signer(case, other)

    with pytest.raises(InvalidSignature):
        open_private(case, forged, secret_tree_of(case))


def replace_signer(case: Case, private: bytes) -> PrivateMessage:
    return seal_private({**case, "signature_priv": private.hex()}, b"hello", protection.no_padding)


@pytest.mark.parametrize("part", ["encrypted_sender_data", "ciphertext", "authenticated_data", "epoch"])
def test_anything_changed(case: Case, part: str) -> None:
    """No part of an encrypted message can be changed on its way."""
    message = seal_private(case, b"hello", protection.no_padding)
    value = getattr(message, part)
    changes: dict[str, Any] = {
        part: value + 1 if isinstance(value, int) else bytes([value[0] ^ 1]) + value[1:]
    }

    with pytest.raises(DecryptionFailed):
        open_private(case, replace(message, **changes), secret_tree_of(case))


def test_padding_hides_the_size(case: Case) -> None:
    """Two texts padded to one size make messages of one size."""

    def to_256(length: int) -> int:
        return length + -length % 256

    sizes = {len(seal_private(case, text, to_256).ciphertext) for text in (b"no", b"a longer text")}

    assert len(sizes) == 1


def test_padding_must_be_zeros(case: Case) -> None:
    """Padding carries no second message."""
    authenticated = signed(case, WireFormat.PRIVATE_MESSAGE, b"hello")
    key = secret_tree_of(case).next_key(SENDER, RatchetKind.APPLICATION)
    secret = unhex(case["sender_data_secret"])
    smuggled = replace(authenticated.auth, confirmation_tag=b"smuggled")

    message = protection.seal_private(
        suite_of(case), replace(authenticated, auth=smuggled), secret, key, protection.no_padding, os.urandom
    )

    with pytest.raises(DecodeError, match="padding"):
        open_private(case, message, secret_tree_of(case))

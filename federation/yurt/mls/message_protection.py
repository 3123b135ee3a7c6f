"""Putting signed content on the road and taking it off again (RFC 9420, 6.2 and 6.3).

A PublicMessage gets a membership tag. A PrivateMessage gets one layer of encryption for its content, with
a key that is used once, and another for who sent it. Nothing here verifies a signature: what comes out is
AuthenticatedContent, which its taker verifies with the sender's key from the tree of the message's epoch.

    message = seal_private(suite, content, sender_data_secret, tree.next_key(own, kind), padding, os.urandom)
    sender = open_sender_data(suite, message, sender_data_secret)
    step = tree.peek(sender.leaf_index, ratchet_of(message.content_type), sender.generation)
    content = open_private(suite, message, sender, step.key)
"""

from collections.abc import Callable
from typing import Final

from yurt.mls.algorithms import Random
from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.errors import InvalidTag
from yurt.mls.framed_content import (
    AuthenticatedContent,
    ContentType,
    FramedContent,
    Sender,
    WireFormat,
    authenticated_content_tbm,
)
from yurt.mls.framing import PrivateMessage, PrivateMessageContent, PublicMessage, SenderData
from yurt.mls.key_schedule import same_tag
from yurt.mls.labels import expand_with_label
from yurt.mls.secret_tree import MessageKey, RatchetKind

REUSE_GUARD_SIZE: Final = 4

Padding = Callable[[int], int]
"""Takes the length in bytes of what is encrypted (content and signature), gives the length to pad it to."""


def no_padding(length: int) -> int:
    """Leave the length as it is."""
    return length


def ratchet_of(content_type: ContentType) -> RatchetKind:
    """Tell which ratchet encrypts a kind of content."""
    if content_type is ContentType.APPLICATION:
        return RatchetKind.APPLICATION
    return RatchetKind.HANDSHAKE


# --- in the open ---


def membership_tag(
    suite: CipherSuite, membership_key: bytes, content: AuthenticatedContent, context: bytes
) -> bytes:
    """Compute the MAC that shows a PublicMessage's sender to be in the group (6.2).

    Args:
        suite: The group's.
        membership_key: Of the message's epoch.
        content: The signed content, its confirmation tag included.
        context: The encoded GroupContext of the message's epoch.
    """
    return suite.hmac(membership_key, authenticated_content_tbm(content, context))


def seal_public(
    suite: CipherSuite, content: AuthenticatedContent, membership_key: bytes, context: bytes
) -> PublicMessage:
    """Frame a member's signed content readably."""
    tag = membership_tag(suite, membership_key, content, context)
    return PublicMessage(content.content, content.auth, tag)


def open_public(
    suite: CipherSuite, message: PublicMessage, membership_key: bytes, context: bytes
) -> AuthenticatedContent:
    """Take a member's message out of its frame.

    Raises:
        InvalidTag: No member of this epoch framed it so.
        InvalidMessage: It carries application data.
    """
    content = message.authenticated_content()
    expected = membership_tag(suite, membership_key, content, context)
    if not same_tag(expected, message.membership_tag or b""):
        raise InvalidTag("membership")
    return content


# --- encrypted ---


def sender_data_key(suite: CipherSuite, sender_data_secret: bytes, ciphertext: bytes) -> tuple[bytes, bytes]:
    """Derive the key and nonce of the sender data from the ciphertext it belongs to (6.3.2)."""
    sample = ciphertext[: suite.hash_size]
    key = expand_with_label(suite, sender_data_secret, "key", sample, suite.key_size)
    return key, expand_with_label(suite, sender_data_secret, "nonce", sample, suite.nonce_size)


def seal_private(
    suite: CipherSuite,
    content: AuthenticatedContent,
    sender_data_secret: bytes,
    key: MessageKey,
    padding: Padding,
    random: Random,
) -> PrivateMessage:
    """Encrypt a member's signed content.

    Args:
        suite: The group's.
        content: Signed for the wire format PRIVATE_MESSAGE.
        sender_data_secret: Of the message's epoch.
        key: Taken from our ratchet for this message and no other.
        padding: How long the zeros shall make it.
        random: Source of the reuse guard.
    """
    framed = content.content
    inner = PrivateMessageContent(framed.content, content.auth)
    plaintext = inner.encode()
    plaintext += bytes(max(0, padding(len(plaintext)) - len(plaintext)))
    sender = SenderData(framed.sender.index or 0, key.generation, random(REUSE_GUARD_SIZE))
    bare = PrivateMessage(
        framed.group_id, framed.epoch, framed.content_type, framed.authenticated_data, b"", b""
    )
    nonce = _guarded(key.nonce, sender.reuse_guard)
    ciphertext = suite.aead_seal(key.key, nonce, bare.content_aad(), plaintext)
    data_key, data_nonce = sender_data_key(suite, sender_data_secret, ciphertext)
    encrypted_sender = suite.aead_seal(data_key, data_nonce, bare.sender_data_aad(), sender.encode())
    return PrivateMessage(
        bare.group_id, bare.epoch, bare.content_type, bare.authenticated_data, encrypted_sender, ciphertext
    )


def open_sender_data(suite: CipherSuite, message: PrivateMessage, sender_data_secret: bytes) -> SenderData:
    """Decrypt who sent a message; nothing vouches for it until the content's signature is verified.

    Raises:
        DecryptionFailed: Not a message of this epoch, or changed.
    """
    key, nonce = sender_data_key(suite, sender_data_secret, message.ciphertext)
    aad = message.sender_data_aad()
    return SenderData.decode(suite.aead_open(key, nonce, aad, message.encrypted_sender_data))


def open_private(
    suite: CipherSuite, message: PrivateMessage, sender: SenderData, key: MessageKey
) -> AuthenticatedContent:
    """Decrypt a message's content.

    Raises:
        DecryptionFailed: It does not open with this key.
        DecodeError: The plaintext is malformed or its padding not zeros.
    """
    nonce = _guarded(key.nonce, sender.reuse_guard)
    plaintext = suite.aead_open(key.key, nonce, message.content_aad(), message.ciphertext)
    inner = PrivateMessageContent.decode(plaintext, message.content_type)
    framed = FramedContent(
        message.group_id,
        message.epoch,
        Sender.member(sender.leaf_index),
        message.authenticated_data,
        inner.content,
    )
    return AuthenticatedContent(WireFormat.PRIVATE_MESSAGE, framed, inner.auth)


def _guarded(nonce: bytes, reuse_guard: bytes) -> bytes:
    """Mix the reuse guard into a nonce's first bytes (6.3.1)."""
    start = bytes(a ^ b for a, b in zip(nonce, reuse_guard, strict=False))
    return start + nonce[REUSE_GUARD_SIZE:]

"""What it takes to read the messages of one epoch, the current one or one that ended.

A past epoch keeps exactly this: its context (which signatures cover), its leaves (for signature keys),
the sender data secret and the secret tree. Not its init secret, nor its exporter, nor any private key of
the ratchet tree.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from yurt.mls.algorithms import Random
from yurt.mls.cipher_suite import CipherSuite, cipher_suite
from yurt.mls.codec import Reader, Writer
from yurt.mls.errors import DecryptionFailed, OwnMessage, Replayed, RowsIncomplete, Unsupported
from yurt.mls.framed_content import AuthenticatedContent, ContentType, FramedContent, Sender, WireFormat
from yurt.mls.framing import PrivateMessage
from yurt.mls.group_context import GroupContext
from yurt.mls.group_store import EpochRows
from yurt.mls.leaf_node import LeafNode
from yurt.mls.message_protection import Padding, open_private, open_sender_data, ratchet_of, seal_private
from yurt.mls.past_leaves import Leaves, leaf_of
from yurt.mls.secret_tree import SecretTree

_VERSION = 1


@dataclass(frozen=True, slots=True)
class ApplicationMessage:
    """A genuine message of a member; its key is consumed."""

    sender: int
    """The leaf index in the tree of the message's epoch."""
    leaf: LeafNode
    """The sender's leaf as it was in that epoch."""
    epoch: int
    generation: int
    plaintext: bytes
    authenticated_data: bytes


class MessageEpoch:
    """Encrypts and decrypts within one epoch."""

    def __init__(
        self,
        context: GroupContext,
        own_index: int,
        sender_data_secret: bytes,
        secret_tree: SecretTree,
    ) -> None:
        self.context = context
        self.own_index = own_index
        self.suite: CipherSuite = cipher_suite(context.cipher_suite)
        self.context_bytes = context.encode()
        self._sender_data_secret = sender_data_secret
        self._secret_tree = secret_tree

    def seal(
        self,
        plaintext: bytes,
        authenticated_data: bytes,
        signature_private: bytes,
        padding: Padding,
        random: Random,
    ) -> PrivateMessage:
        """Sign and encrypt an application message; the advanced ratchet is written before this returns."""
        context = self.context
        sender = Sender.member(self.own_index)
        framed = FramedContent(context.group_id, context.epoch, sender, authenticated_data, plaintext)
        content = AuthenticatedContent.sign(
            self.suite, signature_private, WireFormat.PRIVATE_MESSAGE, framed, self.context_bytes
        )
        key = self._secret_tree.next_key(self.own_index, ratchet_of(ContentType.APPLICATION))
        return seal_private(self.suite, content, self._sender_data_secret, key, padding, random)

    def open(self, message: PrivateMessage, leaves: Leaves) -> ApplicationMessage:
        """Decrypt and verify an application message, then consume its key.

        Args:
            message: What came.
            leaves: The members of this epoch.

        Raises:
            NotAMember: The claimed leaf is blank.
            OwnMessage: In our name: with a key that we used, or (`is_proved`) signed elsewhere.
            Replayed: Seen before.
            TooFarAhead: Too many messages before it are missing.
            DecryptionFailed: Not encrypted in this epoch, or changed.
            InvalidSignature: Some other member framed it as the claimed one.
        """
        if message.content_type is not ContentType.APPLICATION:
            raise Unsupported("an encrypted handshake message")
        sender = open_sender_data(self.suite, message, self._sender_data_secret)
        leaf = leaf_of(leaves, sender.leaf_index)
        is_own = sender.leaf_index == self.own_index
        kind = ratchet_of(message.content_type)
        try:
            step = self._secret_tree.peek(sender.leaf_index, kind, sender.generation)
        except Replayed:
            if is_own:  # a key that we used is gone: nothing in the message can be checked any more
                raise OwnMessage(sender.generation) from None
            raise
        content = open_private(self.suite, message, sender, step.key)
        content.verify_signature(self.suite, leaf.signature_key, self.context_bytes)
        if is_own:
            # Any member can put our number into the sender data; only now is it ours (6.3.2).
            raise OwnMessage(sender.generation, is_proved=True)
        plaintext = content.content.content
        if not isinstance(plaintext, bytes):
            raise DecryptionFailed
        # Only now: a forgery must not use up the key of the message it claims to be.
        self._secret_tree.consume(step)
        return ApplicationMessage(
            sender.leaf_index,
            leaf,
            message.epoch,
            sender.generation,
            plaintext,
            message.authenticated_data,
        )

    # --- its rows; the secret tree writes its own ---

    def write(self, rows: EpochRows, ended_at: int | None = None) -> None:
        """Write the row beside those of the secret tree.

        Args:
            rows: Of this epoch.
            ended_at: Log time in ms at which it ended; None if it did not, or if that is not known yet.
        """
        w = Writer().u8(_VERSION).u32(self.own_index).opaque(self._sender_data_secret)
        w.u8(ended_at is not None).u64(ended_at or 0)
        rows.put("messages", w.bytes())

    @classmethod
    def load(
        cls, context: GroupContext, leaf_count: int, rows: EpochRows, slots: Mapping[str, bytes]
    ) -> "MessageEpoch":
        """Read an epoch back from its rows; its tree is `leaf_count` leaves wide.

        Raises:
            RowsIncomplete: Its row is missing.
        """
        if "messages" not in slots:
            raise RowsIncomplete(f"epoch {rows.epoch} has no 'messages'")
        own_index, secret, _ = _read_messages(slots["messages"])
        tree = SecretTree.load(cipher_suite(context.cipher_suite), leaf_count, rows, slots)
        return cls(context, own_index, secret, tree)


def ended_at(slots: Mapping[str, bytes]) -> int | None:
    """Read the log time in ms at which a past epoch ended, from its rows."""
    return _read_messages(slots["messages"])[2]


def _read_messages(value: bytes) -> tuple[int, bytes, int | None]:
    r = Reader(value)
    if r.u8() != _VERSION:
        raise RowsIncomplete("the epoch's rows are of a newer version")
    own_index, secret, is_known, time = r.u32(), r.opaque(), r.flag(), r.u64()
    return own_index, secret, time if is_known else None

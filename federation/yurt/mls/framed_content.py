"""What is said, by whom, in which group and epoch, under which signature (RFC 9420, 6.1).

FramedContent is what is said; AuthenticatedContent adds the signature. How they travel is in `framing`.

    content = FramedContent(group_id, epoch, Sender.member(3), b"", commit)
    signed = AuthenticatedContent.sign(suite, private, WireFormat.PUBLIC_MESSAGE, content, context)
    signed.verify_signature(suite, public, context)
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self, TypeAlias

from typing_extensions import override

from yurt.mls.capabilities import MLS_10
from yurt.mls.cipher_suite import CipherSuite
from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.commit import Commit
from yurt.mls.errors import DecodeError
from yurt.mls.group_context import GroupContext
from yurt.mls.labels import proposal_ref, sign_with_label, verify_with_label
from yurt.mls.proposals import Proposal, read_proposal, write_proposal

_LABEL = "FramedContentTBS"


class WireFormat(IntEnum):
    """What an MLSMessage holds (17.2)."""

    PUBLIC_MESSAGE = 1
    PRIVATE_MESSAGE = 2
    WELCOME = 3
    GROUP_INFO = 4
    KEY_PACKAGE = 5


class ContentType(IntEnum):
    """What a message says."""

    APPLICATION = 1
    PROPOSAL = 2
    COMMIT = 3


class SenderType(IntEnum):
    """Who may speak: a member, a named outsider, or somebody who joins."""

    MEMBER = 1
    EXTERNAL = 2
    NEW_MEMBER_PROPOSAL = 3
    NEW_MEMBER_COMMIT = 4


def read_wire_format(r: Reader) -> WireFormat:
    """Read a wire format."""
    value = r.u16()
    try:
        return WireFormat(value)
    except ValueError:
        raise DecodeError(f"wire format {value} is unknown") from None


def read_content_type(r: Reader) -> ContentType:
    """Read a content type."""
    value = r.u8()
    try:
        return ContentType(value)
    except ValueError:
        raise DecodeError(f"content type {value} is unknown") from None


@dataclass(frozen=True, slots=True)
class Sender(Structure):
    """Who sent a message."""

    sender_type: SenderType
    index: int | None = None
    """A member's leaf index, or an external sender's place in the group's list; None for new members."""

    @classmethod
    def member(cls, leaf_index: int) -> Self:
        """Name a member."""
        return cls(SenderType.MEMBER, leaf_index)

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        w.u8(self.sender_type)
        if self.index is not None:
            w.u32(self.index)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        value = r.u8()
        try:
            sender_type = SenderType(value)
        except ValueError:
            raise DecodeError(f"sender type {value} is unknown") from None
        indexed = sender_type in (SenderType.MEMBER, SenderType.EXTERNAL)
        return cls(sender_type, r.u32() if indexed else None)


Content: TypeAlias = bytes | Proposal | Commit
"""Application data, a proposal or a commit."""


def content_type_of(content: Content) -> ContentType:
    """Give the content type that a value is framed as."""
    if isinstance(content, bytes):
        return ContentType.APPLICATION
    return ContentType.COMMIT if isinstance(content, Commit) else ContentType.PROPOSAL


def write_content(w: Writer, content: Content) -> None:
    """Write content without its type."""
    if isinstance(content, bytes):
        w.opaque(content)
    elif isinstance(content, Commit):
        content.encode_to(w)
    else:
        write_proposal(w, content)


def read_content(r: Reader, content_type: ContentType) -> Content:
    """Read content of a known type."""
    match content_type:
        case ContentType.APPLICATION:
            return r.opaque()
        case ContentType.PROPOSAL:
            return read_proposal(r)
        case ContentType.COMMIT:
            return Commit.decode_from(r)


@dataclass(frozen=True, slots=True)
class FramedContent(Structure):
    """What is said, by whom, in which group and epoch."""

    group_id: bytes
    epoch: int
    sender: Sender
    authenticated_data: bytes
    content: Content

    @property
    def content_type(self) -> ContentType:
        """What kind of content it is."""
        return content_type_of(self.content)

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        w.opaque(self.group_id).u64(self.epoch)
        self.sender.encode_to(w)
        w.opaque(self.authenticated_data).u8(self.content_type)
        write_content(w, self.content)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        group_id, epoch, sender, authenticated_data = r.opaque(), r.u64(), Sender.decode_from(r), r.opaque()
        return cls(group_id, epoch, sender, authenticated_data, read_content(r, read_content_type(r)))


@dataclass(frozen=True, slots=True)
class FramedContentAuthData:
    """The signature, and for a commit the proof that its sender reached the next epoch."""

    signature: bytes
    confirmation_tag: bytes | None = None
    """Present exactly for a commit."""

    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        w.opaque(self.signature)
        if self.confirmation_tag is not None:
            w.opaque(self.confirmation_tag)

    @classmethod
    def decode_from(cls, r: Reader, content_type: ContentType) -> Self:
        """Read the structure; its shape depends on the content it stands behind."""
        return cls(r.opaque(), r.opaque() if content_type is ContentType.COMMIT else None)


def framed_content_tbs(
    wire_format: WireFormat, content: FramedContent, context: GroupContext | bytes
) -> bytes:
    """Encode FramedContentTBS (6.1); `context` is that of the message's epoch, perhaps encoded before."""
    w = Writer().u16(MLS_10).u16(wire_format)
    content.encode_to(w)
    if content.sender.sender_type in (SenderType.MEMBER, SenderType.NEW_MEMBER_COMMIT):
        w.raw(context if isinstance(context, bytes) else context.encode())
    return w.bytes()


def authenticated_content_tbm(content: "AuthenticatedContent", context: GroupContext | bytes) -> bytes:
    """Encode AuthenticatedContentTBM, over which the membership tag is computed (6.2)."""
    w = Writer().raw(framed_content_tbs(content.wire_format, content.content, context))
    content.auth.encode_to(w)
    return w.bytes()


@dataclass(frozen=True, slots=True)
class AuthenticatedContent(Structure):
    """What was said with its signature, however it travelled. Nothing in it is verified yet."""

    wire_format: WireFormat
    content: FramedContent
    auth: FramedContentAuthData

    @classmethod
    def sign(
        cls,
        suite: CipherSuite,
        private: bytes,
        wire_format: WireFormat,
        content: FramedContent,
        context: GroupContext | bytes,
    ) -> Self:
        """Sign content; a commit's confirmation tag is added later, it depends on the signature."""
        signature = sign_with_label(suite, private, _LABEL, framed_content_tbs(wire_format, content, context))
        return cls(wire_format, content, FramedContentAuthData(signature))

    def verify_signature(self, suite: CipherSuite, public: bytes, context: GroupContext | bytes) -> None:
        """Verify the signature with the sender's key, taken from the tree of the message's epoch.

        Raises:
            InvalidSignature: It does not fit.
        """
        tbs = framed_content_tbs(self.wire_format, self.content, context)
        verify_with_label(suite, public, _LABEL, tbs, self.auth.signature)

    def proposal_ref(self, suite: CipherSuite) -> bytes:
        """Name the proposal in it, as a later commit does (5.2)."""
        return proposal_ref(suite, self.encode())

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        w.u16(self.wire_format)
        self.content.encode_to(w)
        self.auth.encode_to(w)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        wire_format, content = read_wire_format(r), FramedContent.decode_from(r)
        return cls(wire_format, content, FramedContentAuthData.decode_from(r, content.content_type))

"""How content travels: readable, encrypted, and in one envelope for everything (RFC 9420, 6).

PublicMessage and PrivateMessage carry an AuthenticatedContent; MLSMessage is the outermost envelope.

    message = MLSMessage.decode(data)
    content = message.expect(PublicMessage).authenticated_content()
    content.verify_signature(suite, key, context)
    peek(data).epoch                                    # what a hub may know of any message
"""

from dataclasses import dataclass
from typing import Self, TypeAlias, TypeVar

from typing_extensions import override

from yurt.mls.capabilities import MLS_10
from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.errors import DecodeError, InvalidMessage
from yurt.mls.framed_content import (
    AuthenticatedContent,
    Content,
    ContentType,
    FramedContent,
    FramedContentAuthData,
    Sender,
    SenderType,
    WireFormat,
    authenticated_content_tbm,
    framed_content_tbs,
    read_content,
    read_content_type,
    read_wire_format,
    write_content,
)
from yurt.mls.group_info import GroupInfo
from yurt.mls.key_package import KeyPackage
from yurt.mls.validation.codes import MessageRule
from yurt.mls.welcome import Welcome

__all__ = [
    "AuthenticatedContent",
    "Content",
    "ContentType",
    "Envelope",
    "FramedContent",
    "FramedContentAuthData",
    "MLSMessage",
    "PrivateMessage",
    "PrivateMessageContent",
    "PublicMessage",
    "Sender",
    "SenderData",
    "SenderType",
    "WireFormat",
    "authenticated_content_tbm",
    "framed_content_tbs",
    "peek",
]


@dataclass(frozen=True, slots=True)
class PublicMessage(Structure):
    """A signed message that everybody on its way can read (6.2)."""

    content: FramedContent
    auth: FramedContentAuthData
    membership_tag: bytes | None = None
    """Present exactly if the sender is a member."""

    def authenticated_content(self) -> AuthenticatedContent:
        """Give what it carries; the membership tag is the caller's to check.

        Raises:
            InvalidMessage: Application data, which is never sent in the open (`applicationInTheOpen`).
        """
        if self.content.content_type is ContentType.APPLICATION:
            # 6: applications MUST use PrivateMessage for application messages.
            raise InvalidMessage(MessageRule.APPLICATION_IN_THE_OPEN)
        return AuthenticatedContent(WireFormat.PUBLIC_MESSAGE, self.content, self.auth)

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        self.content.encode_to(w)
        self.auth.encode_to(w)
        if self.membership_tag is not None:
            w.opaque(self.membership_tag)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        content = FramedContent.decode_from(r)
        auth = FramedContentAuthData.decode_from(r, content.content_type)
        is_member = content.sender.sender_type is SenderType.MEMBER
        return cls(content, auth, r.opaque() if is_member else None)


@dataclass(frozen=True, slots=True)
class PrivateMessage(Structure):
    """A signed message that only members can read (6.3)."""

    group_id: bytes
    epoch: int
    content_type: ContentType
    authenticated_data: bytes
    encrypted_sender_data: bytes
    ciphertext: bytes

    def sender_data_aad(self) -> bytes:
        """Encode SenderDataAAD (6.3.2)."""
        return Writer().opaque(self.group_id).u64(self.epoch).u8(self.content_type).bytes()

    def content_aad(self) -> bytes:
        """Encode PrivateContentAAD (6.3.1)."""
        return Writer().raw(self.sender_data_aad()).opaque(self.authenticated_data).bytes()

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        w.opaque(self.group_id).u64(self.epoch).u8(self.content_type).opaque(self.authenticated_data)
        w.opaque(self.encrypted_sender_data).opaque(self.ciphertext)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        return cls(r.opaque(), r.u64(), read_content_type(r), r.opaque(), r.opaque(), r.opaque())


@dataclass(frozen=True, slots=True)
class PrivateMessageContent:
    """The plaintext of a PrivateMessage: content, signature and zeros (6.3.1)."""

    content: Content
    auth: FramedContentAuthData

    def encode(self, padding: int = 0) -> bytes:
        """Encode with that many zero bytes at the end."""
        w = Writer()
        write_content(w, self.content)
        self.auth.encode_to(w)
        return w.raw(bytes(padding)).bytes()

    @classmethod
    def decode(cls, data: bytes, content_type: ContentType) -> Self:
        """Decode a plaintext; padding must be zeros, so that it hides no second message."""
        r = Reader(data)
        content = read_content(r, content_type)
        auth = FramedContentAuthData.decode_from(r, content_type)
        if any(r.raw(r.remaining)):
            raise DecodeError("the padding is not zeros")
        return cls(content, auth)


@dataclass(frozen=True, slots=True)
class SenderData(Structure):
    """Who encrypted a PrivateMessage and with which of its keys (6.3.2)."""

    leaf_index: int
    generation: int
    reuse_guard: bytes
    """Four random bytes, mixed into the nonce."""

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        w.u32(self.leaf_index).u32(self.generation).raw(self.reuse_guard)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        return cls(r.u32(), r.u32(), r.raw(4))


Body: TypeAlias = PublicMessage | PrivateMessage | Welcome | GroupInfo | KeyPackage

_BODIES: dict[WireFormat, type[Body]] = {
    WireFormat.PUBLIC_MESSAGE: PublicMessage,
    WireFormat.PRIVATE_MESSAGE: PrivateMessage,
    WireFormat.WELCOME: Welcome,
    WireFormat.GROUP_INFO: GroupInfo,
    WireFormat.KEY_PACKAGE: KeyPackage,
}

_WIRE_FORMATS = {body: wire_format for wire_format, body in _BODIES.items()}

T = TypeVar("T", PublicMessage, PrivateMessage, Welcome, GroupInfo, KeyPackage)


@dataclass(frozen=True, slots=True)
class MLSMessage(Structure):
    """The envelope of everything that travels on its own."""

    body: Body

    @property
    def wire_format(self) -> WireFormat:
        """What kind of body it is."""
        return _WIRE_FORMATS[type(self.body)]

    def expect(self, kind: type[T]) -> T:
        """Give the body if it is of one kind.

        Raises:
            DecodeError: It is of another.
        """
        if not isinstance(self.body, kind):
            raise DecodeError(f"a {kind.__name__} expected, not a {type(self.body).__name__}")
        return self.body

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        w.u16(MLS_10).u16(self.wire_format)
        self.body.encode_to(w)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        return cls(_BODIES[_read_header(r)].decode_from(r))


def _read_header(r: Reader) -> WireFormat:
    version = r.u16()
    if version != MLS_10:
        raise DecodeError(f"protocol version {version} is unknown")
    return read_wire_format(r)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What can be read of a group's message without being in the group; all of it unverified."""

    wire_format: WireFormat
    group_id: bytes
    epoch: int
    content_type: ContentType


def peek(message: bytes) -> Envelope:
    """Read the outside of a PublicMessage or PrivateMessage; what is inside may still be malformed.

    Raises:
        DecodeError: It is neither.
    """
    r = Reader(message)
    wire_format = _read_header(r)
    if wire_format not in (WireFormat.PUBLIC_MESSAGE, WireFormat.PRIVATE_MESSAGE):
        raise DecodeError(f"{wire_format.name} belongs to no epoch")
    group_id, epoch = r.opaque(), r.u64()
    if wire_format is WireFormat.PUBLIC_MESSAGE:
        Sender.decode_from(r)
        r.opaque()
    return Envelope(wire_format, group_id, epoch, read_content_type(r))

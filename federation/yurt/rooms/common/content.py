"""What people say in a room: the plaintext of a PrivateMessage, and the bytes beside it (TRUST 4).

The plaintext is a MessagePack map ``{"v": 1, "header": {...}, "content": <bytes>}``. ``content`` is itself
MessagePack, kept verbatim, because the next message of the same leaf carries its hash::

    {"type": "Create", "id": <16 bytes>, "object": {"type": "Note", "content": "hello"}}
    {"type": "Update", "id": <16 bytes>, "object": {"type": "Room", "name": "tea", "topic": ""}}

Names are those of Activity Streams. Edits, deletes, reactions and marks are in `yurt.rooms.common.said`,
which reads all kinds. A type that is not known here is kept as `UnknownContent`, and its bytes with it.
Whose it is comes from the leaf that encrypted it, never from the content.

    content = encode_content(Create(content_id, Note("hello")))
    plaintext = Plaintext(Header(0, b"", seen, chain), content).encode()
"""

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Final, Self, TypeVar

import msgspec

from yurt.rooms.common.errors import ContentError
from yurt.wire.errors import GateError
from yurt.wire.gate import decode_msgpack
from yurt.wire.position import Position
from yurt.wire.registry import HASH_SIZE, MAX_CONTENT_SIZE

PLAINTEXT_VERSION: Final = 1
CONTENT_ID_SIZE: Final = 16
AAD_VERSION: Final = 1
AAD_SIZE: Final = 2
_MAX_INTEGER: Final = 2**53 - 1
_T = TypeVar("_T")

ContentId = Annotated[bytes, msgspec.Meta(min_length=CONTENT_ID_SIZE, max_length=CONTENT_ID_SIZE)]
DidText = Annotated[str, msgspec.Meta(max_length=128)]
Mentions = Annotated[tuple[DidText, ...], msgspec.Meta(max_length=50)]
AS_NAMES: Final = {"in_reply_to": "inReplyTo"}
"""Our names of fields, and those of Activity Streams."""


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a message stands among its leaf's own, and what its author had read."""

    counter: int
    """0, 1, 2 ... for each content of this leaf; stays through re-encryption."""
    previous: bytes
    """`content_hash` of this leaf's content before; empty for counter 0. Stays as well."""
    seen: Position
    """Last position of the log that the author had read when encrypting."""
    chain: bytes
    """Chain hash at `seen`."""


class _PlaintextMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    header: Header
    content: bytes


@dataclass(frozen=True, slots=True)
class Plaintext:
    """A message as it goes into and comes out of MLS."""

    header: Header
    content: bytes
    """Verbatim; read it with `decode_content`."""

    def encode(self) -> bytes:
        """Write the plaintext.

        Raises:
            ContentError: ``contentTooLarge``.
        """
        data = msgspec.msgpack.encode(_PlaintextMap(PLAINTEXT_VERSION, self.header, self.content))
        _check_size(data)
        return data

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a plaintext.

        Raises:
            ContentError: ``contentTooLarge``, ``contentVersion`` or ``malformedContent``.
        """
        _check_size(data)
        value = _decode(data, _PlaintextMap)
        if value.v != PLAINTEXT_VERSION:
            raise ContentError("contentVersion", "the message is of a version that is not known here")
        _check_header(value.header)
        return cls(value.header, value.content)


class Target(msgspec.Struct, frozen=True, tag_field="type", tag="Note"):
    """The name of something that was said: whose it is, and its content id."""

    did: DidText
    id: ContentId


class Note(msgspec.Struct, frozen=True, tag_field="type", tag="Note", omit_defaults=True, rename=AS_NAMES):
    """Something written."""

    content: str
    """Plain text; to be sanitised before it is shown."""
    in_reply_to: Target | None = None
    """What it answers, in the same room; it may be missing here, and is then shown as such."""
    mentions: Mentions = ()
    """The dids of people who are addressed, whatever the text calls them."""


class Room(msgspec.Struct, frozen=True, tag_field="type", tag="Room", omit_defaults=True):
    """How the room is called from now on."""

    name: str
    topic: str = ""


class Create(msgspec.Struct, frozen=True, tag_field="type", tag="Create"):
    """The author says something."""

    id: ContentId
    """16 random bytes by the author; (did, id) names the content for ever."""
    object: Note


class Update(msgspec.Struct, frozen=True, tag_field="type", tag="Update"):
    """The author changes something; the room's name and topic, by admin and above."""

    id: ContentId
    object: Room


@dataclass(frozen=True, slots=True)
class UnknownContent:
    """Content that a newer client understands: kept, counted, not shown."""

    id: bytes
    type: str
    object_type: str
    raw: bytes


Content = Create | Update | UnknownContent


class AnyObject(msgspec.Struct, frozen=True):
    """What an object of any type has."""

    type: str = ""


class AnyContent(msgspec.Struct, frozen=True):
    """What content of any type has."""

    type: str
    id: ContentId
    object: AnyObject = AnyObject()


_KNOWN: Final = {("Create", "Note"), ("Update", "Room")}


def encode_content(content: Create | Update) -> bytes:
    """Write content, once; afterwards only these bytes travel.

    Raises:
        ContentError: ``malformedContent``: a text with NUL or half a character, which nobody would read.
    """
    try:
        data = msgspec.msgpack.encode(content)
    except UnicodeEncodeError:
        raise ContentError("malformedContent", "the text has half a character in it") from None
    decode_content(data)  # never say what others will refuse
    return data


def decode_content(data: bytes) -> Content:
    """Read a note or a room's name; every other kind is `UnknownContent` here (`said.decode_said`).

    Raises:
        ContentError: ``malformedContent``: not content at all, or a known type with wrong fields.
    """
    kind = kind_of(data)
    if (kind.type, kind.object.type) not in _KNOWN:
        return UnknownContent(kind.id, kind.type, kind.object.type, data)
    return _decode(data, Create) if kind.type == "Create" else _decode(data, Update)


def kind_of(data: bytes) -> AnyContent:
    """Read only the kind of content.

    Raises:
        ContentError: ``malformedContent``: not content at all.
    """
    return _decode(data, AnyContent)


def content_hash(content: bytes) -> bytes:
    """Name content for the header of the next one: SHA-256 of its bytes."""
    return hashlib.sha256(content).digest()


class Bucket(IntEnum):
    """How long a message should be kept, counted from ``accepted_at``; nodes see it."""

    NEVER_EXPIRES = 0
    HOUR = 1
    DAY = 2
    WEEK = 3
    FOUR_WEEKS = 4

    @property
    def seconds(self) -> int | None:
        """The time to live, or None."""
        return {1: 3600, 2: 86_400, 3: 7 * 86_400, 4: 28 * 86_400}.get(self.value)


def encode_aad(bucket: Bucket = Bucket.NEVER_EXPIRES) -> bytes:
    """Write a message's authenticated data: ``{uint8 version; uint8 bucket}``."""
    return bytes((AAD_VERSION, bucket))


def decode_aad(data: bytes) -> Bucket:
    """Read a message's authenticated data.

    Raises:
        ContentError: ``malformedAad``: another length, version or bucket.
    """
    buckets = {int(bucket): bucket for bucket in Bucket}
    if len(data) != AAD_SIZE or data[0] != AAD_VERSION or data[1] not in buckets:
        raise ContentError("malformedAad", "the message's authenticated data is not known here")
    return buckets[data[1]]


def _decode(data: bytes, kind: type[_T]) -> _T:
    try:
        return decode_msgpack(data, kind, limit=MAX_CONTENT_SIZE)
    except GateError:
        raise ContentError("malformedContent", "the message's content is malformed") from None


def _check_size(data: bytes) -> None:
    if len(data) > MAX_CONTENT_SIZE:
        raise ContentError("contentTooLarge", f"a message has at most {MAX_CONTENT_SIZE} bytes")


def _check_header(header: Header) -> None:
    numbers = (header.counter, header.seen.term, header.seen.seq)
    fits = (
        all(0 <= number <= _MAX_INTEGER for number in numbers)
        and len(header.previous) == (HASH_SIZE if header.counter else 0)
        and len(header.chain) == HASH_SIZE
    )
    if not fits:
        raise ContentError("malformedContent", "the message's header is malformed")

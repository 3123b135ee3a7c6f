"""Everything that can be said in a room: notes, and what people do to them (TRUST 4).

One MessagePack map each, as in `yurt.rooms.common.content`, with the names of Activity Streams. Every
action names its target by (did, content id), so that it can be judged, and wait, without the target::

    {"type": "Update", "id", "object": {"type": "Note", "did", "id", "content"}}             # edit
    {"type": "Delete", "id", "object": {"type": "Note", "did", "id"}}
    {"type": "Like",   "id", "content": "👍", "object": {"type": "Note", "did", "id"}}
    {"type": "Undo",   "id", "object": {"type": "Like", "content": "👍", "object": {"type": "Note", ...}}}
    {"type": "Read",   "id", "object": {"type": "Room", "upTo": {"term", "seq"}}}
    {"type": "HistoryOffer" | "HistoryWanted", "id", "object": {"type": "History", ...}}      # TRUST 6

    said = decode_said(plaintext.content)
    data = encode_said(Like(content_id, "👍", Target(did, note_id)))
"""

from typing import Annotated, Final, TypeVar

import msgspec

from yurt.rooms.common.card import RoomCard
from yurt.rooms.common.content import (
    ContentId,
    Create,
    DidText,
    Mentions,
    Target,
    UnknownContent,
    Update,
    kind_of,
)
from yurt.rooms.common.errors import ContentError
from yurt.wire.errors import GateError
from yurt.wire.gate import decode_msgpack
from yurt.wire.position import Position
from yurt.wire.registry import DEVICE_ID_SIZE, HASH_SIZE, MAX_CONTENT_SIZE

MAX_EMOJI_LENGTH: Final = 32
"""Characters; the longest families and flags need about twenty."""
_MAX_INTEGER: Final = 2**53 - 1
_T = TypeVar("_T")

Emoji = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_EMOJI_LENGTH)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=_MAX_INTEGER)]
_Hash = Annotated[bytes, msgspec.Meta(min_length=HASH_SIZE, max_length=HASH_SIZE)]
_DeviceId = Annotated[bytes, msgspec.Meta(min_length=DEVICE_ID_SIZE, max_length=DEVICE_ID_SIZE)]


class EditedNote(msgspec.Struct, frozen=True, tag_field="type", tag="Note", omit_defaults=True):
    """What a note says from now on; what it answers stays."""

    did: DidText
    id: ContentId
    content: str
    mentions: Mentions = ()


class Edit(msgspec.Struct, frozen=True, tag_field="type", tag="Update"):
    """The author says something else instead."""

    id: ContentId
    object: EditedNote


class Delete(msgspec.Struct, frozen=True, tag_field="type", tag="Delete"):
    """A note is taken back, for good."""

    id: ContentId
    object: Target


class Like(msgspec.Struct, frozen=True, tag_field="type", tag="Like"):
    """A reaction: one per (did, target, emoji)."""

    id: ContentId
    content: Emoji
    object: Target


class Liked(msgspec.Struct, frozen=True, tag_field="type", tag="Like"):
    """Which reaction an Undo takes back: the author's own, with this emoji, on this note."""

    content: Emoji
    object: Target


class Undo(msgspec.Struct, frozen=True, tag_field="type", tag="Undo"):
    """A reaction is taken back."""

    id: ContentId
    object: Liked


class Mark(msgspec.Struct, frozen=True, tag_field="type", tag="Room", rename={"up_to": "upTo"}):
    """How far a device has read the room."""

    up_to: Position


class Read(msgspec.Struct, frozen=True, tag_field="type", tag="Read"):
    """All up to a position was read; a mark includes all marks before it."""

    id: ContentId
    object: Mark


class OfferedHistory(
    msgspec.Struct,
    frozen=True,
    tag_field="type",
    tag="History",
    rename={"device_id": "deviceId", "blob_hash": "blobHash", "sealed_key": "sealedKey"},
):
    """A bundle that lies at a node, for one device (`yurt.rooms.common.history`)."""

    to: DidText
    device_id: _DeviceId
    first: Position
    last: Position
    """The range that the bundle covers, both ends included."""
    count: _Count
    blob_hash: _Hash
    """SHA-256 of the encrypted bundle: its name at the node."""
    sealed_key: Annotated[bytes, msgspec.Meta(max_length=256)]
    """The bundle's key, for that device alone."""


class HistoryOffer(msgspec.Struct, frozen=True, tag_field="type", tag="HistoryOffer"):
    """The author vouches for what was said before somebody joined."""

    id: ContentId
    object: OfferedHistory


class WantedHistory(
    msgspec.Struct, frozen=True, tag_field="type", tag="History", rename={"device_id": "deviceId"}
):
    """Which device misses what; nothing before `since`, in milliseconds since 1970."""

    device_id: _DeviceId
    before: Position
    since: _Count


class HistoryWanted(msgspec.Struct, frozen=True, tag_field="type", tag="HistoryWanted"):
    """A joiner asks for what was said before; nobody had offered it."""

    id: ContentId
    object: WantedHistory


Action = Edit | Delete | Like | Undo
"""What is done to a note."""
Said = Create | Update | Action | Read | HistoryOffer | HistoryWanted | UnknownContent
Known = Create | Update | Action | Read | HistoryOffer | HistoryWanted

_KINDS: Final[dict[tuple[str, str], type[Known]]] = {
    ("Create", "Note"): Create,
    ("Update", "Room"): Update,
    ("Update", "Note"): Edit,
    ("Delete", "Note"): Delete,
    ("Like", "Note"): Like,
    ("Undo", "Like"): Undo,
    ("Read", "Room"): Read,
    ("HistoryOffer", "History"): HistoryOffer,
    ("HistoryWanted", "History"): HistoryWanted,
}


def encode_said(said: Known) -> bytes:
    """Write what is said, once; afterwards only these bytes travel.

    Raises:
        ContentError: See `decode_said`: nobody says what others would refuse.
    """
    try:
        data = msgspec.msgpack.encode(said)
    except UnicodeEncodeError:
        raise ContentError("malformedContent", "the text has half a character in it") from None
    decode_said(data)
    return data


def decode_said(data: bytes) -> Said:
    """Read what was said; a kind that is not known here is kept with its bytes.

    Raises:
        ContentError: ``malformedContent``: not content at all, or a known kind with wrong fields;
            ``cardTooLarge``: a room's name or topic that is too long.
    """
    kind = kind_of(data)
    known = _KINDS.get((kind.type, kind.object.type))
    if known is None:
        return UnknownContent(kind.id, kind.type, kind.object.type, data)
    said = _decode(data, known)
    _check(said)
    return said


def target_of(said: Create | Action, by: str) -> Target:
    """Name the note that something is about; a note is about itself."""
    match said:
        case Create():
            return Target(by, said.id)
        case Edit():
            return Target(said.object.did, said.object.id)
        case Delete() | Like():
            return said.object
        case Undo():
            return said.object.object


def _decode(data: bytes, kind: type[_T]) -> _T:
    try:
        return decode_msgpack(data, kind, limit=MAX_CONTENT_SIZE)
    except GateError:
        raise ContentError("malformedContent", "the message's content is malformed") from None


def _check(said: Known) -> None:
    """Check what the shapes do not say."""
    match said:
        case Update():
            RoomCard(said.object.name, said.object.topic)
        case Read():
            _check_positions(said.object.up_to)
        case HistoryOffer():
            _check_positions(said.object.first, said.object.last)
        case HistoryWanted():
            _check_positions(said.object.before)
        case _:
            pass


def _check_positions(*positions: Position) -> None:
    if any(not 0 <= number <= _MAX_INTEGER for p in positions for number in (p.term, p.seq)):
        raise ContentError("malformedContent", "a position is out of bounds")
    if list(positions) != sorted(positions):
        raise ContentError("malformedContent", "a range ends before it begins")

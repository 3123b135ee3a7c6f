"""Bundles of history on their way: opaque blobs at the node of whoever offers them, in pieces (TRUST 6).

A blob is named by the room and the SHA-256 of its bytes. It is put piece after piece, in order; whoever was
interrupted asks how much stands and goes on there. Who is in the room may fetch it, through the own node;
what it says can be read by the one device that it is sealed to.
"""

from typing import Annotated, ClassVar, Final

import msgspec

from yurt.wire.command import Answer, Command
from yurt.wire.registry import HASH_SIZE, ROOM_ID_SIZE

PIECE: Final = 256 * 1024
"""Bytes of a piece; the last one of a blob may be smaller."""
MAX_HISTORY_BLOB: Final = 8 * 1024 * 1024 + 256
"""Bytes of one blob: a bundle, encrypted."""

RoomId = Annotated[bytes, msgspec.Meta(min_length=ROOM_ID_SIZE, max_length=ROOM_ID_SIZE)]
BlobHash = Annotated[bytes, msgspec.Meta(min_length=HASH_SIZE, max_length=HASH_SIZE)]
_Size = Annotated[int, msgspec.Meta(ge=0, le=MAX_HISTORY_BLOB)]


class HistoryStands(Answer, frozen=True):
    """How much of a blob the node has."""

    have: int
    """Bytes; the next piece begins here."""
    until: int = 0
    """Milliseconds since 1970: the node forgets it then."""


class PutHistory(Command, frozen=True):
    """Put the next piece of a blob; with no data, ask how much stands."""

    name: ClassVar[str] = "put_history"
    answer: ClassVar[type[Answer]] = HistoryStands

    room: RoomId
    hash: BlobHash
    """SHA-256 of the whole blob; checked when the last piece is there."""
    size: _Size
    offset: _Size = 0
    data: Annotated[bytes, msgspec.Meta(max_length=PIECE)] = b""


class HistoryPiece(Answer, frozen=True):
    """A piece of a blob."""

    data: bytes
    size: int
    """Of the whole blob."""


class GetHistory(Command, frozen=True):
    """Give the piece of a blob that begins at a place; between nodes, the same struct is asked."""

    name: ClassVar[str] = "get_history"
    answer: ClassVar[type[Answer]] = HistoryPiece

    room: RoomId
    hash: BlobHash
    node: str
    """Where it lies: the node of whoever offered it."""
    offset: _Size = 0


HISTORY_COMMANDS: Final[tuple[type[Command], ...]] = (PutHistory, GetHistory)

"""The room's name and topic for somebody who joins: extension 0xF0B3 (TRUST 4).

Name and topic are content (``Update{Room}``), which a joiner cannot read back; so the GroupInfo *inside a
Welcome*, which only the joiner opens, carries them. It never stands where a node could read it::

    struct { uint8 version = 1; opaque name<V>; opaque topic<V>; } RoomCard;   // UTF-8
"""

from dataclasses import dataclass
from typing import Final, Self

from yurt.mls.codec import Reader, Writer
from yurt.mls.errors import DecodeError
from yurt.rooms.common.errors import ContentError

CARD_VERSION: Final = 1
MAX_NAME_SIZE: Final = 256
"""UTF-8 bytes."""
MAX_TOPIC_SIZE: Final = 2048
"""UTF-8 bytes."""


@dataclass(frozen=True, slots=True)
class RoomCard:
    """How the room is called; text from others, to be sanitised before it is shown."""

    name: str
    topic: str = ""

    def __post_init__(self) -> None:
        """Hold the sizes on both sides.

        Raises:
            ContentError: ``cardTooLarge``.
        """
        if len(self.name.encode()) > MAX_NAME_SIZE or len(self.topic.encode()) > MAX_TOPIC_SIZE:
            raise ContentError("cardTooLarge", "a room's name or topic is too long")

    def encode(self) -> bytes:
        """Write the extension data."""
        w = Writer().u8(CARD_VERSION)
        return w.opaque(self.name.encode()).opaque(self.topic.encode()).bytes()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read the extension data.

        Raises:
            ContentError: ``malformedCard``, ``cardVersion`` or ``cardTooLarge``.
        """
        try:
            r = Reader(data)
            if r.u8() != CARD_VERSION:
                raise ContentError("cardVersion", "the room's card is of a version that is not known here")
            name, topic = r.opaque().decode(), r.opaque().decode()
            r.finish()
        except (DecodeError, UnicodeDecodeError):
            raise ContentError("malformedCard", "the room's card is malformed") from None
        return cls(name, topic)

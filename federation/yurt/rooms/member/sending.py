"""Numbers that make a leaf's own messages one chain: nothing of it can be dropped or swapped unseen.

``rooms.send`` numbers content once, in the transaction that stores it; counter and hash stay through
re-encryption. What the author had read is added when the outbox encrypts.

    numbered, state = number(state, content_bytes)      # at send, stored with the content
    header = numbered.header(seen, chain)               # at each encryption
"""

from dataclasses import dataclass
from typing import Self

from yurt.rooms.common.content import Header, content_hash
from yurt.wire.position import Position


@dataclass(frozen=True, slots=True)
class SenderState:
    """How far a leaf's own content has come."""

    counter: int = 0
    """The number that the next content gets."""
    previous: bytes = b""
    """Hash of the last content; empty before the first."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """The place of one content among its leaf's own."""

    counter: int
    previous: bytes

    def header(self, seen: Position, chain: bytes) -> Header:
        """Complete the header when the content is encrypted.

        Args:
            seen: Last position that this device has read.
            chain: Chain hash at `seen`.
        """
        return Header(self.counter, self.previous, seen, chain)

    @classmethod
    def of(cls, header: Header) -> Self:
        """Take the numbers out of a header, to encrypt the same content again."""
        return cls(header.counter, header.previous)


def number(state: SenderState, content: bytes) -> tuple[Numbered, SenderState]:
    """Give the next number to content.

    Args:
        state: Where the leaf stands.
        content: The bytes of `encode_content`.

    Returns:
        The numbers, and the state to keep in the same transaction as the content.
    """
    numbered = Numbered(state.counter, state.previous)
    return numbered, SenderState(state.counter + 1, content_hash(content))

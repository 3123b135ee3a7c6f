"""Marks that move only forward: how far others have read (TRUST 4).

marks = marks.note(leaf.key, said.object.up_to, head)
if may_mark(own, up_to, now_ms, people=len(people)): ...      # send Read{up_to}
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from yurt.identity.did import Did
from yurt.wire.position import START, Position

MARK_EVERY_MS: Final = 5_000
"""A device sends its marks at least this far apart."""
MOST_PEOPLE: Final = 50
"""In larger rooms nobody sends marks."""

DeviceKey = tuple[Did, bytes]


@dataclass(frozen=True, slots=True)
class OwnMark:
    """What this device has told."""

    up_to: Position = START
    sent_at: int = 0
    """Milliseconds since 1970."""


def may_mark(own: OwnMark, up_to: Position, now_ms: int, *, people: int, enabled: bool = True) -> bool:
    """Tell whether to send ``Read{up_to}`` now.

    Args:
        own: What was told before.
        up_to: How far the person has read.
        now_ms: Milliseconds since 1970.
        people: Participants of the room.
        enabled: Whether the person wants others to know.
    """
    return enabled and people <= MOST_PEOPLE and up_to > own.up_to and now_ms - own.sent_at >= MARK_EVERY_MS


@dataclass(frozen=True, slots=True)
class ReadMarks:
    """How far each device has read."""

    by_device: Mapping[DeviceKey, Position] = field(default_factory=lambda: MappingProxyType({}))

    def note(self, device: DeviceKey, up_to: Position, at: Position) -> "ReadMarks":
        """Take in a mark that stands at position `at`; one for what comes later is no mark."""
        if up_to >= at or up_to <= self.by_device.get(device, START):
            return self
        return ReadMarks(MappingProxyType({**self.by_device, device: up_to}))

    def of(self, did: Did) -> Position:
        """Give how far a person has read, on whichever device."""
        return max((up_to for (who, _), up_to in self.by_device.items() if who == did), default=START)

    def without(self, did: Did) -> "ReadMarks":
        """Forget somebody who went."""
        kept = {device: up_to for device, up_to in self.by_device.items() if device[0] != did}
        return ReadMarks(MappingProxyType(kept))

"""Accepted and settled: whether a second, independent copy of an entry exists (TRUST 4, 5).

An entry is settled when a checkpoint covers it that was signed by a device on another node than the hub, by
somebody else than its author; where all others live on the hub, by any of them; alone in a room, at once.
A checkpoint counts only if its chain is the chain that this device has at that place.

    room = Copies(hub, people, chain_at)
    room.settled(position, author, checkpoints)
    room.reach(author, room.true(checkpoints))
    room.should_sign(me, recent, checkpoints, now_ms, last_signed_at)
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from yurt.identity.did import Did
from yurt.identity.location import node_of
from yurt.rooms.common.checkpoint import VerifiedCheckpoint
from yurt.rooms.common.participants import Participants
from yurt.wire.position import START, Position

SIGN_EVERY_MS: Final = 60_000
"""A device signs at most one checkpoint a minute."""


@dataclass(frozen=True, slots=True)
class Recent:
    """An entry of the log whose author this device knows."""

    position: Position
    author: Did


@dataclass(frozen=True, slots=True)
class Copies:
    """A room, as far as it matters where copies are."""

    hub: str
    people: Participants
    chain_at: Callable[[Position], bytes | None]
    """The own log's chain hash at a position; None where it is not here."""

    def settled(self, position: Position, author: Did, checkpoints: Iterable[VerifiedCheckpoint]) -> bool:
        """Tell whether an entry is safe against the death of its hub and its author's device."""
        voices = self._voices(author)
        if voices is None:
            return True
        return any((c.checkpoint.did, c.node) in voices and self._covers(c, position) for c in checkpoints)

    def reach(self, author: Did, checkpoints: Iterable[VerifiedCheckpoint]) -> Position | None:
        """Say up to where an author's entries are settled.

        Args:
            author: Whose entries.
            checkpoints: The newest of every device.

        Returns:
            `START` if none is; None if all are, because nobody else is in the room.
        """
        voices = self._voices(author)
        if voices is None:
            return None
        covering = (c.seen.position for c in checkpoints if (c.checkpoint.did, c.node) in voices)
        return max((place for place in covering), default=START)

    def true(self, checkpoints: Iterable[VerifiedCheckpoint]) -> tuple[VerifiedCheckpoint, ...]:
        """Give those checkpoints whose log is this device's log, as far as it is here."""
        return tuple(c for c in checkpoints if self._covers(c, c.seen.position))

    def voices(self, author: Did) -> int:
        """Count whose word counts for an author's entries."""
        return len(self._voices(author) or ())

    def should_sign(
        self,
        me: Did,
        recent: Sequence[Recent],
        checkpoints: Sequence[VerifiedCheckpoint],
        now_ms: int,
        last_signed_at: int,
    ) -> bool:
        """Tell whether this device's checkpoint is needed now.

        Args:
            me: The own did.
            recent: Entries since the last own checkpoint.
            checkpoints: The newest of every other device.
            now_ms: Milliseconds since 1970.
            last_signed_at: Of the last own checkpoint, in milliseconds.
        """
        if now_ms - last_signed_at < SIGN_EVERY_MS:
            return False
        return any(
            self._is_voice(me, each.author) and not self.settled(each.position, each.author, checkpoints)
            for each in recent
        )

    def _voices(self, author: Did) -> frozenset[tuple[Did, str]] | None:
        """Whose word counts for an author's entries: (did, node); None if there is nobody else."""
        others = [(m.did, node_of(m.leaf.actor)) for m in self.people.members if m.did != author]
        if not others:
            return None
        elsewhere = frozenset(voice for voice in others if voice[1] != self.hub)
        return elsewhere or frozenset(others)

    def _is_voice(self, me: Did, author: Did) -> bool:
        return any(did == me for did, _ in self._voices(author) or ())

    def _covers(self, verified: VerifiedCheckpoint, position: Position) -> bool:
        seen = verified.seen
        return seen.position >= position and self.chain_at(seen.position) == seen.chain

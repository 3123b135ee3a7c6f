"""What a hub knows of a room: the log's head, the public group, and which epochs are still open.

A member node keeps the same state beside its copy, so that it can follow, serve, and later take over.
Snapshots of it are in `yurt.rooms.hub.snapshot`.
"""

from dataclasses import dataclass, field, replace
from typing import Final, Self

from yurt.mls.public_group import PublicGroup
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.participants import Standing
from yurt.rooms.common.room import read_room
from yurt.rooms.common.room_change import Device
from yurt.rooms.common.rules import Rule
from yurt.wire.position import LogRow, Position

OPEN_EPOCHS: Final = 2
"""Messages of this many epochs before the current one may still come (TRUST 4)."""


@dataclass(frozen=True, slots=True)
class EndedEpoch:
    """An epoch that a commit ended."""

    epoch: int
    ended_at: int
    """``accepted_at`` of that commit, in milliseconds."""


RESYNC_WINDOW_MS: Final = 86_400_000
MAX_RESYNCS: Final = 3
"""Of one device in a window (TRUST 7)."""


@dataclass(frozen=True, slots=True)
class Resync:
    """A device came back from outside."""

    device: Device
    at: int
    """``accepted_at`` of its commit, in milliseconds."""


@dataclass(frozen=True, slots=True)
class HubState:
    """One room, right after the row at `head`."""

    room_id: bytes
    term: int
    head: Position
    chain: bytes
    accepted_at: int
    """Of the row at `head`, in milliseconds."""
    public: PublicGroup
    ended: tuple[EndedEpoch, ...]
    """The last epochs before the current one, newest last."""
    removal_epoch: int
    """The epoch that the last commit that removed a leaf began; nothing older is taken any more."""
    standing: Standing = field(repr=False, compare=False)
    """Policy and participants of `public`, read once an epoch."""
    resyncs: tuple[Resync, ...] = ()
    """Of the last day, oldest first."""

    @property
    def epoch(self) -> int:
        """The current epoch."""
        return self.public.context.epoch

    def after_row(self, row: LogRow) -> Self:
        """Move the head to the row that was appended."""
        return replace(self, head=row.position, chain=row.chain, accepted_at=row.accepted_at)

    def after_proposal(self, row: LogRow, public: PublicGroup) -> Self:
        """Move the head to a proposal's row; the epoch goes on."""
        return replace(self.after_row(row), public=public)

    def check_resync(self, device: Device, at: int) -> None:
        """Check that a device may come back from outside once more.

        Raises:
            Refused: ``resyncLimit``.
        """
        recent = [r for r in self.resyncs if r.device == device and at - r.at < RESYNC_WINDOW_MS]
        if len(recent) >= MAX_RESYNCS:
            raise Refused(Rule.RESYNC_LIMIT, f"a device comes back at most {MAX_RESYNCS} times a day")

    def after_commit(
        self, row: LogRow, public: PublicGroup, *, removes: bool, resynced: Device | None = None
    ) -> Self:
        """Move the head to a commit's row and begin its epoch.

        Raises:
            Refused: The group would be no room any more.
        """
        resyncs = tuple(r for r in self.resyncs if row.accepted_at - r.at < RESYNC_WINDOW_MS)
        if resynced is not None:
            resyncs = (*resyncs, Resync(resynced, row.accepted_at))
        ended = (*self.ended, EndedEpoch(self.epoch, row.accepted_at))[-OPEN_EPOCHS:]
        return replace(
            self.after_row(row),
            public=public,
            ended=ended,
            removal_epoch=public.context.epoch if removes else self.removal_epoch,
            standing=standing_of(public),
            resyncs=resyncs,
        )


def standing_of(public: PublicGroup) -> Standing:
    """Read who may do what in a group.

    Raises:
        Refused: The group is no room.
    """
    return read_room(public.context.extensions, public.tree)

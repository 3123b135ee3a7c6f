"""How long a member can still read messages of epochs that ended.

Time is the log's, never a clock's: a member who was away for a month and reads a month of log at once
keeps and drops the same epochs as one who was there.

    expired({3: 1_000, 4: None}, current=9, now_ms=90_000_000)
    past.epoch(7).open(message)
"""

from collections.abc import Mapping
from typing import Final

from yurt.mls.errors import UnknownEpoch
from yurt.mls.group_store import EpochRows, GroupStore
from yurt.mls.message_epoch import MessageEpoch, ended_at

KEEP_EPOCHS: Final = 3
"""An epoch this close below the current one is kept, however old."""
KEEP_MS: Final = 24 * 60 * 60 * 1000
"""An epoch that ended within this time is kept, however many epochs followed."""
MAX_PAST: Final = 64
"""But never more epochs than this; the oldest go first."""


def expired(ended_at: Mapping[int, int | None], *, current: int, now_ms: int) -> list[int]:
    """List the past epochs whose secrets must go.

    Args:
        ended_at: Log time in ms at which each kept past epoch ended; None where it is not known yet.
        current: The epoch that the group is in.
        now_ms: Log time of the newest entry.
    """

    def is_kept(epoch: int) -> bool:
        ended = ended_at[epoch]
        return current - epoch <= KEEP_EPOCHS or ended is None or now_ms - ended <= KEEP_MS

    kept = sorted(epoch for epoch in ended_at if is_kept(epoch))
    return sorted(ended_at.keys() - set(kept[-MAX_PAST:]))


class PastEpochs:
    """The epochs of a group that ended and are still kept, over their rows."""

    def __init__(self, store: GroupStore, group_id: bytes, slots: Mapping[int, Mapping[str, bytes]]) -> None:
        self._store = store
        self._group_id = group_id
        # Decoded when a message of one arrives, which for most never happens.
        self._slots = dict(slots)
        self._open: dict[int, MessageEpoch] = {}
        self._ended_at = {epoch: ended_at(rows) for epoch, rows in slots.items()}

    def epoch(self, epoch: int) -> MessageEpoch:
        """Give a kept epoch.

        Raises:
            UnknownEpoch: It is not kept, or never was.
        """
        if epoch not in self._ended_at:
            raise UnknownEpoch(epoch)
        if epoch not in self._open:
            self._open[epoch] = MessageEpoch.load(self._rows(epoch), self._slots.pop(epoch))
        return self._open[epoch]

    def add(self, epoch: MessageEpoch, ended_at: int | None) -> None:
        """Take over an epoch that just ended; its rows are already reduced."""
        number = epoch.public.context.epoch
        self._open[number] = epoch
        self._ended_at[number] = ended_at

    def advance(self, current: int, now_ms: int) -> None:
        """Note the log time: date what ended without one, and drop what expired."""
        for number, ended in self._ended_at.items():
            if ended is None:
                self.epoch(number).end(self._rows(number), now_ms)
                self._ended_at[number] = now_ms
        for number in expired(self._ended_at, current=current, now_ms=now_ms):
            self._rows(number).delete_all()
            self._slots.pop(number, None)
            self._open.pop(number, None)
            del self._ended_at[number]

    def _rows(self, epoch: int) -> EpochRows:
        return EpochRows(self._store, self._group_id, epoch)

"""How long a member can still read messages of epochs that ended.

Time is the log's, never a clock's: a member who was away for a month and reads a month of log at once
keeps and drops the same epochs as one who was there.

    expired({3: 1_000, 4: None}, current=9, now_ms=90_000_000)
"""

from collections.abc import Mapping
from typing import Final

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

"""Pages of a log for one reader: only what its windows show, never silent about what they hide."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from yurt.node.store import logs, rooms
from yurt.node.store.rooms import STILL, Window
from yurt.node.store.types import ReadTx
from yurt.node.streams.subscription import Reader
from yurt.wire.frames import room_of
from yurt.wire.position import LogRow, Position

PAGE_BYTES: Final = 256 * 1024
"""A page ends after so many bytes of bodies, or after `logs.PAGE` rows."""

ALL: Final = (Window("", b"", Position(0, 0), STILL),)
"""What the owner of an inbox may read."""


@dataclass(frozen=True, slots=True)
class Page:
    """What follows a position, for one reader."""

    start: Position
    """Where the page begins: later than asked if rows before it are not for this reader."""
    rows: tuple[LogRow, ...]
    head: Position
    """The newest row for this reader: the log's head, or the end of its window."""
    end: Position
    """The end of its window; `STILL` if it is open."""


def read_page(tx: ReadTx, log: str, after: Position, reader: Reader | None) -> Page | None:
    """Read the next page; None if this reader may not read the log."""
    windows = _windows(tx, log, reader)
    if not windows:
        return None
    window = _window_for(windows, after)
    start = max(after, window.start)
    rows = logs.after(tx, log, start)
    head = max(logs.head(tx, log), start)
    if not window.is_open:
        rows = [row for row in rows if row.position <= window.end]
        # Nothing of the log after its removal is told, not even that there is more.
        head = max(window.end, start)
    return Page(start, tuple(_cut(rows)), head, window.end)


def _windows(tx: ReadTx, log: str, reader: Reader | None) -> Sequence[Window]:
    room = room_of(log)
    if reader is None or room is None:
        return ALL if reader is None and room is None else ()
    return rooms.device_windows(tx, room, reader.did, reader.device)


def _window_for(windows: Sequence[Window], after: Position) -> Window:
    """The first window that shows something after a position, else the last one."""
    for window in windows:
        if window.is_open or window.end > after:
            return window
    return windows[-1]


def _cut(rows: Sequence[LogRow]) -> Sequence[LogRow]:
    """Keep a page small; at least one row stays."""
    size = 0
    for count, row in enumerate(rows):
        size += len(row.body)
        if size > PAGE_BYTES and count:
            return rows[:count]
    return rows

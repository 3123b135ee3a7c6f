"""The newest rows of the logs that grow, kept in memory: what fan-out sends without reading the disk.

A cache and nothing more: rows get here after their commit, and a reader whose place is not covered any more
reads the store. Bounded by bytes over all logs; the log that has not grown for longest goes first.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

from yurt.node.store.types import Appended
from yurt.wire.position import START, LogRow, Position
from yurt.wire.registry import EntryKind

MAX_BYTES: Final = 8 * 1024 * 1024
MAX_ROWS: Final = 1024
"""Rows that are kept of one log."""
_ROW_OVERHEAD: Final = 400
"""Bytes that a row takes in memory beside its body, about."""


@dataclass(slots=True)
class _Rows:
    rows: deque[LogRow] = field(default_factory=deque[LogRow])
    last_commit: int = 0


class Tail:
    """Rows as they were committed, by log."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._logs: OrderedDict[str, _Rows] = OrderedDict()
        self._bytes = 0
        self._max_bytes = max_bytes

    def add(self, appended: Appended) -> None:
        """Take in rows that were just committed; they follow what is here."""
        kept = self._logs.get(appended.log)
        if kept is None:
            kept = self._logs[appended.log] = _Rows()
        else:
            self._logs.move_to_end(appended.log)
        for row in appended.rows:
            kept.rows.append(row)
            self._bytes += len(row.body) + _ROW_OVERHEAD
            if row.kind == EntryKind.COMMIT:
                kept.last_commit = row.position.seq
        while len(kept.rows) > MAX_ROWS:
            self._drop_first(kept)
        while self._bytes > self._max_bytes and self._logs:
            self._drop_oldest_log()

    def after(self, log: str, position: Position) -> list[LogRow] | None:
        """Every row after a position, oldest first; None if some of them are not here any more."""
        kept = self._logs.get(log)
        if kept is None or not kept.rows:
            return None
        missing = kept.rows[-1].position.seq - position.seq
        if missing <= 0:
            return []
        if missing > len(kept.rows):
            return None
        return [kept.rows[index] for index in range(-missing, 0)]

    def head(self, log: str) -> Position:
        """Position of the newest row; `START` if none is here."""
        kept = self._logs.get(log)
        return kept.rows[-1].position if kept and kept.rows else START

    def last_commit(self, log: str) -> int:
        """`seq` of the newest row of kind COMMIT among those that passed here; 0 if none did."""
        kept = self._logs.get(log)
        return kept.last_commit if kept else 0

    def clear(self) -> None:
        """Forget everything: a cache may."""
        self._logs.clear()
        self._bytes = 0

    def _drop_first(self, kept: _Rows) -> None:
        self._bytes -= len(kept.rows.popleft().body) + _ROW_OVERHEAD

    def _drop_oldest_log(self) -> None:
        _, kept = self._logs.popitem(last=False)
        while kept.rows:
            self._drop_first(kept)

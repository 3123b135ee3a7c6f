"""The one place where the client reads the time; everything else is given a `Clock`.

Tests and the lab move it through the network map (``clock_offset_s``, re-read each second); without a map
there is no offset (DESIGN 10).
"""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from yurt.wire.network_map import BadNetworkMap, NetworkMap

_REREAD_S: Final = 1.0
_LAST_S: Final = 253_402_214_400
"""9999-12-31 in UTC: wherever one is, `datetime` holds the days around it."""


def local_time(seconds: float) -> datetime:
    """Show a time that others said, as it is here; nobody's calendar goes beyond the year 9999."""
    return datetime.fromtimestamp(min(max(seconds, 0.0), _LAST_S), UTC).astimezone()


class Clock(Protocol):
    """Tells the time."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        ...


class SystemClock:
    """The machine's clock, moved by the offset of the network map if there is one."""

    def __init__(self, network_map: Path | None = None) -> None:
        self._map = network_map
        self._offset_ms = 0
        self._read_at = float("-inf")

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        if self._map is not None and time.monotonic() - self._read_at >= _REREAD_S:
            self._reread(self._map)
        return time.time_ns() // 1_000_000 + self._offset_ms

    def _reread(self, path: Path) -> None:
        self._read_at = time.monotonic()
        try:
            offset_s = NetworkMap.parse(path.read_text(encoding="utf-8")).clock_offset_s
        except (OSError, UnicodeDecodeError, BadNetworkMap):
            return  # a map that is being rewritten keeps the last offset
        self._offset_ms = int(offset_s * 1000)

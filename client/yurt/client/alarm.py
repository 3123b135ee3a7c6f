"""One call, at the earliest of the times that were asked for.

alarm = Alarm(wake)
alarm.within(5.0)
alarm.within(0.2)     # sooner: this one counts
alarm.within(9.0)     # later: nothing changes
"""

import asyncio
import math
from collections.abc import Callable


class Alarm:
    """Rings once for all who asked."""

    # The time is kept here: an event loop may give a handle that does not know its own (uvloop, delay 0).
    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._at = math.inf
        self._handle: asyncio.Handle | None = None

    def within(self, delay: float) -> None:
        """Ring in so many seconds, or sooner if that was asked before."""
        loop = asyncio.get_running_loop()
        at = loop.time() + delay
        if self._at > at:
            self.cancel()
            self._at, self._handle = at, loop.call_later(delay, self._ring)

    def cancel(self) -> None:
        """Do not ring, until it is asked for again."""
        if self._handle is not None:
            self._handle.cancel()
        self._at, self._handle = math.inf, None

    def _ring(self) -> None:
        self._at, self._handle = math.inf, None
        self._call()

"""How fast hosts are served that said that they had too much to do (429 or 503 with Retry-After).

Such a host rests until the time that it named, gets one request as a probe, and goes on at half its former
pace, which rises again with everything that it takes. A rest is a pause in the store; the pace is kept in
memory, since after a restart everything begins with a single request anyway. The rules are those of
`yurt.activitypub.delivery`.
"""

import random
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from yurt.activitypub.delivery import Pace, busy_for, quicker, slower

MAX_HOSTS: Final = 1000


class Paces:
    """The paces of hosts that were busy lately; all others are served without a gap."""

    def __init__(self, randomness: Callable[[], float] = random.random) -> None:
        self._randomness = randomness
        self._paces: OrderedDict[str, Pace] = OrderedDict()

    def busy(self, host: str, asked_s: float, now_ms: int) -> int:
        """Note that a host is busy; return until when it rests (ms).

        Args:
            host: Who answered.
            asked_s: For how long it wants to be left alone.
            now_ms: Milliseconds since 1970.
        """
        self._paces[host] = pace = slower(self._paces.pop(host, Pace()))
        if len(self._paces) > MAX_HOSTS:
            self._paces.popitem(last=False)
        return now_ms + round(busy_for(asked_s, pace, self._randomness()) * 1000)

    def took(self, host: str, now_ms: int) -> int:
        """Note that a host took something; return until when it rests now (ms), 0 if not at all."""
        if host not in self._paces:
            return 0
        pace = quicker(self._paces.pop(host))
        if not pace.gap_s:
            return 0
        self._paces[host] = pace
        return now_ms + round(pace.gap_s * 1000)

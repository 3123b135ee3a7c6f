"""Who sends commits that the rules refuse: each costs milliseconds to judge, and nothing to make.

An honest client judges its commit before it sends it, so a refusal is rare; a lost race is none. In memory:
a restart forgives.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from yurt.wire.problems import refuse

REFUSED_A_MINUTE: Final = 20
"""Of one person, in all rooms of this hub."""
WAITING: Final = 4
"""Commits of one person that may wait for one room: an honest device has one."""
_MINUTE_S: Final = 60.0
_MAX_PEOPLE: Final = 10_000


class Refusals:
    """Counts refused commits by did."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._by: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, did: str, waiting: int) -> None:
        """Check that somebody may have one more commit judged.

        Raises:
            ProblemError: `tooMany`.
        """
        refused, now = self._by.get(did), self._monotonic()
        while refused and now - refused[0] > _MINUTE_S:
            refused.popleft()
        if waiting >= WAITING or (refused and len(refused) >= REFUSED_A_MINUTE):
            raise refuse(
                "tooMany", "too many commits that nobody may make; wait a minute", retry_after=_MINUTE_S
            )

    def note(self, did: str) -> None:
        """Note a refused commit."""
        self._by.setdefault(did, deque(maxlen=REFUSED_A_MINUTE)).append(self._monotonic())
        self._by.move_to_end(did)
        while len(self._by) > _MAX_PEOPLE:
            self._by.popitem(last=False)

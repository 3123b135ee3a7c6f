"""Whose turn it is: hosts that answered lately first, then, a few at a time, those that may be gone.

A try that fails takes from this node what a delivery takes, or more: a connection, a handshake, a signature.
So who has not answered yet, or failed last time, gives way while anything goes to hosts that took something
lately: until these have it, but for no longer than a moment, so that a busy node finds time for everybody.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from math import inf
from typing import Final

GIVE_WAY_S: Final = 1.0
"""How long a host may have to wait for others that answered lately."""
FEW: Final = 8
"""Of those that may be gone, with each look: whoever posts meanwhile waits for no more than these."""
MAX_LATELY: Final = 10_000


@dataclass(frozen=True, slots=True)
class Turn:
    """Who is served now."""

    hosts: list[str]
    wait_s: float = inf
    """In how many seconds somebody else's turn comes at the latest."""


class Turns:
    """Remembers who answered, in memory: after a restart everybody may be gone."""

    def __init__(self) -> None:
        self._lately: OrderedDict[str, None] = OrderedDict()
        """The last one last."""
        self._served: set[str] = set()
        """Hosts of these whose turn it is now."""
        self._waits_since: float | None = None
        """Since when the others wait; None: they do not."""

    def next(self, due: Iterable[str], under_way: Collection[str], now: float) -> Turn:
        """Choose who is served.

        Args:
            due: Hosts for which something is due.
            under_way: Who is served already. Of these, whoever is due has its turn anyway: something may have
                come that is not on the page which its worker has read.
            now: Monotonic seconds.
        """
        served, first, others = list[str](), list[str](), list[str]()
        for host in due:
            if host in self._lately:
                first.append(host)
            else:
                (served if host in under_way else others).append(host)
        self._served.update(first)
        if not others:
            self._waits_since = None
            return Turn([*served, *first])
        if self._waits_since is None:
            self._waits_since = now
        left_s = self._waits_since + GIVE_WAY_S - now
        if left_s > 0 and first:
            return Turn([*served, *first], left_s)
        if left_s > 0 and len(others) > FEW:
            return Turn([*served, *others[:FEW]], 0.0)
        self._waits_since = None
        return Turn([*served, *first, *others])

    def ended(self, host: str) -> bool:
        """Note that a host was served; whether others gave way to it, and need to no longer."""
        if host not in self._served:
            return False
        self._served.discard(host)
        return not self._served and self._waits_since is not None

    def answered(self, host: str) -> None:
        """Note that a host took something."""
        self._lately[host] = None
        self._lately.move_to_end(host)
        if len(self._lately) > MAX_LATELY:
            self._lately.popitem(last=False)

    def failed(self, host: str) -> None:
        """Note that a host did not answer."""
        self._lately.pop(host, None)

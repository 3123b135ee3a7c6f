"""Limits of rate: a bucket of tokens for each key, in memory.

A seam: with several workers the buckets would live in the store; the callers would not notice.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from yurt.wire.problems import refuse

_MAX_KEYS: Final = 10_000
"""Of one kind: whoever floods one (names of nodes, say) must not make another forget (logins)."""


_PREFIX: Final = 64
_ROUNDING_S: Final = 1e-6
"""Thirty times a fifth of a second is a little more than six."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and then one each so many seconds."""

    burst: int
    every_s: float


LOGIN_RATE: Final = Rate(burst=5, every_s=20.0)
JOIN_RATE: Final = Rate(burst=5, every_s=360.0)
RESOLVE_RATE: Final = Rate(burst=30, every_s=2.0)
COMMAND_RATE: Final = Rate(burst=600, every_s=0.05)
"""Commands of one account, entries of rooms apart: those have settings of their own (`allowances`)."""


class Limiter:
    """Counts what was taken under each key."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._full_again: dict[str, OrderedDict[str, float]] = {}

    def spend(self, what: str, key: str, rate: Rate, *, cost: float) -> None:
        """Note what was used up already, whether or not there was so much.

        Whoever owes waits: `take` with a cost of 0 lets nobody pass who used up more than there is. A cost
        below 0 gives back. An empty key owes nothing.
        """
        if not key:
            return
        now = self._monotonic()
        keys = self._full_again.setdefault(what, OrderedDict())
        _keep(keys, key, max(now, keys.pop(key, now)) + cost * rate.every_s)

    def take(self, what: str, key: str, rate: Rate, *, cost: float = 1.0, rule: str = "") -> None:
        """Take one, or as much as it costs; an empty key is not limited.

        Args:
            what: Kind of the limit; each has buckets of its own.
            key: Who takes.
            rate: How much there is.
            cost: How much is taken; more than the burst never passes.
            rule: Detail of the problem, for programs and for the line that waits.

        Raises:
            ProblemError: `tooMany`, with the seconds to wait.
        """
        if not key:
            return
        now = self._monotonic()
        # A bucket is one number: when it will be full again. Each take moves that by `every_s`.
        keys = self._full_again.setdefault(what, OrderedDict())
        full_again = max(now, keys.pop(key, now)) + cost * rate.every_s
        wait = full_again - now - rate.burst * rate.every_s
        if wait > _ROUNDING_S:
            _keep(keys, key, full_again - cost * rate.every_s)
            detail = {"rule": rule} if rule else {}
            raise refuse("tooMany", f"too often; try again in {wait:.0f} s", retry_after=wait, **detail)
        _keep(keys, key, full_again)


def _keep(keys: OrderedDict[str, float], key: str, full_again: float) -> None:
    keys[key] = full_again
    while len(keys) > _MAX_KEYS:
        keys.popitem(last=False)


@lru_cache(maxsize=4096)
def limited_address(address: str) -> str:
    """The address as a key of a limit; empty for loopback and unix sockets, where a proxy stands.

    Of IPv6 the network counts: whoever has one address has all 2**64 of its /64 (RFC 6177, RFC 4291 2.5.4).
    """
    try:
        parsed = ip_address(address.split("%", 1)[0])
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if parsed.is_loopback:
        return ""
    return (
        str(parsed) if isinstance(parsed, IPv4Address) else str(IPv6Network((parsed, _PREFIX), strict=False))
    )

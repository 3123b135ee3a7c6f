"""Who signed a request of the fediverse: with the key as kept, and once more with the key as it is now."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from yurt.activitypub.errors import SignatureRefused
from yurt.activitypub.http_signatures import policy
from yurt.activitypub.http_signatures.request import InboundRequest, VerifiedRequest
from yurt.activitypub.references import host_of
from yurt.node.clock import Clock
from yurt.node.limiter import Limiter, Rate
from yurt.node.people.directory import Directory, SigningKey
from yurt.wire.problems import ProblemError

KEPT_S: Final = 300.0
"""How long a key is not even looked up; an Update of its actor ends that at once."""
MAX_KEPT: Final = 10_000
MISS_RATE: Final = Rate(burst=60, every_s=10.0)
"""Keys that one address of the network names and that are not there, or do not fit: beyond that no key is
fetched for it. Else it could use up what is fetched of somebody else's host, whose new people would wait."""


class Signatures:
    """Verifies requests."""

    def __init__(
        self, directory: Directory, clock: Clock, limiter: Limiter, check_host: Callable[[str], None]
    ) -> None:
        self._directory = directory
        self._limiter = limiter
        self._check_host = check_host
        self._clock = clock
        self._kept: OrderedDict[str, tuple[SigningKey, float]] = OrderedDict()

    async def verify(self, request: InboundRequest) -> tuple[VerifiedRequest, str]:
        """Verify a request; return it with the actor whose key signed it.

        Whether it was seen before is for the caller to check, where that matters.

        Raises:
            RemoteActivityPubError, GateError, FetchError: not signed as it must be, or by an unknown key.
            ProblemError: `tooMany` keys were fetched from that host; `notAllowed`: it is kept out.
        """
        signed = policy.parse(request)
        self._check_host(host_of(signed.key_id))
        key = await self._key(signed.key_id, request.address)
        try:
            return policy.verify(signed, key.key, self._clock.now_s()), key.actor
        except SignatureRefused as error:
            if key.fresh:
                self._missed(request.address)
            if key.fresh or not policy.wants_fresh_key(error):
                raise
        key = await self._key(signed.key_id, request.address, refresh=True)
        return policy.verify(signed, key.key, self._clock.now_s()), key.actor

    def forget(self, actor: str) -> None:
        """An actor says that it changed, perhaps its key: read it anew."""
        for key_id in [key_id for key_id, (kept, _) in self._kept.items() if kept.actor == actor]:
            del self._kept[key_id]

    async def _key(self, key_id: str, address: str, *, refresh: bool = False) -> SigningKey:
        """The key as it was read a moment ago, else as the directory has it."""
        now, found = time.monotonic(), self._kept.get(key_id)
        if found is not None and not refresh and now < found[1]:
            return found[0]
        # A miss until it is there: who names servers that never answer waits for them, and for no others.
        self._limiter.take("missed keys", address, MISS_RATE)
        try:
            key = await self._directory.signing_key(key_id, refresh=refresh)
        except ProblemError:
            self._missed(address, -1.0)  # it was not even looked for
            raise
        self._missed(address, -1.0)
        self._kept[key_id] = (replace(key, fresh=False), now + KEPT_S)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return key

    def _missed(self, address: str, keys: float = 1.0) -> None:
        self._limiter.spend("missed keys", address, MISS_RATE, cost=keys)

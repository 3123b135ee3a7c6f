"""Who signed a request of the fediverse: with the key as kept, and once more with the key as it is now."""

from collections.abc import Callable

from yurt.activitypub.errors import SignatureRefused
from yurt.activitypub.http_signatures import policy
from yurt.activitypub.http_signatures.request import InboundRequest, VerifiedRequest
from yurt.activitypub.references import host_of
from yurt.node.clock import Clock
from yurt.node.people.directory import Directory


class Signatures:
    """Verifies requests."""

    def __init__(self, directory: Directory, clock: Clock, check_host: Callable[[str], None]) -> None:
        self._directory = directory
        self._check_host = check_host
        self._clock = clock

    async def verify(self, request: InboundRequest) -> tuple[VerifiedRequest, str]:
        """Verify a request; return it with the actor whose key signed it.

        Whether it was seen before is for the caller to check, where that matters.

        Raises:
            RemoteActivityPubError, GateError, FetchError: not signed as it must be, or by an unknown key.
            ProblemError: `tooMany` keys were fetched from that host; `notAllowed`: it is kept out.
        """
        signed = policy.parse(request)
        self._check_host(host_of(signed.key_id))
        key = await self._directory.signing_key(signed.key_id)
        try:
            return policy.verify(signed, key.key, self._clock.now_s()), key.actor
        except SignatureRefused as error:
            if key.fresh or not policy.wants_fresh_key(error):
                raise
        key = await self._directory.signing_key(signed.key_id, refresh=True)
        return policy.verify(signed, key.key, self._clock.now_s()), key.actor

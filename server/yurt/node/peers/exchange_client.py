"""One signed request to another node, and its answer."""

import os

import msgspec

from yurt.activitypub.http_signatures.rfc9421 import NONCE_SIZE, sign_exchange
from yurt.node.clock import Clock
from yurt.node.fetch import FetchBroken, Fetched, FetchError, SafeFetch
from yurt.node.ids import exchange_key_id
from yurt.node.keys import NodeKeys
from yurt.node.peers.errors import PeerDown, PeerRefuses
from yurt.wire import limits
from yurt.wire.errors import GateError
from yurt.wire.exchange import EXCHANGE_PATH, EXCHANGE_TYPE, ExchangeAnswer, ExchangeRequest
from yurt.wire.gate import decode_msgpack

_BUSY = frozenset({408, 425, 429})
_OK = 200
_SERVER_ERROR = 500


class ExchangeClient:
    """Speaks to other nodes in the name of this one."""

    def __init__(self, domain: str, keys: NodeKeys, clock: Clock, fetch: SafeFetch) -> None:
        self._key_id = exchange_key_id(domain)
        self._keys = keys
        self._clock = clock
        self._fetch = fetch

    async def exchange(self, node: str, request: ExchangeRequest) -> ExchangeAnswer:
        """Send a request; TLS says whose the answer is.

        Raises:
            PeerDown, PeerRefuses: nothing is known about what became of the items.
        """
        body = msgspec.msgpack.encode(request)
        try:
            # A peer that was restarted has closed our kept connection. Every item may come twice, the
            # signature may not: so once more, signed anew.
            try:
                answer = await self._post(node, body)
            except FetchBroken:
                answer = await self._post(node, body)
        except FetchError as error:
            raise PeerDown(str(error)) from error
        if answer.status in _BUSY or answer.status >= _SERVER_ERROR:
            raise PeerDown(f"{node} is busy ({answer.status})")
        if answer.status != _OK or answer.content_type != EXCHANGE_TYPE:
            raise PeerRefuses(f"{node} refuses the exchange ({answer.status})")
        try:
            return decode_msgpack(answer.body, ExchangeAnswer, limit=limits.EXCHANGE_BODY)
        except GateError as error:
            raise PeerRefuses(f"{node} answers nonsense ({error.rule})") from error

    async def _post(self, node: str, body: bytes) -> Fetched:
        url = f"https://{node}{EXCHANGE_PATH}"
        headers = sign_exchange(
            url,
            body,
            key_id=self._key_id,
            key=self._keys.ed25519,
            now=self._clock.now_s(),
            nonce=os.urandom(NONCE_SIZE),
        )
        return await self._fetch.post(url, body, headers, limit=limits.EXCHANGE_BODY)

"""Servers of the lab's own process, beside the nodes: each name of the network answers with its certificate.

What answers is a small object with `answer`; what it sends out goes through `Post`, signed as the fediverse
signs (draft-cavage), to names of the network map and nowhere else.
"""

import asyncio
import json
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import aiohttp
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from typing_extensions import override

from yurt.activitypub.http_signatures import cavage
from yurt.activitypub.references import Json, object_of
from yurt.activitypub.vocabulary import ACCEPT_ACTIVITY
from yurt.lab.world.network import Network
from yurt.wire.network_map import Endpoint

_TOTAL_S: Final = 10.0
_TRIES: Final = 6
_LOOK_EVERY_S: Final = 0.5
"""How often somebody who waits reads the clock, in real seconds."""
_OK: Final = range(200, 300)
_REFUSED: Final = range(400, 429)
"""It will not be taken later, either; 429 asks to come again (RFC 6585 4)."""


class Answering(Protocol):
    """What lives at a name."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        ...


@dataclass(slots=True)
class LabClock:
    """The time of the whole lab: real time, and an offset that everybody shares."""

    offset_s: float = 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.offset_s  # noqa: TID251  # the clock of the lab's own servers

    async def until(self, moment: float) -> None:
        """Wait until it is so late; somebody may move the offset meanwhile."""
        while (left := moment - self.now()) > 0:  # noqa: ASYNC110  # nobody tells when the offset moves
            await asyncio.sleep(min(left, _LOOK_EVERY_S))


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs."""

    key_id: str
    key: RSAPrivateKey = field(repr=False)


class Post:
    """Sends and fetches for the servers of the lab."""

    def __init__(self, network: Network, clock: LabClock) -> None:
        self._network = network
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Make the pool of connections; needs a running loop."""
        tls = ssl.create_default_context(cafile=str(self._network.ca_file))
        connector = aiohttp.TCPConnector(resolver=_MapResolver(self._network.endpoints), ssl=tls, limit=16)
        timeout = aiohttp.ClientTimeout(total=_TOTAL_S)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def get(self, url: str, accept: str = ACCEPT_ACTIVITY) -> Json | None:
        """Fetch a document; None if it cannot be had."""
        try:
            async with self._pool().get(url, headers={"Accept": accept}, allow_redirects=False) as answer:
                body = await answer.read()
                found: object = json.loads(body) if answer.status in _OK else None
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None
        return object_of(found)

    async def send(self, signer: Signer, inbox: str, activity: Json) -> bool:
        """Deliver an activity; False if it was refused, or not taken after some tries."""
        body = json.dumps(activity).encode()
        for attempt in range(_TRIES):
            headers = cavage.sign(
                "POST", inbox, body, key_id=signer.key_id, key=signer.key, now=int(self._clock.now())
            )
            try:
                async with self._pool().post(inbox, data=body, headers=headers) as answer:
                    if answer.status in _OK or answer.status in _REFUSED:
                        return answer.status in _OK
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.1 * 2**attempt)
        return False

    def _pool(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the post is not open")
        return self._session


class Hosts:
    """Listens for names of the network."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._places = dict[str, Answering]()
        self._runner: web.AppRunner | None = None

    async def open(self) -> None:
        """Begin; nobody is listening yet."""
        app = web.Application()
        app.add_routes([web.route("*", "/{rest:.*}", self._answer)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()

    async def listen(self, host: str, place: Answering) -> None:
        """Answer for a name from now on."""
        if self._runner is None:
            raise RuntimeError("the hosts are not open")
        self._places[host] = place
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self._network.certificate_file(host), self._network.key_file(host))
        where = self._network.endpoints[host]
        await web.TCPSite(self._runner, where.host, where.port, ssl_context=tls, reuse_address=True).start()

    async def close(self) -> None:
        """End everything."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        place = self._places.get(request.host.partition(":")[0])
        return web.Response(status=404) if place is None else await place.answer(request)


class _MapResolver(AbstractResolver):
    """Knows the names of the world, and no others."""

    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        self._endpoints = endpoints

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Find a name in the map."""
        where = self._endpoints.get(host)
        if where is None:
            raise OSError(f"{host} is not in this world")
        found = ResolveResult(
            hostname=host,
            host=where.host,
            port=where.port,
            family=socket.AF_INET,
            proto=0,
            flags=socket.AI_NUMERICHOST,
        )
        return [found]

    @override
    async def close(self) -> None:
        """Nothing to release."""

"""The reaper of slow connections and the counter of open ones.

aiohttp has no deadline for a request's header. The guard therefore sees every connection from the moment
it is accepted (it wraps the protocol factory) and every request from its header to its answer (it is a
middleware), and once a second ends those that have had their time:

    accepted -> waiting for a header (10 s) -> in a request (the handler's own deadlines) -> idle (75 s)
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from aiohttp import web

HEADER_S: Final = 10.0
IDLE_S: Final = 75.0
_SWEEP_S: Final = 1.0
Factory = Callable[[], web.RequestHandler]


@dataclass(slots=True)
class _Life:
    """What the guard knows of one connection."""

    since: float
    """When it last began or ended a request, or was accepted; monotonic seconds."""
    requests: int = 0
    running: int = 0
    connected: bool = False
    """Whether a sweep has seen it with a transport (TLS done)."""


class Guard:
    """Watches all connections of a node."""

    def __init__(self, *, total: int, per_address: int) -> None:
        self._total = total
        self._per_address = per_address
        self._lives: dict[web.RequestHandler, _Life] = {}

    def watching(self, server: web.Server) -> Factory:
        """Wrap a server's protocol factory so that each connection is known from its first moment."""

        def accept() -> web.RequestHandler:
            connection = server()
            self._lives[connection] = _Life(time.monotonic())
            return connection

        return accept

    @web.middleware
    async def middleware(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Keep a connection alive for as long as a handler works on it."""
        life = self._lives.get(request.protocol)
        if life is None:
            return await handler(request)
        life.requests += 1
        life.running += 1
        try:
            return await handler(request)
        finally:
            life.running -= 1
            life.since = time.monotonic()

    async def run(self) -> None:
        """Sweep once a second until cancelled."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            self.sweep(time.monotonic())

    def sweep(self, now: float) -> int:
        """End every connection that is over its time or over the counts; return how many."""
        self._lives = {c: life for c, life in self._lives.items() if not _gone(c, life, now)}
        open_: list[tuple[asyncio.Transport, _Life]] = []
        for connection, life in self._lives.items():
            transport = connection.transport
            if transport is not None and not transport.is_closing():
                open_.append((transport, life))
                life.connected = True
        doomed = [transport for transport, life in open_ if _overdue(life, now)]
        doomed += self._too_many([pair for pair in open_ if pair[0] not in doomed])
        for transport in doomed:
            transport.abort()
        return len(doomed)

    def _too_many(self, open_: list[tuple[asyncio.Transport, _Life]]) -> list[asyncio.Transport]:
        counts: Counter[str] = Counter()
        doomed: list[asyncio.Transport] = []
        for number, (transport, _) in enumerate(open_):
            address = _peer(transport)
            counts[address] += bool(address)
            if number >= self._total or counts[address] > self._per_address:
                doomed.append(transport)
        return doomed


def _gone(connection: web.RequestHandler, life: _Life, now: float) -> bool:
    """Whether a connection is over; one without a transport may still be in its TLS handshake."""
    return connection.transport is None and (life.connected or now - life.since > 2 * HEADER_S)


def _overdue(life: _Life, now: float) -> bool:
    if life.running:
        return False
    return now - life.since > (IDLE_S if life.requests else HEADER_S)


def _peer(transport: asyncio.Transport) -> str:
    """The peer's address, or empty if it is not counted: a unix socket or loopback (a proxy stands there)."""
    name: object = transport.get_extra_info("peername")
    if not isinstance(name, tuple) or not name:
        return ""
    host = str(name[0])  # pyright: ignore[reportUnknownArgumentType]  # asyncio gives no type
    try:
        return "" if ip_address(host.split("%", 1)[0]).is_loopback else host
    except ValueError:
        return ""

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
from typing import Final

from aiohttp import web

from yurt.node.limiter import limited_address

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
    address: str | None = None
    """Whom it counts for, empty if for nobody; None until a sweep has seen it with a transport (TLS done)."""


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
        """End every connection that is over its time or, newest first, over the counts; return how many."""
        doomed: list[asyncio.Transport] = []
        of_address, left = Counter[str](), self._total
        for transport, life in self._connected(now):
            address = life.address or ""
            if _overdue(life, now) or not left or of_address[address] >= self._per_address:
                doomed.append(transport)
                continue
            left -= 1
            if address:
                of_address[address] += 1
        for transport in doomed:
            transport.abort()
        return len(doomed)

    def _connected(self, now: float) -> list[tuple[asyncio.Transport, _Life]]:
        """The connections that stand, oldest first; those that are gone are forgotten."""
        # Ten thousand streams pass here each second: nothing is worked out twice.
        gone: list[web.RequestHandler] = []
        found: list[tuple[asyncio.Transport, _Life]] = []
        for connection, life in self._lives.items():
            transport = connection.transport
            if transport is None:
                if _is_gone(life, now):
                    gone.append(connection)
            elif not transport.is_closing():
                if life.address is None:
                    life.address = _peer(transport)
                found.append((transport, life))
        for connection in gone:
            del self._lives[connection]
        return found


def _is_gone(life: _Life, now: float) -> bool:
    """Whether a connection without a transport is over; it may still be in its TLS handshake."""
    return life.address is not None or now - life.since > 2 * HEADER_S


def _overdue(life: _Life, now: float) -> bool:
    if life.running:
        return False
    return now - life.since > (IDLE_S if life.requests else HEADER_S)


def _peer(transport: asyncio.Transport) -> str:
    """The peer's address, or empty if it is not counted: a unix socket or loopback (a proxy stands there)."""
    name: object = transport.get_extra_info("peername")
    if not isinstance(name, tuple) or not name:
        return ""
    return limited_address(str(name[0]))  # pyright: ignore[reportUnknownArgumentType]  # asyncio gives no type

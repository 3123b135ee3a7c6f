"""The aiohttp application: routes of all parts behind the guard and the problem middleware.

A middleware that only looks at the request is a plain function and hands on what the next one returns: each
coroutine that waits for its answer would be 280 bytes of every open stream.
"""

from collections.abc import Awaitable, Iterable
from ipaddress import ip_address
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from yurt.node.http.body import BUDGET, Budget
from yurt.node.http.guard import Guard
from yurt.node.http.problem_documents import Handler, only_problems
from yurt.node.limiter import Limiter, Rate, limited_address

OPEN_RATE: Final = Rate(burst=300, every_s=1.0)
"""Requests of one address that show neither a token nor a signature."""
SIGNED_RATE: Final = Rate(burst=1000, every_s=0.02)
"""Requests of one address that show either: nobody has verified it yet, so this is limited as well."""


def build(
    guard: Guard,
    limiter: Limiter,
    show: Middleware,
    routes: Iterable[web.AbstractRouteDef],
    *,
    behind_proxy: bool = False,
) -> web.Application:
    """Put the application together; the first middleware is the outermost.

    Args:
        guard: Watches the connections.
        limiter: Holds the rates of addresses.
        show: Shows problems to browsers.
        routes: Of all parts.
        behind_proxy: Whether a proxy writes X-Forwarded-For.
    """
    first = [guard.middleware, forwarded] if behind_proxy else [guard.middleware]
    app = web.Application(middlewares=[*first, show, only_problems, limited(limiter)])
    app[BUDGET] = Budget()
    app.add_routes(routes)
    app.on_response_prepare.append(_headers)
    return app


@web.middleware
def forwarded(request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
    """See the address that the proxy in front saw; what is no address counts as none."""
    last = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        address = str(ip_address(last))
    except ValueError:
        return handler(request)
    return handler(request.clone(remote=address))


def limited(limiter: Limiter) -> Middleware:
    """Make the middleware that holds the rates of addresses."""

    @web.middleware
    def limit(request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
        """Count requests of an address; people and nodes have further limits of their own."""
        shown = "Authorization" in request.headers or "Signature" in request.headers
        what, rate = ("signed", SIGNED_RATE) if shown else ("open", OPEN_RATE)
        limiter.take(what, limited_address(request.remote or ""), rate)
        return handler(request)

    return limit


async def _headers(request: web.Request, response: web.StreamResponse) -> None:
    """Say as little as possible about the software, and let no browser guess a type."""
    del request
    response.headers["Server"] = "yurt"
    response.headers.setdefault("X-Content-Type-Options", "nosniff")

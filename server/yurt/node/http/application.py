"""The aiohttp application: routes of all parts behind the guard and the problem middleware."""

from collections.abc import Iterable

from aiohttp import web

from yurt.node.http.guard import Guard
from yurt.node.http.problem_documents import only_problems


def build(guard: Guard, routes: Iterable[web.AbstractRouteDef]) -> web.Application:
    """Put the application together; the first middleware is the outermost."""
    app = web.Application(middlewares=[guard.middleware, only_problems])
    app.add_routes(routes)
    app.on_response_prepare.append(_headers)
    return app


async def _headers(request: web.Request, response: web.StreamResponse) -> None:
    """Say as little as possible about the software, and let no browser guess a type."""
    del request
    response.headers["Server"] = "yurt"
    response.headers.setdefault("X-Content-Type-Options", "nosniff")

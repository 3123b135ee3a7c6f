"""What goes wrong, as a page: for people who followed a link, never for programs."""

from collections.abc import Awaitable
from typing import Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Middleware

from yurt.node.http.problem_documents import PROBLEM_TYPE, Handler
from yurt.node.pages.negotiation import prefers_page
from yurt.node.pages.render import Renderer

_TITLES: Final = {
    400: "This cannot be understood",
    403: "This is not allowed",
    404: "There is nothing here",
    405: "This does not work that way",
    410: "This is gone",
    429: "Too often",
    500: "This node failed",
    503: "This node is busy",
    507: "This node's disk is full",
}
_KEPT: Final = ("Retry-After", "Allow")


class _Said(msgspec.Struct, frozen=True):
    """What a problem document says."""

    title: str


def error_pages(renderer: Renderer) -> Middleware:
    """Make the middleware that shows problems to browsers as pages."""

    @web.middleware
    def show(request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
        """Let programs have the document."""
        is_browser = request.method in {"GET", "HEAD"} and prefers_page(request.headers.get("Accept", ""))
        return shown(request, handler) if is_browser else handler(request)

    async def shown(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Replace the problem document by a page."""
        response = await handler(request)
        if not isinstance(response, web.Response) or response.content_type != PROBLEM_TYPE:
            return response
        body = response.body if isinstance(response.body, bytes) else b"{}"
        said = msgspec.json.decode(body, type=_Said)
        values: dict[str, object] = {
            "status": response.status,
            "title": _TITLES.get(response.status, "This did not work"),
            "message": said.title,
        }
        page = await renderer.page("error", values, status=response.status)
        page.headers.update({name: response.headers[name] for name in _KEPT if name in response.headers})
        page.headers["Vary"] = "Accept"
        return page

    return show

"""A request as the signature policy sees it: the bytes that came, under this node's configured name."""

from aiohttp import web

from yurt.activitypub.http_signatures.request import InboundRequest
from yurt.node.limiter import limited_address
from yurt.wire.problems import refuse


def inbound_request(request: web.Request, domain: str, body: bytes) -> InboundRequest:
    """Take what a signature can cover; the Host header is replaced by the domain (DESIGN 4).

    Raises:
        ProblemError: `badRequest` for a request target that is not a path.
    """
    path, mark, query = request.raw_path.partition("?")
    if not path.startswith("/"):
        raise refuse("badRequest", "the request target must be a path")
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1").strip(" \t")) for name, value in request.raw_headers
    )
    address = limited_address(request.remote or "")
    return InboundRequest(request.method, domain, path, query if mark else None, headers, body, address)

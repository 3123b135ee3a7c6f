"""Problems as HTTP answers (RFC 9457), and the middleware that lets nothing else out.

Every request that fails is answered with one of the codes of `yurt.wire.problems`; no hostile request
ever makes a 5xx. What is left over is a bug of ours: it is logged with its place, without the request's
content, and answered with `internal`.
"""

import logging
import math
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import web

from yurt.wire.problems import Problem, ProblemError

PROBLEM_TYPE: Final = "application/problem+json"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = logging.getLogger("yurt.node.http")
_STATUS_CODES: Final = {404: "notFound", 405: "methodNotAllowed", 413: "tooLarge"}


def problem_response(problem: Problem) -> web.Response:
    """Make the RFC 9457 document of a problem."""
    status = problem.kind.status
    document: dict[str, object] = {
        "type": f"urn:yurt:problem:{problem.code}",
        "title": problem.message,
        "status": status,
        "code": problem.code,
        "extra": problem.detail,
    }
    headers = {"Cache-Control": "no-store"}
    if problem.retry_after is not None:
        document["retry_after"] = problem.retry_after
        headers["Retry-After"] = str(max(1, math.ceil(problem.retry_after)))
    return web.Response(
        body=msgspec.json.encode(document), status=status, content_type=PROBLEM_TYPE, headers=headers
    )


@web.middleware
async def only_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever goes wrong into a problem document."""
    try:
        return await handler(request)
    except ProblemError as error:
        return problem_response(error.problem)
    except web.HTTPException as error:
        return _from_aiohttp(error)
    except ConnectionError:
        # Nobody is left to read this. Raised on, it would be a page of log for each stranger who hangs up.
        return problem_response(Problem("badRequest", "the connection broke off"))
    except Exception as error:  # noqa: BLE001  # the last line of defence: a bug of ours must stay one answer
        _log_bug(request, error)
        return problem_response(Problem("internal", "this node failed; its log says where"))


def _from_aiohttp(error: web.HTTPException) -> web.StreamResponse:
    code = _STATUS_CODES.get(error.status, "badRequest")
    response = problem_response(Problem(code, error.reason or code))
    if allow := error.headers.get("Allow"):
        response.headers["Allow"] = allow
    return response


def _log_bug(request: web.Request, error: Exception) -> None:
    """Log where, never what: an exception's text may quote the request."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    _log.error("%s %s failed with %s at %s", request.method, request.path, type(error).__name__, where)

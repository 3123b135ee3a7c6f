"""Why requests of the fediverse were refused: a code each, in the log and in the figures.

Neither tells any content. The codes are constants of ours (`rule` of an error, or the code of a problem), so
that the figures stay few; should a foreign word ever come in, it is counted as `other`.
"""

import logging
from collections import Counter
from collections.abc import Awaitable
from typing import Final

from aiohttp import web

from yurt.node.http.problem_documents import Handler
from yurt.wire.problems import Problem, ProblemError

MAX_CODES: Final = 500

_log = logging.getLogger(__name__)


class Refusals:
    """Counts what was refused where."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def note(self, where: str, problem: Problem) -> str:
        """Write down a refusal; return its code."""
        code = str(problem.detail.get("rule", problem.code))
        code = code if code.isalnum() and code.isascii() and len(code) <= 40 else "other"
        key = (where, code)
        if key not in self._counts and len(self._counts) >= MAX_CODES:
            key = (where, "other")
        self._counts[key] += 1
        _log.info("refused at %s: %s", *key)
        return key[1]

    @web.middleware
    def middleware(self, request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
        """Note every refusal of what other servers ask; people's own commands have answers of their own."""
        resource = request.match_info.route.resource
        where = resource.canonical if resource is not None else "?"
        return handler(request) if where.startswith("/api/") else self._noting(where, request, handler)

    async def _noting(self, where: str, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ProblemError as error:
            self.note(where, error.problem)
            raise

    def counts(self) -> dict[tuple[str, str], int]:
        """How often, by place and code."""
        return dict(self._counts)

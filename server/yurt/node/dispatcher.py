"""One dispatcher behind two doors: a command's name leads to one handler, whoever carries it.

The door `POST /api/v1/<command>` gives JSON, the stream frame `call` gives MessagePack; both end here with
a `Context` that says who asks. Handlers are registered by a dict, so that each part of the node brings its
own. Whatever a handler raises leaves here as a problem: an expected error with its own code, anything else
as `internal`, logged without the request's contents::

    dispatcher = Dispatcher({**account_handlers(...), **room_handlers(...)})
    answer = await dispatcher.call(context, "append", raw, MSGPACK)
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from yurt.node.limiter import COMMAND_RATE, Limiter
from yurt.node.store.types import StoreBusy, StoreClosed, StoreFull
from yurt.wire.command import Answer, Command
from yurt.wire.commands import COMMANDS
from yurt.wire.problems import Problem, ProblemError, refuse
from yurt.wire.room_commands import Append

_log = logging.getLogger(__name__)
C = TypeVar("C", bound=Command)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who holds the token: one device of one account."""

    account: str
    actor: str
    did: str
    device_id: bytes


@dataclass(frozen=True, slots=True)
class Context:
    """Where a command comes from."""

    address: str
    """IP address of the other end, for limits; empty on a unix socket."""
    caller: Caller | None = None
    """None without a token; only open commands get that far."""

    @property
    def who(self) -> Caller:
        """The caller of a command that is not open.

        Raises:
            ProblemError: `notSignedIn`.
        """
        if self.caller is None:
            raise refuse("notSignedIn", "sign in first: this needs a token")
        return self.caller


Handler = Callable[[Context, C], Awaitable[Answer]]
"""What does one command."""
Handlers = Mapping[str, Handler[Any]]
"""Handlers by the command's name; each takes the struct that `COMMANDS` names."""
Decode = Callable[[bytes, type[Command]], Command]
"""How a door reads a command's struct through the strict gate; raises ProblemError."""


class Authenticator(Protocol):
    """Knows the tokens."""

    async def authenticate(self, token: str) -> Caller:
        """Say whose token it is.

        Raises:
            ProblemError: `notSignedIn` for an unknown token, `tokenExpired` for an old one.
        """
        ...


class Dispatcher:
    """Leads each command to its handler."""

    def __init__(self, handlers: Handlers, limiter: Limiter | None = None) -> None:
        self._limiter = limiter
        unknown = set(handlers) - set(COMMANDS)
        if unknown:
            raise ValueError(f"no such command: {', '.join(sorted(unknown))}")
        self._handlers = dict(handlers)

    @property
    def names(self) -> tuple[str, ...]:
        """The commands that are answered."""
        return tuple(self._handlers)

    async def call(self, context: Context, name: str, args: bytes, decode: Decode) -> Answer:
        """Do a command.

        Raises:
            ProblemError: whatever went wrong, ready to travel.
        """
        kind = COMMANDS.get(name)
        handler = self._handlers.get(name)
        if kind is None or handler is None:
            raise refuse("unsupported", "this node does not know that command")
        if context.caller is None and not kind.open:
            raise refuse("notSignedIn", "sign in first: this needs a token")
        if context.caller and self._limiter and name != Append.name:
            self._limiter.take("command", context.caller.account, COMMAND_RATE, rule="tooOften")
        try:
            return await handler(context, decode(args, kind))
        except ProblemError:
            raise
        except Exception as error:
            raise problem_error(error, name) from error


def problem_error(error: Exception, what: str) -> ProblemError:
    """Turn any error into a problem; an unforeseen one is logged here, with `what` as its place."""
    if isinstance(error, ProblemError):
        return error
    for kind, (code, message, wait_s) in _STORE_PROBLEMS.items():
        if isinstance(error, kind):
            return refuse(code, message, retry_after=wait_s)
    _log.error("%s failed unexpectedly", what, exc_info=error)
    return ProblemError(Problem("internal", "this node made a mistake; its log says more", retry_after=5.0))


_STORE_PROBLEMS: Final[dict[type[Exception], tuple[str, str, float]]] = {
    StoreFull: ("diskFull", "the node's disk is full; nothing was kept, try again later", 60.0),
    StoreBusy: ("overloaded", "the node has more to write than it can; try again", 1.0),
    StoreClosed: ("stopping", "the node is stopping; try again in a moment", 2.0),
}

"""What other nodes ask and get answered at once: by name, each with its struct and who answers it.

An ask is for what only the hub of a room, or the node that a link names, can say; the own node of whoever
asks carries it there (`links.Links.ask`). The speaker is checked before: a node asks only for its own
accounts.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from yurt.wire.command import Answer
from yurt.wire.errors import GateError
from yurt.wire.exchange import Ask
from yurt.wire.gate import decode_msgpack
from yurt.wire.problems import refuse

MAX_ASK: Final = 256 * 1024
"""Bytes of an ask's struct."""


@dataclass(frozen=True, slots=True)
class Answerer:
    """Answers asks of one name."""

    shape: type[Any]
    """The struct that is asked with."""
    answer: Callable[[str, Any], Awaitable[Answer]]
    """Takes the actor who asks, whose node has been checked, and the struct."""


Asks = Mapping[str, Answerer]
"""By name."""


async def answer(asks: Asks, ask: Ask) -> bytes:
    """Answer an ask of a node that may speak for its actor.

    Raises:
        ProblemError: `unsupported`, a malformed struct, or the refusal.
    """
    answerer = asks.get(ask.what)
    if answerer is None:
        raise refuse("unsupported", "this node does not know what it was asked")
    try:
        struct = decode_msgpack(ask.args, answerer.shape, limit=MAX_ASK)
    except GateError as error:
        raise error.as_problem() from error
    return msgspec.msgpack.encode(await answerer.answer(ask.actor, struct))

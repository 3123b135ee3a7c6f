"""Trying what may fail: the person is told why in one line, and the screen goes on."""

from collections.abc import Awaitable
from typing import TypeVar

from textual.message_pump import MessagePump

from yurt.client.errors import ClientError
from yurt.tui import shown
from yurt.tui.app_of import app_of
from yurt.wire.problems import ProblemError

T = TypeVar("T")


async def tried(part: MessagePump, work: Awaitable[T]) -> T | None:
    """Do something; give its result, or tell what went wrong and give None.

    Args:
        part: Of the screen: what speaks to the person.
        work: What to do.
    """
    try:
        return await work
    except (ProblemError, ClientError) as error:
        complain(part, error)
        return None


def complain(part: MessagePump, error: ProblemError | ClientError) -> None:
    """Tell what went wrong."""
    text = error.problem.message if isinstance(error, ProblemError) else str(error)
    app_of(part).notify(shown.line(text), severity="error", markup=False)

"""Trying what may fail: the person is told why in one line, and the screen goes on."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar

from textual.dom import DOMNode
from textual.message_pump import MessagePump
from textual.worker import Worker

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


def tell(part: MessagePump, text: str) -> None:
    """Tell the person something, for a moment."""
    app_of(part).notify(shown.line(text), timeout=3, markup=False)


def only_latest(part: DOMNode, work: Callable[[], Coroutine[None, None, None]], group: str) -> Worker[None]:
    """Begin some work in place of what runs in its group.

    Args:
        part: Whose work it is.
        work: Called when it is its turn: what is replaced before that has never begun.
        group: Within it, only the latest goes on.
    """
    return part.run_worker(work, exclusive=True, group=group)

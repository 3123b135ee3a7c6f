"""Real terminals for the stories of the screen."""

import sys
from collections.abc import Callable, Iterator

import pytest

from yurt.tui.pty_terminal import Terminal


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    """Open terminals that run a Python program; all end with the test."""
    opened = list[Terminal]()

    def open_(*command: str, columns: int = 140, rows: int = 40, **environ: str) -> Terminal:
        opened.append(Terminal([sys.executable, *command], columns=columns, rows=rows, environ=environ))
        return opened[-1]

    yield open_
    for each in opened:
        each.end()

"""The demo in a terminal: a newcomer sees two people talk while a node goes away and comes back."""

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from yurt.lab.world.people import PATIENCE_S
from yurt.tui.pty_terminal import Terminal

YURT = ("-c", "import sys; from yurt.cli.main import main; sys.exit(main())", "demo")
F6, F7, CTRL_Q = "\x1b[17~", "\x1b[18~", "\x11"


@pytest.fixture
def demo() -> Iterator[Terminal]:
    """A demo in a terminal of its own."""
    terminal = Terminal([sys.executable, *YURT], columns=120, rows=30, environ={})
    yield terminal
    terminal.end()


def _halves(screen: Terminal) -> tuple[str, str]:
    half = len(screen.cells[0]) // 2
    return (
        "\n".join("".join(row[:half]) for row in screen.cells),
        "\n".join("".join(row[half:]) for row in screen.cells),
    )


def _waits(screen: Terminal, messages: int) -> bool:
    return re.search(rf"out(box)? {messages} ", _halves(screen)[1]) is not None


def test_node_goes_and_comes_back(demo: Terminal) -> None:
    """What is said while a node is away waits, visibly, and arrives when the node is back."""
    demo.sees("F7 stop or start")
    demo.until(lambda screen: all("Hello from the harbour" in half for half in _halves(screen)))
    demo.press("I see you, bo\r")
    demo.until(lambda screen: "I see you, bo" in _halves(screen)[1])
    assert "F1" not in demo.text  # only keys that do something are told

    demo.press(F6)  # bo
    demo.press(F7)
    demo.until(lambda screen: "hilltop.example is stopped" in _halves(screen)[1])
    demo.until(lambda screen: "offline" in _halves(screen)[1])
    demo.press("nobody hears me\r")
    demo.until(lambda screen: _waits(screen, 1))
    assert "nobody hears me" not in _halves(demo)[0]

    demo.press(F7)
    demo.until(lambda screen: "nobody hears me" in _halves(screen)[0])
    demo.until(lambda screen: _waits(screen, 0))

    demo.press(CTRL_Q)
    demo.until(lambda screen: screen.process.poll() is not None)
    assert demo.process.returncode == 0


def test_nobody_stays_behind(demo: Terminal) -> None:
    """When the terminal goes away, the demo ends, and its nodes with it."""
    demo.sees("F7 stop or start")
    children = _children(demo.process.pid)
    assert len(children) == 2

    demo.vanish()

    demo.process.wait(timeout=PATIENCE_S)
    _all_end(children)


def test_nodes_die_with_the_demo(demo: Terminal) -> None:
    """Even a demo that is killed leaves no node behind."""
    demo.sees("F7 stop or start")
    children = _children(demo.process.pid)

    demo.process.kill()
    demo.process.wait()

    _all_end(children)


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(child) for child in listed]


def _all_end(pids: list[int]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while any(_lives(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in ("Z", "X")

r"""A program in a pty of its own, its output read back cell by cell; tests and benches only.

terminal = Terminal([sys.executable, "-m", "yurt.tui.testing", "100"], columns=80, rows=24)
terminal.sees("harbour watch")
terminal.press("hello\r")
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import pyte
from typing_extensions import override
from wcwidth import wcwidth

_PATIENCE_S: Final = 120.0
# Synchronized output (DEC private mode 2026): what stands between these two is one picture.
_FRAME_START: Final = b"\x1b[?2026h"
_FRAME_END: Final = b"\x1b[?2026l"
_ASKS_FOR_FRAMES: Final = b"\x1b[?2026$p"
_HAS_FRAMES: Final = b"\x1b[?2026;2$y"


class Screen(pyte.Screen):
    """A screen that passes over marks of no width, where pyte gives up the rest of a text."""

    @override
    def draw(self, data: str) -> None:
        super().draw("".join(c for c in data if wcwidth(c) > 0 or unicodedata.combining(c)))


class Terminal:
    """A program in a pty."""

    def __init__(
        self, command: Sequence[str], *, columns: int, rows: int, environ: Mapping[str, str]
    ) -> None:
        self._screen = Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.output = b""
        """Every byte that the program has written."""
        self._undrawn = b""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        settings = {"TERM": "xterm-256color", "TZ": "UTC", "COLORTERM": "truecolor", **environ}
        unwanted = {"COLUMNS", "LINES", "NO_COLOR", "TMUX", "STY", "TERM_PROGRAM", "VTE_VERSION"}
        kept = {key: value for key, value in os.environ.items() if key not in unwanted}
        self.process = subprocess.Popen(  # noqa: S603  # our own program
            command, stdin=slave, stdout=slave, stderr=slave, env={**kept, **settings}, start_new_session=True
        )
        os.close(slave)

    @property
    def cells(self) -> list[list[str]]:
        """What the person sees, cell by cell; the second cell of a wide character is empty."""
        across, down = range(self._screen.columns), range(self._screen.lines)
        return [[self._screen.buffer[y][x].data for x in across] for y in down]

    @property
    def text(self) -> str:
        """What the person sees, in one."""
        return "\n".join("".join(row) for row in self.cells)

    def press(self, keys: str) -> None:
        """Type; escape sequences and all."""
        os.write(self._master, keys.encode())

    def settle(self, quiet_s: float = 0.12) -> None:
        """Read until nothing has come for a moment."""
        while self._read(quiet_s):
            pass

    def until(self, true: Callable[["Terminal"], bool]) -> None:
        """Read until the screen is as wanted.

        Raises:
            AssertionError: It never was.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while not true(self):
            if time.monotonic() > deadline:
                raise AssertionError(f"never seen; last:\n{self.text}")
            self._read(0.05)

    def sees(self, pattern: str) -> None:
        """Read until something is on the screen."""
        self.until(lambda terminal: re.search(pattern, terminal.text) is not None)

    def vanish(self) -> None:
        """Close the terminal under the program, as a lost connection does."""
        os.close(self._master)
        self._master = -1

    def end(self) -> None:
        """End the program, whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self._master >= 0:
            os.close(self._master)

    def _read(self, within: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], within)
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the program has ended
            return False
        self.output += data
        if _ASKS_FOR_FRAMES in data:
            os.write(self._master, _HAS_FRAMES)
        self._draw(data)
        return bool(data)

    def _draw(self, data: bytes) -> None:
        """Draw whole frames only: nobody sees half a picture, and no test judges one."""
        self._undrawn += data
        start = self._undrawn.rfind(_FRAME_START)
        if start >= 0 and _FRAME_END not in self._undrawn[start:]:
            whole = start
        else:
            whole = len(self._undrawn) - _begun(self._undrawn)
        self._stream.feed(self._undrawn[:whole])
        self._undrawn = self._undrawn[whole:]


def _begun(data: bytes) -> int:
    """Bytes at the end that may become the start of a frame."""
    return next((n for n in range(len(_FRAME_START) - 1, 0, -1) if data.endswith(_FRAME_START[:n])), 0)

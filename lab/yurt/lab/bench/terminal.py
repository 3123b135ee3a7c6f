"""Figures of the terminal client, in a real pty: first paint, key echo, memory.

The client runs on an engine in memory that hands out pages as the vault does, so the figures are the
screen's own; opening a vault adds its Argon2id and its imports. Never measured with the toolkit's own test
driver, which waits after every key.

    python -m yurt.lab.bench.terminal
"""

import asyncio
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from yurt.lab.bench.figures import Book
from yurt.lab.bench.machine import cpu_s, percentile, rss_mb
from yurt.lab.bench.setting import Setting

MESSAGES: Final = (100, 10_000, 100_000)
_ROWS, _COLUMNS = 40, 140
_PAINTED: Final = b"the light turns"
_KEYS: Final = [chr(code) for code in range(0x100, 0x178)]
"""Letters that are in no control sequence: what is echoed can be told from what is not."""
_BETWEEN_S: Final = 0.05
_SETTLED_S: Final = 0.3
"""Shorter than the blinking of the cursor, which never ends."""
_PATIENCE_S: Final = 30.0
_COMMAND: Final = (sys.executable, "-m", "yurt.tui.testing")


@dataclass(frozen=True, slots=True)
class Screen:
    """How a screen did."""

    cpu_s: float
    """CPU seconds of the process at its first message row."""
    wall_s: float
    """From its start to that row."""
    rss_mb: float
    """After all keys."""
    echo_p50_ms: float
    """From writing a key to its letter in the output."""
    echo_p95_ms: float


def measure(command: Sequence[str], painted: bytes = _PAINTED) -> Screen:
    """Run a client, wait for its first row, and type.

    Args:
        command: Starts it.
        painted: Bytes of a message row.

    Raises:
        TimeoutError: Something never came.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
    environ = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    began = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603  # our own client
        command, stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True
    )
    os.close(slave)
    try:
        _wait_for(master, painted)
        cpu, wall = cpu_s(process.pid), time.perf_counter() - began
        _drain(master, _SETTLED_S)
        echoes = [_echo_ms(master, key) for key in _KEYS]
        return Screen(cpu, wall, rss_mb(process.pid), percentile(echoes, 50), percentile(echoes, 95))
    finally:
        process.kill()
        process.wait()
        os.close(master)


def _echo_ms(master: int, key: str) -> float:
    _drain(master, _BETWEEN_S)
    began = time.perf_counter()
    os.write(master, key.encode())
    _wait_for(master, key.encode())
    return (time.perf_counter() - began) * 1000


def _wait_for(master: int, wanted: bytes) -> None:
    seen, deadline = b"", time.perf_counter() + _PATIENCE_S
    while wanted not in seen:
        if not select.select([master], [], [], max(0.0, deadline - time.perf_counter()))[0]:
            raise TimeoutError(f"the screen never showed {wanted!r}")
        seen += os.read(master, 65536)


def _drain(master: int, quiet_s: float) -> None:
    while select.select([master], [], [], quiet_s)[0]:
        os.read(master, 65536)


async def note(setting: Setting, book: Book) -> None:
    """Scene of the benchmark: ten thousand messages."""
    for _ in range(setting.times):
        found = await asyncio.to_thread(measure, (*_COMMAND, str(MESSAGES[1])))
        book.note("first-paint", found.cpu_s)
        book.note("key-echo", found.echo_p95_ms)
        book.note("terminal-memory", found.rss_mb)


def main() -> None:
    """Print the figures."""
    for messages in MESSAGES:
        found = measure((*_COMMAND, str(messages)))
        print(
            f"  {messages:>7,} messages: first row {found.cpu_s:.2f} s CPU ({found.wall_s:.2f} s), "
            f"echo p50 {found.echo_p50_ms:.1f} p95 {found.echo_p95_ms:.1f} ms, {found.rss_mb:.0f} MB",
            flush=True,
        )


if __name__ == "__main__":
    main()

"""Tells the steps of a demo as they happen: sentences for a person, JSON lines for a program.

tell = Narrator(json=False)
with tell.step("bo follows ana"):
    await bo.engine.follow(ana.address)
"""

import contextlib
import json as jsonlib
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import TextIO

_STARTTIME_FIELD = 21 - 2
"""Of /proc/self/stat, counted after the command's name in brackets (proc(5): field 22)."""


class Narrator:
    """Prints steps with the time since the command began."""

    def __init__(self, *, json: bool, out: TextIO | None = None) -> None:
        self._json = json
        self._out = out or sys.stdout
        self._began = time.monotonic() - process_age_s()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self._began

    @contextlib.contextmanager
    def step(self, what: str) -> Generator[dict[str, object]]:
        """Time one step; what the block puts into the dictionary is told with it."""
        began = self.elapsed_s
        facts: dict[str, object] = {}
        yield facts
        self.tell(what, took_s=round(self.elapsed_s - began, 3), **facts)

    def tell(self, what: str, **facts: object) -> None:
        """Print one line."""
        at_s = round(self.elapsed_s, 3)
        if self._json:
            line = jsonlib.dumps({"at_s": at_s, "step": what} | facts)
        else:
            details = ", ".join(f"{name} {value}" for name, value in facts.items())
            line = f"{at_s:8.3f} s  {what}" + (f"  ({details})" if details else "")
        self._out.write(line + "\n")
        self._out.flush()


def process_age_s() -> float:
    """Seconds since this process was started, interpreter and imports included; 0 where nobody can tell."""
    try:
        stat = Path("/proc/self/stat").read_text(encoding="ascii")
        ticks = int(stat.rpartition(")")[2].split()[_STARTTIME_FIELD])
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / 100)
    except (OSError, ValueError, AttributeError):
        return 0.0

"""What `yurt lab run` prints: to people a line that moves on a terminal, else plain lines; to scripts JSON.

[3/8] people follow: 120 of 266 · about 50 s left
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TextIO

import msgspec

from yurt.lab.migration.progress import Told
from yurt.lab.migration.report import headline
from yurt.lab.migration.result import Result
from yurt.wire.sanitise import clean_line

_PLAIN_S: Final = 10.0
"""Without a terminal, within a step: at most one line in so many seconds."""
_MOVING_S: Final = 0.2
_WIDTH: Final = 78


class Said:
    """Tells what happens, to people or to scripts."""

    def __init__(
        self,
        *,
        as_json: bool,
        out: TextIO | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._as_json = as_json
        self._out = out or sys.stdout
        self._moves = not as_json and self._out.isatty()
        self._monotonic = monotonic
        self._step = 0
        self._said_at = float("-inf")

    def told(self, told: Told) -> None:
        """Say where the run stands, if that is news."""
        now = self._monotonic()
        pause = _MOVING_S if self._moves else _PLAIN_S
        is_new = told.step != self._step
        if not is_new and now - self._said_at < pause:
            return
        if is_new and self._moves and self._step:
            self._out.write("\n")
        self._step, self._said_at = told.step, now
        if self._as_json:
            self._line(json.dumps(msgspec.to_builtins(told)))
        elif self._moves:
            self._out.write("\r" + _sentence(told)[:_WIDTH].ljust(_WIDTH))
            self._out.flush()
        else:
            self._line(_sentence(told))

    def failed(self, line: str) -> None:
        """Say why there is no result."""
        text = clean_line(line)
        self._rest()
        if self._as_json:
            self._line(json.dumps({"error": text}))
        else:
            sys.stderr.write(f"yurt: {text}\n")

    def ended(self, result: Result, report: Path) -> None:
        """Say what came of it."""
        self._rest()
        if self._as_json:
            value: dict[str, object] = {"holds": result.holds, "failures": result.failures()}
            value |= {"figures": result.figures, "lost": result.lost(), "out": str(report.parent)}
            self._line(json.dumps(value))
            return
        lines = [headline(result), *(f"  {count} not kept: {why}" for why, count in result.lost().items())]
        lines += [f"  does not hold: {line}" for line in result.failures()]
        self._line("\n".join((*lines, str(report))))

    def _rest(self) -> None:
        if self._moves and self._step:
            self._out.write("\n")

    def _line(self, line: str) -> None:
        self._out.write(line + "\n")
        self._out.flush()


def _sentence(told: Told) -> str:
    parts = f": {told.done} of {told.of}" if told.of else ""
    return f"[{told.step}/{told.steps}] {told.what}{parts} · about {_span(told.left_s)} left"


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"

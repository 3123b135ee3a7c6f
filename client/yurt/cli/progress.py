"""Progress of a job, as it fits where it is shown: a bar in a terminal, lines without one, JSON for programs.

The node does the work; whoever watches may go away and come back. Ctrl-C lets the job rest, the same command
goes on with it.
"""

import asyncio
import os
import shutil
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, TextIO

from yurt.cli.output import Output
from yurt.client.api import EngineApi
from yurt.client.counted import counted
from yurt.wire.portability_commands import JobStatus, JobView, PauseJob

EVERY_S: Final = 0.5
LINE_EVERY_S: Final = 5.0
"""Between two lines where there is no terminal."""
TRIED_S: Final = 10.0
"""How long it is watched that everything which is left was tried, and waits to be tried again."""
QUIET_S: Final = 60.0
"""How long it is watched that nothing happens."""
_WIDTHS: Final = (24, 12, 6)
_WINDOW: Final = 40
_OPEN: Final = frozenset({"queued", "sent"})
_ALONE: Final = (
    "{} to come, of nodes that do not answer now. Your node goes on trying for a week; the same command "
    "shows how it stands."
)
_ORDER: Final = ("accepted", "pending", "successor", "skipped", "refused", "dead", "sent", "queued")


class Rate:
    """Rows a second, over the last twenty seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=_WINDOW)

    def add(self, at: float, done: int) -> float:
        """Note how many are done; gives the rate."""
        self._seen.append((at, done))
        first_at, first = self._seen[0]
        return (done - first) / (at - first_at) if at > first_at else 0.0


class Quiet:
    """For how long nothing has happened."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._since = 0.0

    def lasts(self, view: JobView, now: float) -> bool:
        """Note a state; whether it has been the same for so long that nobody need look on."""
        if view.counts != self._counts:
            self._counts, self._since = view.counts, now
        return now - self._since > (TRIED_S if all_tried(view) else QUIET_S)


def done_of(view: JobView) -> int:
    """How many rows need nothing more from this node."""
    return view.total - sum(view.counts.get(state, 0) for state in _OPEN)


def job_json(view: JobView, rate: float = 0.0) -> dict[str, object]:
    """Say a job for programs."""
    return {
        "job": view.job,
        "state": view.state,
        "total": view.total,
        "done": done_of(view),
        "counts": view.counts,
        "rate": round(rate, 1),
    }


def all_tried(view: JobView) -> bool:
    """Whether whatever is left was tried, and waits for nodes that did not answer."""
    return view.state == "running" and view.next_at > 0 and not view.counts.get("sent")


def job_line(view: JobView, rate: float) -> str:
    """Say a job for people: how far, what came of it, how fast, how long."""
    return "  ".join(_words(view, rate))


def bar(view: JobView, rate: float, columns: int = 100) -> str:
    """Draw a bar before the line; where there is little space it is shorter, then words go."""
    share = done_of(view) / view.total if view.total else 1.0
    words, line = _words(view, rate), ""
    while words:
        for width in _WIDTHS:
            full = round(share * width)
            line = f"[{'#' * full}{'.' * (width - full)}] {'  '.join(words)}"
            if len(line) < columns:
                return line
        del words[-2 if len(words) > 2 else -1]  # how long it takes goes last, how much is done never
    return line[: max(0, columns - 1)]


def _words(view: JobView, rate: float) -> list[str]:
    done = done_of(view)
    words = [f"{done}/{view.total}"]
    words += [f"{view.counts[state]} {state}" for state in _ORDER if view.counts.get(state)]
    if all_tried(view):
        words.append("waits for nodes that do not answer")
    elif view.state == "running" and rate > 0:
        words.append(f"{rate:.1f}/s, {left(view.total - done, rate)} left")
    return words


def left(rows: int, rate: float) -> str:
    """Say how long the rest takes."""
    seconds = rows / rate
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


async def watch(engine: EngineApi, view: JobView, output: Output, err: TextIO | None = None) -> JobView:
    """Show a job until nothing of it waits, or only for nodes that do not answer.

    A Ctrl-C lets it rest and goes on upwards.

    Returns:
        The job as it ended, rests, or goes on at the node alone.
    """
    stream = err or sys.stderr
    show = _Shown(output, stream)
    loop, rate, quiet = asyncio.get_running_loop(), Rate(), Quiet()
    try:
        while True:
            show.look(view, rate.add(loop.time(), done_of(view)), loop.time())
            if view.state in ("done", "paused"):
                return view
            if quiet.lasts(view, loop.time()):
                show.end()
                output.note(_ALONE.format(counted(view.total - done_of(view), "row")))
                return view
            await asyncio.sleep(EVERY_S)
            view = await engine.ask_node(JobStatus(view.job), JobView)
    except asyncio.CancelledError:
        await _rest(lambda: engine.ask_node(PauseJob(view.job), JobView))
        show.end()
        output.note("Paused: the same command goes on with it.")
        raise
    finally:
        show.end()


async def _rest(pause: Callable[[], Awaitable[JobView]]) -> None:
    """Let the job rest although somebody pressed Ctrl-C."""
    task = asyncio.ensure_future(pause())
    await asyncio.wait([task], timeout=5)


class _Shown:
    """What stands on the screen."""

    def __init__(self, output: Output, stream: TextIO) -> None:
        self._output = output
        self._stream = stream
        # A dumb terminal cannot draw a line over itself: it gets lines, as a file does.
        self._is_terminal = stream.isatty() and not output.as_json and os.environ.get("TERM") != "dumb"
        self._last = ""
        self._next_line = 0.0
        self._drawn = False

    def look(self, view: JobView, rate: float, now: float) -> None:
        """Show a new state."""
        if self._is_terminal:
            self._stream.write("\r\x1b[K" + bar(view, rate, shutil.get_terminal_size().columns))
            self._stream.flush()
            self._drawn = True
            return
        line = job_line(view, 0.0)
        is_last = view.state in ("done", "paused")
        if is_last or (line != self._last and now >= self._next_line):
            self._last, self._next_line = line, now + (1.0 if self._output.as_json else LINE_EVERY_S)
            self._output.show(job_json(view, rate), job_line(view, rate))

    def end(self) -> None:
        """Leave the line of the bar."""
        if self._drawn:
            self._stream.write("\n")
            self._stream.flush()
            self._drawn = False

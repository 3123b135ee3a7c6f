"""Progress of a job: a bar where there is a terminal, lines where there is none, and Ctrl-C lets it rest."""

import asyncio
import io
import json
from typing import Any, cast

import msgspec
import pytest
from typing_extensions import override

from yurt.cli import progress
from yurt.cli.output import Output
from yurt.cli.progress import bar, done_of, job_line, left, watch
from yurt.client.api import EngineApi
from yurt.wire.portability_commands import JobStatus, JobView, PauseJob

JOB = bytes(16)


def view(state: Any, **counts: int) -> JobView:  # noqa: ANN401  # a JobState
    return JobView(job=JOB, kind="import", state=state, total=sum(counts.values()), counts=counts)


class Terminal(io.StringIO):
    """A screen."""

    @override
    def isatty(self) -> bool:
        return True


class Node:
    """Answers with one view after the other, and remembers who asked for peace."""

    def __init__(self, *views: JobView) -> None:
        self.views = list(views)
        self.paused = asyncio.Event()

    async def ask_node(self, command: object, shape: object) -> JobView:
        del shape
        if isinstance(command, PauseJob):
            self.paused.set()
            return view("paused", queued=1)
        assert isinstance(command, JobStatus)
        return self.views.pop(0) if len(self.views) > 1 else self.views[0]


def engine(node: Node) -> EngineApi:
    return cast("EngineApi", node)


def test_pending_is_done_and_sent_is_not() -> None:
    """What waits for a person at the other end holds up nobody here."""
    job = view("running", accepted=3, pending=2, queued=4, sent=1)

    assert done_of(job) == 5
    assert job_line(job, 2.0) == "5/10  3 accepted  2 pending  1 sent  4 queued  2.0/s, 2 s left"
    assert bar(job, 2.0).startswith("[############............] 5/10")
    assert (left(60, 1.0), left(600, 1.0), left(7200, 1.0)) == ("60 s", "10 min", "2.0 h")


@pytest.mark.parametrize("columns", [100, 80, 60, 40, 20, 8])
def test_the_bar_fits_the_terminal(columns: int) -> None:
    """A line that wraps cannot be drawn over itself: a usual terminal would fill with pieces of it."""
    job = view("running", accepted=3_500, pending=1_200, refused=17, dead=36, queued=6_600)

    drawn = bar(job, 4.8, columns)

    assert len(drawn) < columns
    assert drawn.startswith("[")
    assert ("4753/11353" in drawn) == (columns >= 20)
    assert ("left" in drawn) == (columns >= 40)


async def test_nobody_waits_a_week_for_a_dead_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left was tried and waits for a node that does not answer: the own node goes on alone."""
    monkeypatch.setattr(progress, "TRIED_S", 0.0)
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    waits = msgspec.structs.replace(view("running", accepted=1, queued=1), next_at=1)
    err = io.StringIO()

    last = await watch(
        engine(Node(waits)), waits, Output(as_json=False, out=io.StringIO(), err=err), io.StringIO()
    )

    assert last.state == "running"
    assert "waits for nodes that do not answer" in job_line(waits, 2.0)
    assert "1 row to come" in err.getvalue()
    assert "goes on trying for a week" in err.getvalue()


async def test_without_a_terminal_there_are_plain_lines() -> None:
    """A log file gets lines, and no bar; a program gets JSON."""
    out, err = io.StringIO(), io.StringIO()
    node = Node(view("running", queued=1), view("done", accepted=2))

    await watch(engine(node), view("running", queued=2), Output(as_json=True, out=out), err)

    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert lines[-1]["state"] == "done"
    assert lines[-1]["counts"] == {"accepted": 2}
    assert err.getvalue() == ""


async def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be drawn over itself no escape sequence is shown."""
    monkeypatch.setenv("TERM", "dumb")
    screen, out = Terminal(), io.StringIO()

    await watch(
        engine(Node(view("done", accepted=2))),
        view("running", queued=2),
        Output(as_json=False, out=out),
        screen,
    )

    assert screen.getvalue() == ""
    assert out.getvalue().splitlines()[-1] == "2/2  2 accepted"


async def test_in_a_terminal_there_is_one_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar is drawn over itself, and its line ends with the job."""
    monkeypatch.setenv("TERM", "xterm")
    screen = Terminal()
    node = Node(view("done", accepted=2))

    await watch(engine(node), view("running", queued=2), Output(as_json=False), screen)

    assert screen.getvalue().startswith("\r\x1b[K[")
    assert screen.getvalue().endswith("\n")


async def test_ctrl_c_lets_the_job_rest() -> None:
    """Whoever interrupts gets a paused job and a sentence, not a job that goes on unseen."""
    node, err = Node(view("running", queued=1)), io.StringIO()
    output = Output(as_json=False, out=io.StringIO(), err=err)
    task = asyncio.ensure_future(watch(engine(node), view("running", queued=2), output, io.StringIO()))
    await asyncio.sleep(0)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert node.paused.is_set()
    assert "Paused" in err.getvalue()

"""What a person sees of a run while it goes on, and what is left when they end it."""

import asyncio
import io
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typing_extensions import override

from yurt.lab.migration import progress as steps
from yurt.lab.migration.population import populate
from yurt.lab.migration.progress import Progress, Told
from yurt.lab.migration.running import INTERRUPTED
from yurt.lab.migration.saying import Said
from yurt.lab.migration.scenario import load, small
from yurt.lab.world.people import until

TINY = b"""
version = 1
name = "tiny"
tells = "Three nodes, and nobody waits for the end."
[servers]
nodes = 3
[population]
people = 4
communities = 1
neighbours = 2
[[events]]
do = "move"
"""


class Watch:
    """A clock that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


# --- progress ---------------------------------------------------------------------------------------
def test_time_left_follows_the_pace() -> None:
    """A machine that takes twice as long as expected needs twice as long for the rest, too."""
    scenario, watch, said = small(load("planned-move")), Watch(), list[Told]()
    progress = Progress(scenario, populate(scenario), said.append, watch)
    expected = dict(steps.expected(scenario, populate(scenario)))
    progress.step(steps.STARTING, 8)
    assert said[-1].left_s == pytest.approx(sum(expected.values()), abs=0.1)

    watch.now = 2 * expected[steps.STARTING]
    progress.step(steps.JOINING, 9)

    rest = sum(expected.values()) - expected[steps.STARTING]
    assert said[-1].left_s == pytest.approx(2 * rest, abs=0.1)
    assert (said[-1].step, said[-1].steps) == (2, len(expected))
    assert progress.took == [(steps.STARTING, round(watch.now, 2))]


def test_every_step_of_every_scenario_can_begin() -> None:
    """Also two events of one name: each step comes once, in its order, and at the end nothing is left."""
    scenario = load("hostile-source")
    progress = Progress(scenario, populate(scenario), lambda _told: None)
    for name, _ in steps.expected(scenario, populate(scenario)):
        progress.step(name)
    progress.end()

    assert [name for name, _ in progress.took] == [
        name for name, _ in steps.expected(scenario, populate(scenario))
    ]
    assert progress.left_s() == 0


class Terminal(io.StringIO):
    """Something that is written on by hand."""

    @override
    def isatty(self) -> bool:
        return True


def told(step: int, done: int) -> Told:
    return Told(step=step, steps=3, what="people join", done=done, of=9, left_s=240.0)


def test_lines_for_logs_and_a_line_that_moves() -> None:
    """A log gets a line for each step and one in ten seconds; a terminal one line that is written over."""
    watch, log, terminal = Watch(), io.StringIO(), Terminal()
    for out in (log, terminal):
        said = Said(as_json=False, out=out, monotonic=watch)
        watch.now = 0
        for second in range(12):
            watch.now = second
            said.told(told(1, second))
        said.told(told(2, 0))

    assert log.getvalue().splitlines() == [
        "[1/3] people join: 0 of 9 · about 4 min left",
        "[1/3] people join: 10 of 9 · about 4 min left",
        "[2/3] people join: 0 of 9 · about 4 min left",
    ]
    assert terminal.getvalue().count("\r") == 13
    assert terminal.getvalue().count("\n") == 1


def test_scripts_read_json() -> None:
    """One object a line: what happens, and why there is no result."""
    out = io.StringIO()
    said = Said(as_json=True, out=out)
    said.told(told(1, 4))
    said.failed("people.no: such\x1b[31m key")

    happened, error = map(json.loads, out.getvalue().splitlines())
    assert happened == {"step": 1, "steps": 3, "what": "people join", "done": 4, "of": 9, "left_s": 240.0}
    assert "\x1b" not in error["error"]


# --- the end ----------------------------------------------------------------------------------------
def processes(folder: Path) -> Iterator[int]:
    """Processes that have something to do with a folder."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if os.fsencode(folder) in entry.read_bytes():
                yield int(entry.parent.name)
        except OSError:
            continue


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="processes are looked for in /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
async def test_whoever_ends_it_leaves_nothing_behind(tmp_path: Path, how: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end every node, take the folder away, write nothing, and say so with code 130."""
    scenario, scratch = tmp_path / "tiny.toml", tmp_path / "scratch"
    scenario.write_bytes(TINY)
    scratch.mkdir()
    words = ("-m", "yurt.cli.main", "lab", "run", str(scenario), "--out", str(tmp_path / "out"))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        env={**os.environ, "TMPDIR": str(scratch)},
        start_new_session=True,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )

    async def node_runs() -> bool:
        return any(processes(scratch))

    await until(node_runs, "a node runs")
    os.killpg(process.pid, how)  # as a terminal does: the nodes hear it as well
    out, err = await process.communicate()

    assert process.returncode == INTERRUPTED, err.decode()
    assert out.startswith(b"[1/")
    assert err.decode() == "yurt: interrupted: every process is ended, and nothing was written\n"
    assert list(processes(scratch)) == []
    assert list(scratch.iterdir()) == []
    assert not (tmp_path / "out").exists()

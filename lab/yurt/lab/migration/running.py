"""`yurt lab run`: a scenario is played in a folder that goes away, and four files are left."""

import asyncio
import contextlib
import signal
import tempfile
from pathlib import Path
from typing import Final

from yurt.lab.migration.errors import MigrationError, ScenarioError
from yurt.lab.migration.libraries import networkx, pyplot
from yurt.lab.migration.measures import check_measures
from yurt.lab.migration.play import play
from yurt.lab.migration.population import plan
from yurt.lab.migration.report import page
from yurt.lab.migration.result import Result, to_csv, to_json
from yurt.lab.migration.saying import Said
from yurt.lab.migration.scenario import Scenario, decode, load, small
from yurt.lab.migration.scenario_text import MAX_SIZE, line_of
from yurt.lab.world.people import NeverHappened
from yurt.lab.world.process import NodeFailed
from yurt.wire.problems import ProblemError

FILES: Final = ("result.json", "ties.csv", "report.html", "plan.json")
HOLDS, DOES_NOT, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
"""Exit codes."""


def run(scenario: str, out: Path, *, json: bool, is_small: bool = False) -> int:
    """Play a scenario and write what came of it.

    Args:
        scenario: A file, or the name of one of the package.
        out: A folder; made if it is missing.
        json: Print JSON lines instead of sentences.
        is_small: With 8 nodes and few people.

    Returns:
        0 if everything that was expected holds, 1 if not, 2 for a scenario that cannot be played, 130 if
        somebody ended it (Ctrl-C, or SIGTERM); every process is ended in each case.
    """
    said = Said(as_json=json)
    try:
        found = small(find(scenario)) if is_small else find(scenario)
        _check_out(out)
        networkx(), pyplot()  # before minutes are spent  # pyright: ignore[reportUnusedExpression]
        result = asyncio.run(_play(found, said))
        write(result, out)
    except MigrationError as error:
        said.failed(str(error))
        return BAD_INPUT
    except OSError as error:
        said.failed(f"{out} cannot be written: {error.strerror}")
        return BAD_INPUT
    except (NeverHappened, NodeFailed, ProblemError) as error:
        said.failed(str(error))
        return DOES_NOT
    except (KeyboardInterrupt, asyncio.CancelledError):
        said.failed("interrupted: every process is ended, and nothing was written")
        return INTERRUPTED
    said.ended(result, out / "report.html")
    return HOLDS if result.holds else DOES_NOT


def find(scenario: str) -> Scenario:
    """Read a scenario from a file, or one of the package by its name.

    Raises:
        ScenarioError: It cannot be read or played; names key and line.
    """
    path = Path(scenario)
    if not scenario.endswith(".toml"):
        return load(scenario)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise ScenarioError("", f"{path} cannot be read: {error.strerror}") from None
    found = decode(data)
    try:
        check_measures(found)
    except ScenarioError as error:
        raise ScenarioError(error.where, error.what, line_of(data, error.where)) from None
    return found


def write(result: Result, out: Path) -> None:
    """Write the four files."""
    out.mkdir(parents=True, exist_ok=True)
    contents = (
        to_json(result),
        to_csv(result).encode(),
        page(result).encode(),
        plan(result.setting.played),
    )
    for name, content in zip(FILES, contents, strict=True):
        (out / name).write_bytes(content)


def _check_out(out: Path) -> None:
    taken = [name for name in FILES if (out / name).exists()]
    if taken:
        raise MigrationError(f"{out / taken[0]} exists already: name another folder with --out")
    if out.exists() and not out.is_dir():
        raise MigrationError(f"{out} is no folder: name another one with --out")


async def _play(scenario: Scenario, said: Said) -> Result:
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    if task is not None:
        with contextlib.suppress(NotImplementedError):
            # As Ctrl-C: whoever ends the command ends its nodes, and its folder goes away.
            loop.add_signal_handler(signal.SIGTERM, task.cancel)
            loop.add_signal_handler(signal.SIGHUP, task.cancel)
    with tempfile.TemporaryDirectory(prefix="yurt-lab-") as folder:
        return await play(scenario, Path(folder), said.told)

"""`yurt lab run`: a scenario is played in a folder that goes away, and three files are left."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Final

from yurt.lab.migration.errors import MigrationError, ScenarioError
from yurt.lab.migration.libraries import networkx, pyplot
from yurt.lab.migration.play import play
from yurt.lab.migration.report import headline, page
from yurt.lab.migration.result import Result, to_csv, to_json
from yurt.lab.migration.scenario import Scenario, decode, load, small
from yurt.lab.world.people import NeverHappened
from yurt.lab.world.process import NodeFailed
from yurt.wire.problems import ProblemError
from yurt.wire.sanitise import clean_line

FILES: Final = ("result.json", "ties.csv", "report.html")
_HOLDS, _DOES_NOT, _BAD_INPUT = 0, 1, 2


def run(scenario: str, out: Path, *, json: bool, is_small: bool = False) -> int:
    """Play a scenario and write what came of it.

    Args:
        scenario: A file, or the name of one of the package.
        out: A folder; made if it is missing.
        json: Print JSON lines instead of sentences.
        is_small: With 8 nodes and few people.

    Returns:
        0 if everything that was expected holds, 1 if not, 2 for a scenario that cannot be played.
    """
    said = _Said(as_json=json)
    try:
        found = small(find(scenario)) if is_small else find(scenario)
        _check_out(out)
        networkx(), pyplot()  # before minutes are spent  # pyright: ignore[reportUnusedExpression]
        result = asyncio.run(_play(found, said))
        write(result, out)
    except MigrationError as error:
        said.failed(str(error))
        return _BAD_INPUT
    except (NeverHappened, NodeFailed, ProblemError) as error:
        said.failed(str(error))
        return _DOES_NOT
    said.ended(result, out)
    return _HOLDS if result.holds else _DOES_NOT


def find(scenario: str) -> Scenario:
    """Read a scenario from a file, or one of the package by its name.

    Raises:
        ScenarioError: It cannot be read.
    """
    path = Path(scenario)
    if not scenario.endswith(".toml"):
        return load(scenario)
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise ScenarioError("", f"{path} cannot be read: {error.strerror}") from None


def write(result: Result, out: Path) -> None:
    """Write the three files."""
    out.mkdir(parents=True, exist_ok=True)
    contents = (to_json(result), to_csv(result).encode(), page(result).encode())
    for name, content in zip(FILES, contents, strict=True):
        (out / name).write_bytes(content)


def _check_out(out: Path) -> None:
    taken = [name for name in FILES if (out / name).exists()]
    if taken:
        raise MigrationError(f"{out / taken[0]} exists already: name another folder with --out")


async def _play(scenario: Scenario, said: "_Said") -> Result:
    with tempfile.TemporaryDirectory(prefix="yurt-lab-") as folder:
        return await play(scenario, Path(folder), said.happened)


class _Said:
    """Tells what happens, to people or to scripts."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def happened(self, line: str) -> None:
        self._show({"happened": line}, line)

    def failed(self, line: str) -> None:
        text = clean_line(line)
        if self._as_json:
            self._show({"error": text}, text)
        else:
            sys.stderr.write(f"yurt: {text}\n")

    def ended(self, result: Result, out: Path) -> None:
        value: dict[str, object] = {"holds": result.holds, "failures": result.failures()}
        value |= {"figures": result.figures, "out": str(out)}
        lines = [headline(result), *(f"  {count} lost: {why}" for why, count in result.lost().items())]
        lines += [f"  does not hold: {line}" for line in result.failures()]
        self._show(value, "\n".join((*lines, f"{out / FILES[-1]}")))

    def _show(self, value: dict[str, object], line: str) -> None:
        sys.stdout.write((json.dumps(value) if self._as_json else line) + "\n")
        sys.stdout.flush()

"""What was measured: medians beside their goals, kept as JSON and shown as a table.

A run that measures only a few rows leaves the others as they were, so each row carries when it was measured
and how busy the machine was: a figure from a crowded machine is a figure about the crowd.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from yurt.lab.bench.machine import State


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what is measured, and what is good enough."""

    name: str
    """As it is asked for on the command line."""
    what: str
    unit: str
    goal: float | None = None
    at_least: bool = False
    """Whether more is better."""

    def holds(self, value: float) -> bool:
        """Whether a value reaches the goal; a row without one always does."""
        if self.goal is None:
            return True
        return value >= self.goal if self.at_least else value <= self.goal

    @property
    def shown_goal(self) -> str:
        """The goal as the table has it."""
        return "" if self.goal is None else f"{'≥' if self.at_least else '≤'} {number(self.goal)}"


class Figure(msgspec.Struct, frozen=True):
    """What came out for one row."""

    name: str
    yurt: float
    """Median."""
    each: tuple[float, ...]
    """All repetitions, in their order."""
    bare: float | None
    """Median of the bare server, in the same run."""
    load: float
    """Of the machine, at the end."""
    when: str
    quick: bool


class Record(msgspec.Struct):
    """The file."""

    machine: Mapping[str, str] = {}
    commit: str = ""
    fsync_p99_ms: tuple[float, ...] = ()
    """Before and after."""
    steal: float = 0.0
    figures: dict[str, Figure] = {}

    @classmethod
    def read(cls, path: Path) -> "Record":
        """Read the file; an empty record if there is none."""
        if not path.exists():
            return cls()
        return msgspec.json.decode(path.read_bytes(), type=cls)

    def write(self, path: Path) -> None:
        """Write the file."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self, order="sorted"), indent=1) + b"\n")


@dataclass(slots=True)
class Book:
    """Takes in what is measured, repetition by repetition."""

    when: str
    quick: bool
    _yurt: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    _bare: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def note(self, name: str, yurt: float, bare: float | None = None) -> None:
        """Note one repetition of a row."""
        self._yurt[name].append(yurt)
        if bare is not None:
            self._bare[name].append(bare)

    def figures(self) -> dict[str, Figure]:
        """The medians."""
        load = State.now().load
        return {
            name: Figure(
                name,
                median(each),
                tuple(each),
                median(self._bare[name]) if self._bare[name] else None,
                load,
                self.when,
                self.quick,
            )
            for name, each in self._yurt.items()
        }


def number(value: float) -> str:
    """Write a number with as many digits as mean something."""
    if value >= _HUNDRED or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= _TEN else f"{value:.2f}"


def table(rows: Sequence[Row], record: Record) -> str:
    """Write the rows that were measured as a Markdown table."""
    lines = ["| what | unit | Yurt | bare | goal | load |", "|---|---|---:|---:|---:|---:|"]
    for row in rows:
        figure = record.figures.get(row.name)
        if figure is None:
            continue
        bare = "" if figure.bare is None else number(figure.bare)
        yurt = number(figure.yurt) + ("" if row.holds(figure.yurt) else " (missed)")
        once = " (quick)" if figure.quick else ""
        lines.append(
            f"| {row.what}{once} | {row.unit} | {yurt} | {bare} | {row.shown_goal} | {figure.load:.1f} |"
        )
    return "\n".join(lines)


_TEN: Final = 10
_HUNDRED: Final = 100

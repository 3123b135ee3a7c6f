"""The page of figures: medians beside their goals, and no run that takes another's figures away."""

from pathlib import Path

import pytest

from yurt.lab.bench import page
from yurt.lab.bench.__main__ import main
from yurt.lab.bench.figures import Book, Record, Row, number, table
from yurt.lab.bench.rows import ROWS, SCENES

FAST = Row("fast", "messages", "/s", 10_000, at_least=True)
SMALL = Row("small", "memory", "MB", 60)
WHEN = "2026-11-21T12:00+00:00"


def record_of(**values: tuple[float, ...]) -> Record:
    """A record with these repetitions."""
    book = Book(WHEN, quick=False)
    for name, each in values.items():
        for value in each:
            book.note(name, value, value * 2)
    return Record(figures=book.figures())


def test_a_figure_is_the_median_beside_its_goal() -> None:
    """One lucky repetition makes no figure, and a missed goal says so."""
    shown = table([FAST, SMALL], record_of(fast=(9_000, 50_000, 9_500), small=(59, 58, 57)))

    assert "| messages | /s | 9,500 (missed) | 19,000 | ≥ 10,000 |" in shown
    assert "| memory | MB | 58 | 116 | ≤ 60 |" in shown


def test_rows_that_were_not_measured_are_not_shown() -> None:
    """A table has no empty promises."""
    assert "memory" not in table([FAST, SMALL], record_of(fast=(1,)))


def test_a_record_comes_back_and_keeps_what_another_run_measured(tmp_path: Path) -> None:
    """Measuring one row again leaves the others as they were."""
    file = tmp_path / "performance.json"
    record_of(fast=(1, 2, 3), small=(4,)).write(file)

    again = Record.read(file)
    again.figures |= record_of(fast=(8,)).figures

    assert again.figures["fast"].each == (8,)
    assert again.figures["small"] == Record.read(file).figures["small"]
    assert Record.read(tmp_path / "none.json").figures == {}


@pytest.mark.parametrize(
    ("value", "written"), [(0.354, "0.35"), (12.34, "12.3"), (123.4, "123"), (10_000, "10,000"), (3.0, "3")]
)
def test_numbers_have_the_digits_that_mean_something(value: float, written: str) -> None:
    """Nobody measures a rate to a hundredth."""
    assert number(value) == written


def test_every_row_has_a_name_of_its_own() -> None:
    """What is asked for by name is one thing."""
    names = [row.name for row in ROWS] + [*SCENES]

    assert len(names) == len(set(names))
    assert all(name in page.listed() for name in names)


def test_an_unknown_row_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A typing mistake measures nothing."""
    assert main(["durabel"]) == 2
    assert "durabel" in capsys.readouterr().err


def test_the_page_is_what_the_record_says() -> None:
    """The page in the house is written by the command and not by hand."""
    docs = Path(__file__).parents[3] / "docs"
    record = Record.read(docs / "performance.json")

    assert table(ROWS, record) in (docs / "performance.md").read_text(encoding="utf-8")

"""The tables in docs/mls.md, the code and the tests say the same."""

import importlib
import inspect
import re
from enum import StrEnum
from pathlib import Path
from typing import Final

import pytest

from yurt.mls import errors
from yurt.mls.errors import RemoteMlsError, Unsupported, ValidationError

HOUSE: Final = Path(__file__).parents[3]
PAGE: Final = HOUSE / "docs" / "mls.md"
HERE: Final = Path(__file__).parent
ROW: Final = re.compile(r"^\| `(\w+)` \| (.+) \| `(test_\w+\.py)::(test_\w+)` \|$")
ROWS: Final = [row.groups() for line in PAGE.read_text().splitlines() if (row := ROW.match(line))]
ROOT: Final = HOUSE / "federation" / "yurt" / "mls"
SOURCES: Final = {path: path.read_text() for path in sorted(ROOT.rglob("*.py"))}
LITERAL: Final = re.compile(r'raise Invalid(?!Tag|PublicKey)\w+\(\s*"(\w+)"')


def _enumerations() -> list[type[StrEnum]]:
    """Find every enumeration of rule codes."""
    names = [
        ".".join(("yurt.mls", *path.relative_to(ROOT).with_suffix("").parts))
        for path, source in SOURCES.items()
        if "Rule(StrEnum)" in source
    ]
    found = {
        kind
        for name in names
        for _, kind in inspect.getmembers(importlib.import_module(name), inspect.isclass)
        if issubclass(kind, StrEnum) and kind.__name__.endswith("Rule")
    }
    return sorted(found, key=lambda kind: kind.__name__)


def _of_errors() -> dict[str, str]:
    """Find the codes of errors that are a rule by themselves, with the error's name."""
    kinds = [
        kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, RemoteMlsError)
    ]
    return {
        str(vars(kind)["rule"]): kind.__name__
        for kind in kinds
        if "rule" in vars(kind) and not issubclass(kind, ValidationError) and kind is not RemoteMlsError
    }


NAMES: Final = {
    **{code: f'"{code}"' for source in SOURCES.values() for code in LITERAL.findall(source)},
    **{code.value: f"{kind.__name__}.{code.name}" for kind in _enumerations() for code in kind},
    **_of_errors(),
}
"""Every code with the name that the code calls it by."""


def test_every_rule_is_explained() -> None:
    """A refusal that somebody can meet stands in the table, with its test."""
    assert set(NAMES) - {code for code, *_ in ROWS} == set()


def test_every_explained_rule_exists() -> None:
    """The table promises no rule that nobody holds, and none twice."""
    codes = [code for code, *_ in ROWS]

    assert set(codes) - set(NAMES) == set()
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(("file", "test"), sorted({(row[2], row[3]) for row in ROWS}))
def test_every_rule_has_its_test(file: str, test: str) -> None:
    """The named test is there."""
    text = (HERE / file).read_text()

    assert f"def {test}(" in text


@pytest.mark.parametrize("kind", _enumerations())
def test_every_rule_is_held_somewhere(kind: type[StrEnum]) -> None:
    """A code without a check would be a promise without a guard."""
    for code in kind:
        assert any(f"{kind.__name__}.{code.name}" in source for source in SOURCES.values())


def test_unsupported_is_a_family() -> None:
    """What is not taken here has a name of its own for each thing."""
    assert _of_errors()["unsupported"] == Unsupported.__name__


def test_the_page_shows_code_that_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The twenty lines of the page found a group, join it, speak in it, and follow it from outside."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)

    exec("\n".join(blocks), {})  # noqa: S102 - our own page

    assert capsys.readouterr().out == "0 b'hello'\n1\n"

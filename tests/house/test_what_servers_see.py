"""docs/what-servers-see.md names every field that travels or lies on a node's disk, and no other."""

import importlib
import pkgutil
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
from typing_extensions import TypeIs

from yurt import wire
from yurt.node.store.schema import prepare
from yurt.node.store.steps import STEPS

PAGE = Path(__file__).parents[2] / "docs" / "what-servers-see.md"
_NAME = re.compile(r"^`(\w+)`$")
_REMARK = re.compile(r"\([^)]*\)")


def structures() -> dict[str, set[str]]:
    """Every structure of the wire, with its fields as they are written there."""
    modules = [importlib.import_module(m.name) for m in pkgutil.iter_modules(wire.__path__, "yurt.wire.")]
    own = [thing for module in modules for thing in vars(module).values() if _is_of(thing, module)]
    assert len({thing.__name__ for thing in own}) == len(own), "two structures have one name"
    return {thing.__name__: {field.encode_name for field in msgspec.structs.fields(thing)} for thing in own}


def _is_of(thing: object, module: ModuleType) -> TypeIs[type[msgspec.Struct]]:
    return (
        isinstance(thing, type)
        and issubclass(thing, msgspec.Struct)
        and thing.__module__ == module.__name__
        and not thing.__name__.startswith("_")
    )


def tables(folder: Path) -> dict[str, set[str]]:
    """Every table of a node's database, with its columns."""
    file = folder / "node.db"
    prepare(file, STEPS)
    with closing(sqlite3.connect(file)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        own = [name for name in names if not name.startswith(("_", "sqlite_"))]
        return {name: {row[1] for row in db.execute(f"PRAGMA table_info({name})")} for name in own}


def explained(heading: str, *, until: str) -> dict[str, set[str]]:
    """What the tables of a part of the page say: a name, and its fields in the next three cells."""
    part = PAGE.read_text().partition(f"\n## {heading}\n")[2].partition(f"\n## {until}\n")[0]
    found: dict[str, set[str]] = {}
    for line in part.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if (name := _NAME.match(cells[0])) is not None:
            words = [word.strip() for cell in cells[1:4] for word in _REMARK.sub("", cell).split(",")]
            fields = [word for word in words if word]
            assert len(fields) == len(set(fields)), f"{name[1]} names a field twice"
            assert name[1] not in found, f"{name[1]} stands twice"
            found[name[1]] = set(fields)
    return found


def set_aside(what: str) -> set[str]:
    """Names that the page lists as having nothing to do with rooms."""
    listed = (
        PAGE.read_text()
        .partition("\n## Not about rooms\n")[2]
        .partition(f"- {what}:")[2]
        .partition("\n- ")[0]
    )
    return set(re.findall(r"`(\w+)`", listed))


def test_every_field_that_travels_is_explained() -> None:
    """A new field of a frame, a command or an exchange says here first who reads it."""
    told = explained("Between a device and its own node", until="Rows in a node's database")

    real, aside = structures(), set_aside("Structures")

    assert told.keys() & aside == set()
    assert told.keys() | aside == real.keys()
    assert told == {name: real[name] for name in told}


def test_every_column_of_a_node_is_explained(tmp_path: Path) -> None:
    """A new column of a table that holds something of a room says here first what lies in it."""
    told = explained("Rows in a node's database", until="Not about rooms")

    real, aside = tables(tmp_path), set_aside("Tables")

    assert told.keys() & aside == set()
    assert told.keys() | aside == real.keys()
    assert told == {name: real[name] for name in told}


@pytest.mark.parametrize("words", ["name", "topic", "text", "content", "reaction", "draft", "search"])
def test_no_field_is_there_for_what_people_say(words: str) -> None:
    """No frame of a room has a place for content in the clear."""
    told = explained("Between a device and its own node", until="Rows in a node's database")

    assert not [name for name, fields in told.items() if words in fields]

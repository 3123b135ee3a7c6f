"""The table in docs/room-rules.md and the code say the same."""

import re
from pathlib import Path

import pytest

from yurt.rooms.common.rules import Rule
from yurt.rooms.member.content_rules import JOINING_LEAF, NOT_AUTHOR, TOO_MANY_REACTIONS

HOUSE = Path(__file__).parents[3]
TABLE = HOUSE / "docs" / "room-rules.md"
ROOMS = HOUSE / "federation" / "yurt" / "rooms"
IN_THE_CODE = {rule.value for rule in Rule} | {JOINING_LEAF, NOT_AUTHOR, TOO_MANY_REACTIONS}


def codes_of_the_table() -> set[str]:
    """Find each cell of a table that holds nothing but a code."""
    return {
        cell
        for line in TABLE.read_text().splitlines()
        if line.startswith("|")
        for cell in re.findall(r"\| `(\w+)` (?=\|)", line)
    }


def test_every_code_is_explained() -> None:
    """A refusal that people can meet stands in the table."""
    assert IN_THE_CODE - codes_of_the_table() == set()


def test_every_explained_code_exists() -> None:
    """The table promises no rule that nobody holds."""
    assert codes_of_the_table() - IN_THE_CODE == set()


@pytest.mark.parametrize("rule", Rule)
def test_every_rule_is_raised_somewhere(rule: Rule) -> None:
    """A code without a check would be a promise without a guard."""
    sources = [path for path in ROOMS.rglob("*.py") if path.name != "rules.py"]

    assert any(f"Rule.{rule.name}" in path.read_text() for path in sources)

"""The text of a scenario: what may cost nothing is bounded before it is parsed, and keys have lines.

A TOML parser keeps every prefix of a dotted key, so that one line of 120,000 characters fills the memory of
a machine; no line of a scenario needs more than some hundred.
"""

import re
import tomllib
from typing import Any, Final

from yurt.lab.migration.errors import ScenarioError

MAX_SIZE: Final = 64 * 1024
MAX_LINE: Final = 500
_HEADER: Final = re.compile(r"^\s*\[(\[)?\s*([\w.-]+)\s*\]")
_KEY: Final = re.compile(r"^\s*([\w-]+)\s*=")
_PART: Final = re.compile(r"([\w-]+)(?:\[(\d+)\])?")


def parse(data: bytes) -> dict[str, Any]:
    """Parse TOML of a few kilobytes.

    Raises:
        ScenarioError: Not UTF-8, no TOML, or more than 64 KiB or 500 characters a line.
    """
    if len(data) > MAX_SIZE:
        raise ScenarioError("", f"a scenario has at most {MAX_SIZE // 1024} KiB")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ScenarioError("", f"no TOML: {error}") from None
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > MAX_LINE:
            raise ScenarioError("", f"line {number} has more than {MAX_LINE} characters")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is a plain ValueError
        raise ScenarioError("", f"no TOML: {error}") from None


def line_of(data: bytes, path: str) -> int:
    """Find the line of a key, as ``servers.stock[1].host``; of what holds it if it is not there; 0: nowhere.

    Lines are counted from 1. This is for people who look for a mistake; it knows headers, keys, and arrays
    with one table a line, and no more of TOML.
    """
    places, table, counts = dict[str, int](), "", dict[str, int]()
    array = ""
    for number, line in enumerate(data.decode(errors="replace").splitlines(), 1):
        if header := _HEADER.match(line):
            table = header[2]
            if header[1]:
                counts[table] = counts.get(table, -1) + 1
                table = f"{table}[{counts[table]}]"
            array = ""
            places.setdefault(table, number)
        elif key := _KEY.match(line):
            array = f"{table}.{key[1]}".lstrip(".")
            places.setdefault(array, number)
            counts[array] = -1
        if array and "{" in line:
            counts[array] += 1
            places.setdefault(f"{array}[{counts[array]}]", number)
    return next((places[one] for one in _holders(path) if one in places), 0)


def _holders(path: str) -> list[str]:
    """The path itself, then what holds it, the nearest first."""
    found, so_far = list[str](), ""
    for name, index in _PART.findall(path):
        so_far = f"{so_far}.{name}".lstrip(".")
        found.append(so_far)
        if index:
            so_far = f"{so_far}[{index}]"
            found.append(so_far)
    return found[::-1]

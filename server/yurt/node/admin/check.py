"""What one look at a node found: a code that never changes, a level, and a line for a person."""

from typing import Literal, NamedTuple

Level = Literal["ok", "warn", "fail", "skip"]


class Check(NamedTuple):
    """What one look found."""

    code: str
    level: Level
    message: str

"""How words are read: argparse, with one line for each mistake and ``--json`` wherever one would type it."""

import argparse
import re
from collections.abc import Iterable
from typing import Any, Final, NoReturn

from typing_extensions import override

_NEAR: Final = 0.6
"""How alike a word must be to be offered, from 0 to 1."""
_OFFERED: Final = 3
_UNDONE: Final = frozenset({"follow", "block", "mute", "like", "boost", "react", "verify"})
"""Commands that end with ``--undo`` what they began, where others have a word for it."""
_NO_NUMBER: Final = re.compile(r"argument (\S+): invalid int value: ('.*')")


class Mistyped(Exception):
    """The words make no command; the text says what is wrong and where to read more."""


class Parser(argparse.ArgumentParser):
    """A parser that raises what is wrong instead of printing its usage, so that scripts get JSON too."""

    def __init__(self, *args: Any, is_first: bool = False, **settings: Any) -> None:  # noqa: ANN401  # argparse's
        super().__init__(*args, **settings)
        if not is_first:
            # On each level, as one would type it; SUPPRESS: what stood further left counts.
            self.add_argument(
                "--json", action="store_true", default=argparse.SUPPRESS, help="one JSON object a line"
            )

    @override
    def error(self, message: str) -> NoReturn:
        """Refuse the words.

        Raises:
            Mistyped: Always.
        """
        said = _NO_NUMBER.sub(r"\1 takes a whole number, not \2", message)
        raise Mistyped(f"{said} (`{self.prog} --help` tells more)")

    @override
    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            word, choices = str(value), [str(choice) for choice in action.choices]
            undone = word.removeprefix("un")
            ends = undone != word and undone in _UNDONE and undone in choices
            meant = f"say `{self.prog} {undone} ... --undo`" if ends else offer(word, choices)
            self.error(f"{self.prog} knows no {word!r}: {meant}")


def offer(word: str, known: Iterable[str], all_are: str = "it knows") -> str:
    """Say which words somebody may have meant; all, where they are few.

    Args:
        word: What was typed.
        known: What could have been.
        all_are: Stands before them when all are told.
    """
    from difflib import get_close_matches  # only for who mistyped something

    words = list(known)
    near = get_close_matches(word.lower(), words, _OFFERED, _NEAR)
    near += [one for one in words if len(word) > 1 and one.startswith(word) and one not in near]
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"{all_are} {', '.join(words)}" if len(words) <= 2 * _OFFERED + 2 else "is it spelled right?"

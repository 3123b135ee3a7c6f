"""What a key of ours looks like to people: names for the help and the hints.

The keys themselves belong to the widgets and screens (``BINDINGS``); the help reads them there, so it
cannot tell of a key that does nothing.
"""

from collections.abc import Iterable
from typing import Final

from textual.binding import Binding, BindingType

_NAMES: Final = {
    "slash": "/",
    "plus": "+",
    "question_mark": "?",
    "escape": "Esc",
    "enter": "Enter",
    "pageup": "Page up",
    "pagedown": "Page down",
    "home": "Home",
    "end": "End",
    "up": "Up",
    "down": "Down",
    "tab": "Tab",
    "space": "Space",
}


def told(bindings: Iterable[BindingType]) -> list[tuple[str, str]]:
    """Give keys and what they do, of the bindings that have a description."""
    return [
        (", ".join(named(key) for key in binding.key.split(",")), binding.description)
        for binding in bindings
        if isinstance(binding, Binding) and binding.description
    ]


def named(key: str) -> str:
    """Name a key as it is printed on keyboards."""
    *modifiers, last = key.split("+")
    name = _NAMES.get(last, last.upper() if len(last) > 1 and last.startswith("f") else last)
    return "-".join([*(modifier.capitalize() for modifier in modifiers), name])

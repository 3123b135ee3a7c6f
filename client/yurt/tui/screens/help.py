"""The keys, read from the widgets and screens that have them, and what the marks mean."""

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static
from typing_extensions import override

from yurt.tui.keys import told
from yurt.tui.screens.dialogs import Dialog
from yurt.tui.shown import wrap

_MARKS: Final = (
    ("┆", "before a message: it waits in your outbox"),
    ("┃", "before a message: it is settled, its place cannot change any more"),
    ("!", "before a message: the hub has refused it"),
    ("~", "its author said something else before"),
    ("x", "it was taken back"),
    ("── blocked: 2", "said by people whom you block; it is there again if you unblock them"),
    ("?", "below a message: who told you of it; you did not see it said"),
    ("┌ └", "what a message answers, and what others think of it"),
    ("── !─ ?─", "the room's own lines: who came or left, a warning, something unreadable"),
    ("?name", "the name has letters of other scripts that may look like somebody else's"),
    ("name@node", "somebody else in the room has the same name"),
    ("=", "after a person: you compared their safety number"),
    ("x", "after a person: you block them"),
    ("owner admin mod", "what a person may do in the room"),
    ("x room", "you may read it, nothing can be said there any more"),
)
_KEY: Final = 20
"""Cells of the column of keys."""
_AROUND: Final = 10
"""Cells around the text: border, padding, scrollbar, indentation."""


class Help(Dialog[None]):
    """Tells the keys."""

    DEFAULT_CSS = """
    Help > Vertical { width: 76; height: 90%; }
    """

    def __init__(self, parts: Sequence[tuple[str, Sequence[BindingType]]]) -> None:
        """Take what to tell.

        Args:
            parts: A title and its bindings, each.
        """
        super().__init__()
        self._parts = parts

    @override
    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "keys"
            with VerticalScroll():
                yield Static()

    def on_resize(self) -> None:
        """Fit the table into the width."""
        width = min(76, self.size.width) - _AROUND
        parts = [(title, told(bindings)) for title, bindings in self._parts]
        for keys in self.query(Static):  # not there yet, or not any more
            keys.update(table([*parts, ("marks", _MARKS)], width))

    def on_mount(self) -> None:
        """Let the keys scroll."""
        self.query_one(VerticalScroll).focus()


def table(parts: Sequence[tuple[str, Sequence[tuple[str, str]]]], width: int) -> Content:
    """Set keys and what they do in two columns; long texts stay in theirs."""
    found = list[Content]()
    for title, rows in parts:
        found.append(Content.styled(title, "bold"))
        for key, what in rows:
            column = _KEY if width > 2 * _KEY else _KEY // 2 + 1
            first, *rest = wrap(what, max(column, width - column))
            found.append(Content(f"  {key:<{column}}{first}"))
            found += [Content(" " * (column + 2) + line) for line in rest]
        found.append(Content(""))
    return Content("\n").join(found)

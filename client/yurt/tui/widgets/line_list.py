"""A list of one-line rows with a cursor: the ground of rooms, participants and jump results.

It draws only what is visible, so a thousand rooms cost what twenty do. Rows arrive as safe text
(`yurt.tui.shown`); nothing is read as markup.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from typing_extensions import override

from yurt.tui import shown


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a list."""

    key: str
    """What is chosen with it."""
    text: str
    """As it came; cleaned when drawn."""
    count: str = ""
    """At the right edge."""
    bold: bool = False
    colour: str = ""


class LineList(ScrollView, can_focus=True):
    """Rows to choose from."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "the row above"),
        Binding("down,j", "move(1)", "the row below"),
        Binding("pageup", "page(-1)", "a page up"),
        Binding("pagedown", "page(1)", "a page down"),
        Binding("enter", "choose", "choose"),
    ]
    DEFAULT_CSS = """
    LineList { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """

    class Chosen(Message):
        """A row was chosen."""

        def __init__(self, widget: "LineList", key: str) -> None:
            super().__init__()
            self.widget = widget
            self.key = key

        @property
        @override
        def control(self) -> "LineList":
            """The list."""
            return self.widget

    def __init__(self, *, id: str | None = None, empty: str = "") -> None:  # noqa: A002  # Textual's word
        super().__init__(id=id)
        self._lines: Sequence[Line] = ()
        self._cursor = 0
        self._empty = empty
        self.opened: str = ""
        """Key of the row that is marked as being open."""

    @property
    def chosen(self) -> str:
        """Key of the row under the cursor; empty without one."""
        return self._lines[self._cursor].key if self._lines else ""

    def say_if_empty(self, text: str) -> None:
        """Say something else while there are no rows."""
        self._empty = text
        self.refresh()

    def show_from_top(self, lines: Sequence[Line]) -> None:
        """Show other rows, best first: the cursor goes to the first one."""
        self._cursor, self._lines = 0, ()
        self.show(lines)

    def show(self, lines: Sequence[Line], *, opened: str = "") -> None:
        """Show other rows; the cursor stays with its row if that is still there."""
        if lines == self._lines and opened == self.opened:
            return
        was, moved = self.chosen, opened != self.opened
        self._lines, self.opened = lines, opened
        wanted = opened if moved and opened else was
        keys = [line.key for line in lines]
        self._cursor = keys.index(wanted) if wanted in keys else min(self._cursor, max(0, len(keys) - 1))
        self._measure()
        self._reveal()
        self.refresh()

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        if self._lines:
            self._cursor = max(0, min(len(self._lines) - 1, self._cursor + by))
            self._reveal()
            self.refresh()

    def action_page(self, by: int) -> None:
        """Move the cursor by what is visible."""
        self.action_move(by * max(1, self.size.height - 1))

    def action_choose(self) -> None:
        """Choose the row under the cursor."""
        if self._lines:
            self.post_message(self.Chosen(self, self.chosen))

    def on_resize(self) -> None:
        """Fit the rows to the width."""
        self._measure()

    def on_click(self, event: events.Click) -> None:
        """Choose the row under the pointer."""
        at = event.y + self.scroll_offset.y
        if at < len(self._lines):
            self._cursor = at
            self.refresh()
            self.action_choose()

    def on_focus(self) -> None:
        """Show the cursor."""
        self.refresh()

    def on_blur(self) -> None:
        """Hide it."""
        self.refresh()

    @override
    def render_line(self, y: int) -> Strip:
        at, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        if at >= len(self._lines):
            text = self._empty if not self._lines and y == 0 else ""
            return Strip([Segment(text[:width].ljust(width), self.rich_style + Style(dim=True))], width)
        line = self._lines[at]
        style = self.rich_style + Style(bold=line.bold, color=line.colour or None)
        style += Style(reverse=at == self._cursor and self.has_focus)
        mark = "> " if line.key == self.opened else "  "
        label = shown.label(line.text, max(0, width - len(mark) - len(line.count) - 1))
        segment = Segment(f"{mark}{label} {line.count}", style)
        return Strip([segment]).adjust_cell_length(width, style)

    def _measure(self) -> None:
        # The width leaves out the scrollbar, else a second bar appears below.
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._lines))

    def _reveal(self) -> None:
        self.scroll_to_region(Region(0, self._cursor, 1, 1), animate=False, force=True)

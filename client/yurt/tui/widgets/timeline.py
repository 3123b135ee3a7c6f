"""What was said in a room: a virtual list that draws only the rows that are visible.

It holds a `Window` of some pages and asks for more when the person comes near an end; it never sees the
engine. Keys move a cursor from line to line; what is marked can be copied. While the person is at the end,
new lines push it along; else the line at the top stays where it is, whatever comes or goes.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from typing_extensions import override

from yurt.client.api import TimelineItem
from yurt.client.folding import folded
from yurt.tui import shown
from yurt.tui.app_of import app_of
from yurt.tui.colours import colour_of, warning_colour
from yurt.tui.lines import NAME, Gutter, Roll, Row, day_of, divider, rows_of
from yurt.tui.window import Window

NEAR: Final = 60
"""Rows from an end at which more is asked for."""


class Timeline(ScrollView, can_focus=True):
    """The lines of the open room."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "the line above"),
        Binding("down,j", "move(1)", "the line below"),
        Binding("shift+up", "mark(-1)", "mark this line and the one above"),
        Binding("shift+down", "mark(1)", "mark this line and the one below"),
        Binding("pageup", "page(-1)", "a page back"),
        Binding("pagedown", "page(1)", "a page on"),
        Binding("home", "first", "the oldest line loaded"),
        Binding("end,G", "last", "the newest line"),
        Binding("y", "copy", "copy the line, or all that are marked"),
        Binding("r", "ask('reply')", "answer this message"),
        Binding("e", "ask('edit')", "say something else instead of this message of yours"),
        Binding("d", "ask('delete')", "take this message back"),
        Binding("plus", "ask('react')", "put an emoji under this message, or take yours away"),
    ]
    BORDER_TITLE = ""
    DEFAULT_CSS = """
    Timeline { height: 1fr; overflow-x: hidden;
        border: round $foreground 35%; border-title-color: $foreground; scrollbar-size-vertical: 1;
        scrollbar-gutter: stable; }
    Timeline:focus { border: round $accent; }
    """

    class OlderWanted(Message):
        """The person comes near the oldest line held."""

    class NewerWanted(Message):
        """The person comes near the newest line held, and there are newer ones."""

    class NewestWanted(Message):
        """The person wants the end of the room."""

    class Read(Message):
        """The newest line of the room is on the screen."""

        def __init__(self, item: int) -> None:
            super().__init__()
            self.item = item

    class Copied(Message):
        """The person wants `text` in the clipboard."""

        def __init__(self, text: str, lines: int) -> None:
            super().__init__()
            self.text = text
            self.lines = lines

    class Asked(Message):
        """The person wants something done about a message."""

        def __init__(self, what: str, item: TimelineItem) -> None:
            super().__init__()
            self.what = what
            """``reply``, ``edit``, ``delete`` or ``react``."""
            self.item = item

    def __init__(self, *, id: str | None = None, names: int = NAME) -> None:  # noqa: A002  # Textual's word
        """Make an empty one.

        Args:
            id: As Textual has it.
            names: Cells for names where there is space: posts tell whole addresses.
        """
        super().__init__(id=id)
        self._names = names
        self._window = Window()
        self._items: Sequence[TimelineItem] = ()
        self._rows: list[Row] = []
        self._starts = dict[int, int]()
        self._laid = dict[tuple[int, int, int], list[Row]]()
        """Rows by local id, revision and the revision of what is answered: a change of one line wraps one."""
        self._laid_width: int = 0
        self._roll = Roll()
        self._viewer = ""
        self._new_after = 0
        self._follows = True
        self._cursor = 0
        self._mark = 0
        self._marked: frozenset[int] = frozenset()
        self._asked: int | None = None
        self._hint = ""

    # --- what it shows ------------------------------------------------------------------------------
    @property
    def window(self) -> Window:
        """The lines held."""
        return self._window

    @property
    def under_cursor(self) -> TimelineItem | None:
        """The line that keys are about: where the cursor is, else the newest."""
        item = next((item for item in self._items if item.item == self._cursor), None)
        return item or (self._items[-1] if self._items else None)

    @property
    def at_end(self) -> bool:
        """Whether the newest line of the room is on the screen."""
        return self._follows and not self._window.has_newer

    def open(self, window: Window, *, roll: Roll, viewer: str, new_after: int) -> None:
        """Show a room.

        Args:
            window: Its lines; the timeline keeps it from now on.
            roll: Names in it.
            viewer: Did of whoever looks, for the colours.
            new_after: Local id after which lines are new: a rule says so; 0 for none.
        """
        self._window, self._roll, self._viewer, self._new_after = window, roll, viewer, new_after
        self._laid.clear()
        self._cursor = self._mark = 0
        self._asked = None
        self._lay_out()
        first_new = next((item.item for item in self._items if item.item > new_after > 0), 0)
        self._follows = not first_new and not window.has_newer
        if first_new:
            self._go(max(0, self._starts[first_new] - 2))
        else:
            self._go(self._end)
        self._look()

    def set_hint(self, text: str) -> None:
        """Show some words of ours where there is no room yet."""
        if text != self._hint:
            self._hint = text
            self.refresh()

    def set_roll(self, roll: Roll) -> None:
        """Take in that other people are in the room now."""
        if roll != self._roll:
            self._roll = roll
            self._laid.clear()
            self.changed()

    def changed(self) -> None:
        """Draw again after the window has changed; whoever reads keeps their place."""
        self._asked = None
        at = min(self.scroll_offset.y, len(self._rows) - 1)
        anchor = next((row.item for row in self._rows[max(0, at) :] if row.item), 0)
        offset = at - self._starts.get(anchor, at)
        self._lay_out()
        if self._follows and not self._window.has_newer:
            self._go(self._end)
        elif anchor in self._starts:
            self._go(self._starts[anchor] + offset)
        self._look()

    def _lay_out(self) -> None:
        """Compute all rows; only what is new or changed is wrapped."""
        width = self.scrollable_content_region.width
        if width != self._laid_width:
            self._laid.clear()
            self._laid_width = width
        gutter, rows, starts = Gutter.of(width, self._names), list[Row](), dict[int, int]()
        kept, day, ruled = dict[tuple[int, int, int], list[Row]](), "", False
        self._items = folded(self._window.in_order())
        named = {(item.did, item.content_id): item for item in self._items if item.content_id}
        for item in self._items:
            if (today := day_of(item)) and today != day:
                rows.append(divider(day := today, width))
            if not ruled and 0 < self._new_after < item.item and not item.own:
                rows.append(divider("new", width))
                ruled = True
            answered = named.get((item.reply_did, item.reply_id)) if item.reply_did else None
            key = (item.item, item.revision, answered.revision if answered else 0)
            kept[key] = self._laid.get(key) or rows_of(item, gutter, self._roll, answered)
            starts[item.item] = len(rows)
            rows += kept[key]
        self._rows, self._starts, self._laid = rows, starts, kept
        # The width leaves out the scrollbar, else a second bar appears below.
        self.virtual_size = Size(width, len(rows))
        self.refresh()

    # --- moving -------------------------------------------------------------------------------------
    def action_move(self, by: int) -> None:
        """Move the cursor by lines."""
        self._mark = 0
        self._step(by)

    def action_mark(self, by: int) -> None:
        """Move the cursor, and mark everything from where it was."""
        start = self._cursor or (self._items[-1].item if self._items else 0)
        self._step(by)
        self._mark = self._mark or start

    def action_page(self, by: int) -> None:
        """Move by pages; the cursor goes along."""
        self._go(self.scroll_offset.y + by * max(1, self.scrollable_content_region.height - 2))
        top = self.scroll_offset.y
        visible = self._rows[top : top + self.scrollable_content_region.height]
        wanted = [row.item for row in (visible if by < 0 else reversed(visible)) if row.item]
        self._cursor, self._mark = (wanted[0] if wanted else 0), 0
        self._look()

    def action_first(self) -> None:
        """Go to the oldest line held; more are fetched there."""
        self._cursor = self._items[0].item if self._items else 0
        self._mark = 0
        self._go(0)
        self._look()

    def action_last(self) -> None:
        """Go to the end of the room."""
        self._cursor = self._mark = 0
        if self._window.has_newer:
            self.post_message(self.NewestWanted())
            return
        self._follows = True
        self._go(self._end)
        self._look()

    def action_copy(self) -> None:
        """Copy what is marked."""
        chosen = self._chosen()
        if chosen:
            texts = [shown.copied(item.text) for item in chosen]
            if len(chosen) > 1:
                texts = [
                    f"{shown.line(item.address)}: {text}" for item, text in zip(chosen, texts, strict=True)
                ]
            self.post_message(self.Copied("\n".join(texts), len(chosen)))

    def action_ask(self, what: str) -> None:
        """Ask for something to be done about the message under the cursor."""
        item = self.under_cursor
        if item is not None and item.kind == "message" and not item.deleted_by:
            self.post_message(self.Asked(what, item))

    def go_to(self, item: int) -> None:
        """Put the cursor on a line that is held."""
        if item in self._starts:
            self._cursor, self._mark = item, 0
            self._go(self._starts[item] - self.scrollable_content_region.height // 2)
            self._look()
            self.refresh()

    def _step(self, by: int) -> None:
        ids = [item.item for item in self._items]
        if not ids:
            return
        at = by + (ids.index(self._cursor) if self._cursor in self._starts else len(ids) - 1)
        self._cursor = ids[max(0, min(len(ids) - 1, at))]
        self._reveal(self._cursor)
        self._look()

    def _chosen(self) -> list[TimelineItem]:
        ids = [item.item for item in self._items]
        if not ids:
            return []
        at = ids.index(self._cursor) if self._cursor in self._starts else len(ids) - 1
        other = ids.index(self._mark) if self._mark in self._starts else at
        return list(self._items[min(at, other) : max(at, other) + 1])

    def _reveal(self, item: int) -> None:
        start, height = self._starts[item], self.scrollable_content_region.height
        end = start + len(self._laid_of(item))
        if start < self.scroll_offset.y:
            self._go(start)
        elif end > self.scroll_offset.y + height:
            self._go(min(start, end - height))
        self.refresh()

    def _laid_of(self, item: int) -> list[Row]:
        return next((rows for (known, *_), rows in self._laid.items() if known == item), list[Row]())

    @property
    def _end(self) -> int:
        return max(0, len(self._rows) - self.scrollable_content_region.height)

    def _go(self, y: int) -> None:
        self.scroll_to(y=max(0, min(y, self._end)), animate=False, force=True, immediate=True)

    # --- where the person is ------------------------------------------------------------------------
    @override
    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._look()

    def on_resize(self) -> None:
        """Wrap anew when the width has changed."""
        if self.scrollable_content_region.width != self._laid_width:
            self.changed()
        elif self._follows:
            self._go(self._end)

    def _look(self) -> None:
        """Notice where the person is: ask for more near an end, and tell what has been read."""
        self._marked = frozenset(item.item for item in self._chosen())
        top = self.scroll_offset.y
        self._follows = top >= self._end
        if top < NEAR and self._window.has_older:
            self._ask(self.OlderWanted(), self._window.first)
        elif top > self._end - NEAR and self._window.has_newer:
            self._ask(self.NewerWanted(), self._window.last)
        elif self.at_end and self._window.last:
            self.post_message(self.Read(self._window.last))

    def _ask(self, message: Message, place: int) -> None:
        if self._asked != place:
            self._asked = place
            self.post_message(message)

    # --- drawing ------------------------------------------------------------------------------------
    def on_focus(self) -> None:
        """Show the cursor."""
        self.refresh()

    def on_blur(self) -> None:
        """Hide it."""
        self.refresh()

    @override
    def render_line(self, y: int) -> Strip:
        at, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        if at >= len(self._rows):
            hint = [] if self._rows else shown.line_rows(self._hint, max(1, width - 2))
            words = f" {hint[at]}" if at < len(hint) else ""
            return Strip([Segment(words, self.rich_style)]).adjust_cell_length(width, self.rich_style)
        row, base = self._rows[at], self.rich_style
        if self.has_focus and row.item in self._marked:
            base += Style(reverse=True)
        quiet = base + Style(dim=True)
        text = base + _TONES[row.tone]
        if row.tone == "warning":
            text += Style(color=warning_colour(dark=app_of(self).current_theme.dark))
        parts = (
            (row.time, quiet),
            (row.name, base + self._name_style(row.did)),
            (row.mark, quiet),
            (row.text, text),
        )
        return Strip([Segment(part, style) for part, style in parts]).adjust_cell_length(width, base)

    def _name_style(self, did: str) -> Style:
        if not did:
            return Style()
        return Style(bold=True, color=colour_of(did, self._viewer, dark=app_of(self).current_theme.dark))


_TONES: Final = {
    "message": Style(),
    "own": Style(),
    "quiet": Style(italic=True, dim=True),
    "warning": Style(italic=True),
    "rule": Style(dim=True),
}

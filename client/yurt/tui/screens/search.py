"""``/``: what was said, in this vault alone, by words."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input
from typing_extensions import override

from yurt.client.api import TimelineItem
from yurt.tui.lines import day_of
from yurt.tui.screens.dialogs import Dialog
from yurt.tui.tried import only_latest
from yurt.tui.widgets.line_list import Line, LineList

Find = Callable[[str], Awaitable[Sequence[TimelineItem] | None]]


class Search(Dialog[TimelineItem]):
    """Finds messages; its result is the one to go to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "the row above", priority=True),
        Binding("down", "move(1)", "the row below", priority=True),
    ]
    DEFAULT_CSS = """
    Search LineList { height: 14; }
    Search > Vertical { width: 100; }
    """

    def __init__(self, find: Find) -> None:
        """Take what looks for words; the newest of what it gives comes first."""
        super().__init__()
        self._find = find
        self._found: Sequence[TimelineItem] = ()
        self._asked = ""

    @override
    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "search: every word, or how it begins"
            yield Input(placeholder="words", compact=True)
            yield LineList(empty="nothing yet: Enter looks")

    def on_mount(self) -> None:
        """Type in one place, choose in the other."""
        self.query_one(LineList).can_focus = False

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Look; again with the same words, go to the marked row."""
        words = event.value.strip()
        if words and words == self._asked:
            self.query_one(LineList).action_choose()
        elif words:
            self._asked = words
            only_latest(self, self._look, "look")

    def on_line_list_chosen(self, event: LineList.Chosen) -> None:
        """Go there."""
        self.dismiss(next(item for item in self._found if str(item.item) == event.key))

    def action_move(self, by: int) -> None:
        """Move in the list while typing goes on."""
        self.query_one(LineList).action_move(by)

    async def _look(self) -> None:
        self._found = list(reversed(await self._find(self._asked) or ()))
        lines = [Line(str(item.item), f"{day_of(item)} {item.name}: {item.text}") for item in self._found]
        rows = self.query_one(LineList)
        rows.say_if_empty("nothing has all of these words")
        rows.show_from_top(lines)

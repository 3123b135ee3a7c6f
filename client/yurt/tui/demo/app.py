"""The demo's app: everybody side by side; keys choose a person, and stop and start nodes.

app = DemoApp(stage, environ)
await app.run_async()
"""

from collections.abc import Mapping
from typing import ClassVar, Final

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static
from typing_extensions import override

from yurt.tui import alt_enter
from yurt.tui.demo.side import Side
from yurt.tui.demo.stage import Stage

_HELP: Final = "F6 the other person · F7 stop or start their node · Enter sends · Ctrl-Q ends all"
_SHORT: Final = "F6 person · F7 node · Ctrl-Q"


class DemoApp(App[None]):
    """Two people, two nodes, one room."""

    TITLE = "yurt demo"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-wide")]  # noqa: RUF012  # as Textual has it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6", "next_person", "the other person", priority=True),
        Binding("f7", "switch_node", "stop or start the node of this person", priority=True),
        Binding("ctrl+q", "quit", "end the demo", priority=True),
    ]
    CSS = """
    #keys { height: 1; dock: bottom; background: $panel; color: $text-muted; padding: 0 1; }
    Screen.-narrow Side { display: none; }
    Screen.-narrow Side.-here { display: block; }
    """

    def __init__(self, stage: Stage, environ: Mapping[str, str]) -> None:
        """Take the stage.

        Args:
            stage: Everybody, ready to talk; whoever opened it closes it.
            environ: Of the terminal: whether colours are wanted.
        """
        alt_enter.teach()
        super().__init__(ansi_color=True if "NO_COLOR" in environ else None)
        self._stage = stage
        self._at = 0

    @override
    def compose(self) -> ComposeResult:
        with Horizontal():
            for person in self._stage.people:
                yield Side(person, self._stage.room)
        yield Static(id="keys")

    def on_mount(self) -> None:
        """Begin with the first person."""
        self._choose(0)

    def on_resize(self) -> None:
        """Say the keys in as many words as there is space for."""
        self.query_one("#keys", Static).update(Content(_HELP if self.size.width > len(_HELP) else _SHORT))

    def action_next_person(self) -> None:
        """Be the next person."""
        self._choose(self._at + 1)

    async def action_switch_node(self) -> None:
        """Stop or start the node of the person whose keys these are."""
        self.run_worker(self._sides[self._at].switch_node())

    def on_descendant_focus(self) -> None:
        """Notice where a mouse or Tab has led."""
        for at, side in enumerate(self._sides):
            if side.has_class("-chosen"):
                self._at = at
        self._mark()

    @property
    def _sides(self) -> list[Side]:
        return list(self.query(Side))

    def _choose(self, at: int) -> None:
        self._at = at % len(self._sides)
        self._mark()
        self._sides[self._at].choose()

    def _mark(self) -> None:
        for at, side in enumerate(self._sides):
            side.set_class(at == self._at, "-here")

"""F7 among the posts: who asks to follow, and one's answer."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static
from typing_extensions import override

from yurt.client.api import EngineApi
from yurt.tui import shown
from yurt.tui.app_of import app_of
from yurt.tui.screens.dialogs import Dialog
from yurt.tui.tried import tried
from yurt.tui.widgets.line_list import Line, LineList
from yurt.wire.command import Done
from yurt.wire.people_commands import Accept, Reject, Ties
from yurt.wire.people_commands import Requests as AskRequests


class Requests(Dialog[None]):
    """Lists who waits for an answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "answer(True)", "let them follow"),
        Binding("x", "answer(False)", "do not let them follow"),
    ]
    DEFAULT_CSS = """
    Requests LineList { height: 10; }
    """

    def __init__(self, engine: EngineApi) -> None:
        super().__init__()
        self._engine = engine

    @override
    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "who asks to follow you"
            yield LineList(empty="nobody waits")
            yield Static(Content("a lets them follow, x does not; Esc closes"), classes="note")

    def on_mount(self) -> None:
        """Look who waits."""
        self.query_one(LineList).focus()
        self.run_worker(tried(self, self._look()))

    async def _look(self) -> None:
        ties = (await self._engine.ask_node(AskRequests(), Ties)).ties
        self.query_one(LineList).show([Line(tie.address, tie.address) for tie in ties])

    def action_answer(self, yes: bool) -> None:  # noqa: FBT001  # what a binding gives
        """Answer the one under the cursor."""
        if address := self.query_one(LineList).chosen:
            self.run_worker(tried(self, self._answer(address, yes=yes)))

    async def _answer(self, address: str, *, yes: bool) -> None:
        await self._engine.ask_node(Accept(address) if yes else Reject(address), Done)
        word = "follows you" if yes else "does not follow you"
        app_of(self).notify(shown.line(f"{address} {word}"), timeout=3, markup=False)
        await self._look()

"""F7: who asks to follow, or to add one to a room, and one's answer; who tried what is not possible yet."""

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static
from typing_extensions import override

from yurt.client.api import EngineApi
from yurt.client.calls import Nothing
from yurt.client.consent.calls import AnswerInvitation, InvitationViews, ListInvitations
from yurt.client.conversations.calls import ListTried, TriedView, TriedViews
from yurt.tui.screens.dialogs import Dialog
from yurt.tui.tried import tell, tried
from yurt.tui.widgets.line_list import Line, LineList
from yurt.wire.command import Done
from yurt.wire.people_commands import Accept, Reject, Ties
from yurt.wire.people_commands import Requests as AskRequests

_FOLLOW: Final = "f"
_ROOM: Final = "r"
_TRIED: Final = "t"
"""Before an address, as a row's key: what is asked, or was tried."""
_NOT_YET: Final = "no encrypted conversation with other software yet; theirs was told"


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
        self._tried: dict[str, TriedView] = {}
        """By address; the engine tells of each once."""

    @override
    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "who asks to follow you, or to add you to a room"
            yield LineList(empty="nobody waits")
            yield Static(Content("a: yes, x: no, Esc closes"), classes="note")

    def on_mount(self) -> None:
        """Look who waits."""
        self.query_one(LineList).focus()
        self.run_worker(tried(self, self._look()))

    async def _look(self) -> None:
        ties = (await self._engine.ask_node(AskRequests(), Ties)).ties
        asked = (await self._engine.call(ListInvitations(), InvitationViews)).invitations
        lines = [Line(_FOLLOW + tie.address, tie.address) for tie in ties]
        rooms = [Line(_ROOM + each.address, f"{each.address} (into a room)") for each in asked]
        tried_now = (await self._engine.call(ListTried(), TriedViews)).tried
        self._tried |= {one.address: one for one in tried_now}
        tries = [Line(_TRIED + who, f"{who} (tried to talk encrypted: not yet)") for who in self._tried]
        self.query_one(LineList).show(lines + rooms + tries)

    def action_answer(self, yes: bool) -> None:  # noqa: FBT001  # what a binding gives
        """Answer the one under the cursor."""
        chosen = self.query_one(LineList).chosen
        if chosen.startswith(_TRIED):
            tell(self, _NOT_YET)
        elif chosen:
            answer = self._let_follow if chosen.startswith(_FOLLOW) else self._let_add
            self.run_worker(tried(self, answer(chosen[1:], yes=yes)))

    async def _let_follow(self, address: str, *, yes: bool) -> None:
        await self._engine.ask_node(Accept(address) if yes else Reject(address), Done)
        await self._answered(address, "follows you" if yes else "does not follow you")

    async def _let_add(self, address: str, *, yes: bool) -> None:
        await self._engine.call(AnswerInvitation(address=address, accept=yes), Nothing)
        await self._answered(address, "may add you to rooms" if yes else "may not add you to rooms")

    async def _answered(self, address: str, word: str) -> None:
        tell(self, f"{address} {word}")
        await self._look()

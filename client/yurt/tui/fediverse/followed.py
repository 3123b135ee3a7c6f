"""F8 among the posts: whom one follows, blocks and mutes, and the way back from each."""

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static
from typing_extensions import override

from yurt.client.api import EngineApi, PersonView
from yurt.client.people_calls import BlockedView, ListBlocked
from yurt.tui.screens.about_people import AboutPeople
from yurt.tui.screens.dialogs import Dialog
from yurt.tui.tried import tried
from yurt.tui.widgets.line_list import Line, LineList

_FOLLOWED: Final = "f"
_BLOCKED: Final = "b"
_MUTED: Final = "m"
"""Before an address, as a row's key: what they are to this person."""


class Followed(Dialog[None]):
    """Lists them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "undo", "follow, block or mute this person no longer"),
        Binding("x", "block", "have nothing to do with this person"),
        Binding("m", "mute", "do not see what this person posts"),
    ]
    DEFAULT_CSS = """
    Followed LineList { height: 12; }
    """

    def __init__(self, engine: EngineApi, me: str) -> None:
        """Take whose they are.

        Args:
            engine: Knows them.
            me: The own address.
        """
        super().__init__()
        self._engine = engine
        self._about = AboutPeople(self, engine, me, self._look)

    @override
    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "whom you follow, block and mute"
            yield LineList(empty="nobody: F9 among your rooms follows somebody")
            yield Static(Content("u: no longer, x: block, m: mute, Esc closes"), classes="note")

    def on_mount(self) -> None:
        """Look who they are."""
        self.query_one(LineList).focus()
        self.run_worker(tried(self, self._look()))

    async def _look(self) -> None:
        followed = await self._engine.following()
        kept_away = await self._engine.call(ListBlocked(), BlockedView)
        lines = [Line(_FOLLOWED + one.address, one.address, _standing(one)) for one in followed]
        lines += [Line(_BLOCKED + address, address, "blocked") for address in kept_away.blocked]
        lines += [Line(_MUTED + address, address, "muted") for address in kept_away.muted]
        for rows in self.query(LineList):  # closed meanwhile, or not
            rows.show(lines)

    def action_undo(self) -> None:
        """End what the row under the cursor says."""
        kind, address = self._chosen()
        if address:
            ends = {
                _FOLLOWED: self._about.unfollow,
                _BLOCKED: self._about.unblock,
                _MUTED: self._about.unmute,
            }
            ends[kind](address)

    def action_block(self) -> None:
        """Block the person under the cursor."""
        kind, address = self._chosen()
        if address and kind != _BLOCKED:
            self._about.block(address)

    def action_mute(self) -> None:
        """Mute the person under the cursor."""
        kind, address = self._chosen()
        if address and kind == _FOLLOWED:
            self._about.mute(address)

    def _chosen(self) -> tuple[str, str]:
        key = self.query_one(LineList).chosen
        return key[:1], key[1:]


def _standing(person: PersonView) -> str:
    """Say what is not as it should be with a follow."""
    if person.gone:
        return "account deleted"
    if person.state == "accepted":
        return ""
    return "asked; they approve by hand" if person.locked else "asked"

"""F5: let somebody in, by their address or by a link that they get from you, with a QR code of it."""

from dataclasses import dataclass
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Checkbox, Input, Static
from typing_extensions import override

from yurt.tui import shown
from yurt.tui.app_of import app_of
from yurt.tui.screens.dialogs import Dialog
from yurt.tui.widgets.qr_code import QrCode

_NOTE: Final = (
    "An address: they get in when their node answers. Nothing typed: a link for one person and seven days. "
    "Either way they read what is said from then on, nothing before."
)
_GIVE: Final = "Whoever has it may come in: give it to one person only. y copies it."
_AROUND: Final = 4
"""Cells of a box's border and padding, across."""
_BELOW: Final = 5
"""Rows of a box that are not the code: border, the link's own rows, the note."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How somebody is to be let in."""

    address: str = ""
    """``name@node``; empty for a link."""
    account: bool = False
    """Whether the link brings an account on the own node too."""


class Invitation(Dialog[Wanted]):
    """Asks how to let somebody in."""

    DEFAULT_CSS = """
    Invitation Checkbox { border: none; padding: 0; height: 1; }
    """

    def __init__(self, title: str) -> None:
        """Take the title; safe to show."""
        super().__init__()
        self._title = title

    @override
    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(self._title)
            yield Input(placeholder="name@node, or nothing for a link", compact=True)
            yield Checkbox("the link brings an account on our node too", compact=True)
            yield Static(Content(_NOTE), classes="note")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the answer."""
        self.dismiss(Wanted(event.value.strip(), self.query_one(Checkbox).value))


class LinkShown(Dialog[None]):
    """Shows a link that was just made: it is shown once, and is on no disk of ours in clear."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "copy", "copy the link")]
    DEFAULT_CSS = """
    LinkShown > Vertical { width: 76; overflow-y: auto; }
    LinkShown QrCode { margin: 0 1; }
    LinkShown .-hidden { display: none; }
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    @override
    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "a link into the room"
            yield QrCode(self._url)
            yield Static(Content(shown.copied(self._url)))
            yield Static(Content(_GIVE), classes="note")

    def on_resize(self) -> None:
        """Show the code only if all of it fits: half a code is none."""
        code = self.query_one(QrCode)
        fits = (
            code.needs.width + _AROUND <= self.size.width and code.needs.height + _BELOW <= self.size.height
        )
        code.set_class(not fits, "-hidden")

    def action_copy(self) -> None:
        """Put the link into the terminal's clipboard (OSC 52)."""
        app_of(self).copy_to_clipboard(self._url)
        app_of(self).notify("copied", timeout=3, markup=False)

"""The code of a room: what everybody in it compares to know that they are in one group."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static
from typing_extensions import override

from yurt.client.rooms.code_call import RoomCodeView
from yurt.tui import shown
from yurt.tui.screens.dialogs import Dialog


class RoomCode(Dialog[None]):
    """Shows the digits."""

    DEFAULT_CSS = """
    RoomCode .number { text-style: bold; text-align: center; padding: 1 0; }
    """

    def __init__(self, room: str, code: RoomCodeView) -> None:
        """Take what to show.

        Args:
            room: What it is called, as it came.
            code: Its code.
        """
        super().__init__()
        self._room = room
        self._code = code

    @override
    def compose(self) -> ComposeResult:
        epoch = self._code.epoch
        with Vertical() as box:
            box.border_title = "room code"
            yield Static(Content(shown.line(self._room)))
            yield Static(Content(self._code.digits), classes="number")
            note = f"Everybody in epoch {epoch} sees these digits, unless the hub shows you different groups."
            yield Static(Content(note), classes="note")

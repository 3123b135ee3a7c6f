"""The passphrase of this device's vault."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static
from typing_extensions import override


class Unlock(Screen[str]):
    """Asks for the passphrase; its result is what was typed."""

    DEFAULT_CSS = """
    Unlock { align: center middle; }
    Unlock > Vertical { width: 60; max-width: 100%; height: auto; border: round $accent; padding: 0 1; }
    Unlock .problem { color: $text-error; }
    """

    def __init__(self, problem: str = "") -> None:
        super().__init__()
        self._problem = problem

    @override
    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "yurt"
            yield Static(Content("Passphrase of this device:"))
            yield Input(password=True, compact=True)
            yield Static(Content(self._problem), classes="problem")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take it."""
        if event.value:
            self.dismiss(event.value)

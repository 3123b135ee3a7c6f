"""One question with a line to answer: a room's name, somebody's address."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static
from typing_extensions import override

from yurt.tui.screens.dialogs import Dialog


class Ask(Dialog[str]):
    """Asks; its result is what was typed."""

    def __init__(self, title: str, note: str, placeholder: str) -> None:
        """Take the question; safe to show.

        Args:
            title: What it is about.
            note: What to know before answering.
            placeholder: How an answer looks.
        """
        super().__init__()
        self._title, self._note, self._placeholder = title, note, placeholder

    @override
    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(self._title)
            yield Input(placeholder=self._placeholder, compact=True)
            yield Static(Content(self._note), classes="note")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the answer, unless it is blank."""
        if answer := event.value.strip():
            self.dismiss(answer)


def agreed(answer: str | None) -> bool:
    """Tell whether somebody who was asked says yes."""
    return answer is not None and answer.casefold() in ("y", "yes")

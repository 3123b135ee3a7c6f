"""The safety number: what two people compare to know that nobody stands between them."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static
from typing_extensions import override

from yurt.client.api import PersonView
from yurt.tui import shown
from yurt.tui.screens.dialogs import Dialog

_PER_ROW = 4


class Safety(Dialog[None]):
    """Shows the number of one person."""

    DEFAULT_CSS = """
    Safety .number { text-style: bold; text-align: center; padding: 1 0; }
    """

    def __init__(self, person: PersonView) -> None:
        super().__init__()
        self._person = person

    @override
    def compose(self) -> ComposeResult:
        person = self._person
        with Vertical() as box:
            box.border_title = "safety number"
            yield Static(Content(shown.line(person.address)))
            yield Static(Content(shown.line(person.did) or "no identity"), classes="note")
            if person.safety_number:
                yield Static(Content(number_rows(person.safety_number)), classes="number")
                yield Static(
                    Content(
                        "Read these digits to each other where you know each other's voice or face. "
                        "The same digits on both sides: nobody stands between you."
                    ),
                    classes="note",
                )
            else:
                yield Static(Content("This is you: there is nothing to compare."), classes="note")


def number_rows(number: str) -> str:
    """Set twelve groups of digits in rows of four."""
    groups = number.split(" ")
    rows = [groups[at : at + _PER_ROW] for at in range(0, len(groups), _PER_ROW)]
    return "\n".join("  ".join(row) for row in rows)

"""The safety number: what two people compare to know that nobody stands between them."""

from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static
from typing_extensions import override

from yurt.client.api import PersonView
from yurt.tui import shown
from yurt.tui.screens.dialogs import Dialog

_PER_ROW = 4


Decision = Literal["verify", "unverify", "trust"]


class Safety(Dialog[Decision]):
    """Shows the number of one person; its result is what was decided about them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "decide('verify')", "the numbers are the same"),
        Binding("u", "decide('unverify')", "take that back"),
        Binding("t", "decide('trust')", "the address means the new person from now on"),
    ]
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
            yield Static(Content(advice(person)), classes="note")

    def action_decide(self, decision: Decision) -> None:
        """Take a decision, if there is one to take."""
        person = self._person
        possible = {
            "verify": bool(person.safety_number) and not person.verified and not person.changed,
            "unverify": person.verified,
            "trust": bool(person.changed),
        }
        if possible[decision]:
            self.dismiss(decision)


def advice(person: PersonView) -> str:
    """Say what to do with a number."""
    if not person.safety_number:
        return "This is you: there is nothing to compare."
    if person.changed:
        return (
            "This address now claims to be somebody else, and nothing is sent to them. Ask the person in "
            "another way; only if they are new here: t accepts the new one."
        )
    if person.verified:
        return "You have compared these digits. u takes that back."
    return (
        "Read these digits to each other where you know each other's voice or face. The same digits on both "
        "sides: nobody stands between you. v remembers that."
    )


def number_rows(number: str) -> str:
    """Set twelve groups of digits in rows of four."""
    groups = number.split(" ")
    rows = [groups[at : at + _PER_ROW] for at in range(0, len(groups), _PER_ROW)]
    return "\n".join("  ".join(row) for row in rows)

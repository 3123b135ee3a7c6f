"""The first minute: an invite link, a name, a passphrase."""

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static
from typing_extensions import override

from yurt.client.errors import UsageError
from yurt.tui.entrance import NewAccount


class Welcome(Screen[NewAccount]):
    """Asks what an account needs; its result is that."""

    DEFAULT_CSS = """
    Welcome { align: center middle; }
    Welcome > VerticalScroll { width: 76; max-width: 100%; height: auto; max-height: 100%;
        border: round $accent; padding: 0 1; }
    Welcome .problem { color: $text-error; }
    Welcome .note { color: $text-muted; }
    """

    def __init__(self, problem: str = "", before: NewAccount | None = None) -> None:
        """Begin.

        Args:
            problem: Why the last try failed.
            before: What was typed then.
        """
        super().__init__()
        self._problem = problem
        self._before = before or NewAccount("", "", "")

    @override
    def compose(self) -> ComposeResult:
        before = self._before
        with VerticalScroll(can_focus=False) as box:
            box.border_title = "welcome to yurt"
            yield Static(Content("Your invite link:"))
            yield Input(before.link, id="link", placeholder="https://NODE/i/CODE#SECRET", compact=True)
            yield Static(Content("Your name there (a to z, 0 to 9 and _):"))
            yield Input(before.name, id="name", compact=True)
            yield Static(Content("A passphrase for this device, and the same again:"))
            yield Input(before.passphrase, id="passphrase", password=True, compact=True)
            yield Input(before.passphrase, id="again", password=True, compact=True)
            yield Static(Content("Tab moves on, Enter joins, Ctrl-Q leaves."), classes="note")
            yield Static(Content(self._problem), classes="problem", id="problem")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on to the next line; after the last one, join."""
        if event.input.id != "again":
            self.focus_next()
            return
        account = NewAccount(self._typed("link"), self._typed("name"), self._value("passphrase"))
        try:
            account.check(self._value("again"))
        except UsageError as error:
            self.query_one("#problem", Static).update(Content(str(error)))
            return
        self.dismiss(account)

    def _typed(self, name: str) -> str:
        return self._value(name).strip()

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value

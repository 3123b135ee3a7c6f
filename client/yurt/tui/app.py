"""The app: from an empty home to the everyday screen. It has the terminal: themes, alerts, editor, end.

app = YurtApp(entrance, environ)
await app.run_async()
await app.leave()
"""

import asyncio
import time
import traceback
from collections.abc import Mapping
from typing import ClassVar, Final

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static
from typing_extensions import override

from yurt.client.api import EngineApi
from yurt.client.errors import ClientError, NoVault, WrongPassphrase
from yurt.tui import alt_enter, shown
from yurt.tui.editor import EditorFailed, edit
from yurt.tui.entrance import Entrance, NewAccount, PassphraseNeeded
from yurt.tui.messages import Alert, EditWanted
from yurt.tui.notifications import notification
from yurt.tui.screens.chat import Chat
from yurt.tui.screens.phrase import Phrase
from yurt.tui.screens.unlock import Unlock
from yurt.tui.screens.welcome import Welcome
from yurt.wire.problems import ProblemError

THEMES: Final = ("textual-dark", "textual-light", "nord", "gruvbox", "solarized-light", "ansi-dark")
"""What Ctrl-T goes through; ``TEXTUAL_THEME`` names one to begin with."""
_ALERT_S: Final = 5.0
"""Between two alerts: catching up must not ring for minutes."""
_FAILED: Final = 1
_UNFINISHED: Final = "An unfinished join lies here: the same link, name and passphrase finish it."


class YurtApp(App[None]):
    """The terminal client."""

    TITLE = "yurt"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+t", "next_theme", "other colours", priority=True),
        Binding("ctrl+q", "quit", "leave", priority=True),
    ]
    CSS = """
    #opening { width: 1fr; height: 1fr; content-align: center middle; }
    """

    def __init__(self, entrance: Entrance, environ: Mapping[str, str]) -> None:
        """Take the way in.

        Args:
            entrance: Leads to an engine.
            environ: Of the terminal: what it can show, which editor, whether colours are wanted.
        """
        alt_enter.teach()
        # Without colours the terminal's own are kept, instead of shades of grey.
        super().__init__(ansi_color=True if "NO_COLOR" in environ else None)
        self._entrance = entrance
        self._environ = environ
        self._engine: EngineApi | None = None
        self._alerted_at = float("-inf")

    @override
    def compose(self) -> ComposeResult:
        yield Static(Content("opening the vault ..."), id="opening")

    def on_mount(self) -> None:
        """Find the way in."""
        self.run_worker(self._enter())

    async def leave(self) -> None:
        """Let go of the engine."""
        if self._engine is not None:
            await self._engine.close()

    # --- the way in ---------------------------------------------------------------------------------
    async def _enter(self) -> None:
        try:
            self._engine = await self._open(None) if self._entrance.inhabited() else await self._settle("")
        except (ClientError, ProblemError) as error:
            self.exit(return_code=_FAILED, message=shown.line(f"yurt: {error}"))
            return
        await self.push_screen(Chat(self._engine))

    async def _open(self, passphrase: str | None) -> EngineApi:
        """Open the vault, asking for its passphrase as often as it takes."""
        problem = ""
        while True:
            try:
                return await self._entrance.open(passphrase)
            except PassphraseNeeded:
                problem = ""
            except WrongPassphrase as error:
                problem = str(error)
            except NoVault:
                return await self._settle(_UNFINISHED)
            passphrase = await self.push_screen_wait(Unlock(problem))

    async def _settle(self, problem: str) -> EngineApi:
        """Make an account, asking for what it needs as often as it takes."""
        account: NewAccount | None = None
        while True:
            account = await self.push_screen_wait(Welcome(problem, account))
            problem = await self._join(account)
            if not problem:
                return await self._open(account.passphrase)

    async def _join(self, account: NewAccount) -> str:
        """Join while the person writes down their words; returns what went wrong."""
        written: list[asyncio.Future[None]] = []
        screens: list[Phrase] = []

        def keep_words(words: tuple[str, ...]) -> None:
            screen, done = Phrase(words), asyncio.get_running_loop().create_future()
            screens.append(screen)
            written.append(done)
            self.push_screen(screen, done.set_result)

        problem = ""
        try:
            await self._entrance.join(account, keep_words)
        except (ClientError, ProblemError) as error:
            problem = shown.line(str(error))
            if not self._entrance.inhabited():  # nobody was made: these words are nobody's
                for screen in screens:
                    screen.dismiss(None)
        for done in written:
            await done
        return problem

    # --- the terminal -------------------------------------------------------------------------------
    def action_next_theme(self) -> None:
        """Go to the next theme."""
        at = THEMES.index(self.theme) if self.theme in THEMES else -1
        self.theme = THEMES[(at + 1) % len(THEMES)]

    def on_alert(self, event: Alert) -> None:
        """Ask the terminal to tell the person, not too often."""
        if time.monotonic() - self._alerted_at < _ALERT_S:
            return
        self._alerted_at = time.monotonic()
        if self._driver is not None and not self.is_headless:
            self._driver.write(notification(event.text, self._environ))
        self.notify(shown.line(event.text), markup=False)

    def on_edit_wanted(self, event: EditWanted) -> None:
        """Give the terminal to an editor for a while."""
        try:
            with self.suspend():
                text = edit(event.text, self._environ)
        except EditorFailed as error:
            self.notify(shown.line(str(error)), severity="error", markup=False)
        else:
            event.done(text)
        self.refresh()

    @override
    def _fatal_error(self) -> None:
        """Tell of a bug of ours without the values that were at hand: they may be secrets."""
        self.panic(shown.copied(traceback.format_exc()))

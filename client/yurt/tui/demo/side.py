"""One person of the demo: what they read, what they write, and how their client and node stand."""

import asyncio
from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static
from typing_extensions import override

from yurt.client.api import TimelineItem
from yurt.tui import pages, shown
from yurt.tui.demo.stage import StageNode, StagePerson
from yurt.tui.lines import Roll
from yurt.tui.tried import tried
from yurt.tui.widgets.composer import Composer
from yurt.tui.widgets.rooms_pane import room_name
from yurt.tui.widgets.state_line import StateLine
from yurt.tui.widgets.timeline import Timeline
from yurt.tui.window import Window

POLL_S: Final = 0.25
"""How often the state lines look: the demo is about what they tell."""
RETRY_S: Final = 0.5


class Side(Vertical):
    """A person's half of the screen."""

    DEFAULT_CSS = """
    Side { width: 1fr; height: 1fr; }
    Side > Static { height: 1; background: $panel; padding: 0 1; }
    Side.-chosen > Static { text-style: bold; }
    Side.-away > Static { color: $warning; }
    """

    def __init__(self, person: StagePerson, room: bytes, *, id: str | None = None) -> None:  # noqa: A002  # Textual's word
        super().__init__(id=id)
        self._person = person
        self._room = room
        self._switching = self._told = ""
        self._outgoing: asyncio.Queue[str] = asyncio.Queue()
        self._look = asyncio.Event()

    @override
    def compose(self) -> ComposeResult:
        yield Static()
        yield Timeline()
        yield Composer()
        yield StateLine(has_help=False)

    def on_mount(self) -> None:
        """Begin to follow what happens."""
        self.query_one(Composer).open(self._room)
        for work in (self._live(), self._watch_state(), self._send()):
            self.run_worker(work)

    @property
    def person(self) -> StagePerson:
        """Whose side this is."""
        return self._person

    def choose(self) -> None:
        """Let the keys go to this person's composer."""
        self.query_one(Composer).focus()

    async def switch_node(self) -> None:
        """Stop this person's node, or start it."""
        node = self._person.node
        if self._switching:
            return
        self._switching = "stops ..." if node.running else "starts ..."
        self._show_node(node)
        try:
            await tried(self, node.stop() if node.running else node.start())
        finally:
            self._switching = ""
            self._look.set()

    # --- what happens -------------------------------------------------------------------------------
    async def _live(self) -> None:
        """Show the room, then every change of it, whatever goes wrong in between."""
        while True:
            await tried(self, self._follow())
            await asyncio.sleep(RETRY_S)

    async def _follow(self) -> None:
        engine, timeline = self._person.engine, self.query_one(Timeline)
        status, window = await engine.status(), Window()
        await pages.newest(engine, self._room, window)
        timeline.open(window, roll=Roll(), viewer=status.did, new_after=0)
        await self._show_state()
        async for item in engine.watch(self._room, revision=status.revision):
            self._take(item)

    def _take(self, item: TimelineItem) -> None:
        timeline = self.query_one(Timeline)
        if timeline.window.merge(item):
            timeline.changed()
        self._look.set()

    async def _watch_state(self) -> None:
        while True:
            await tried(self, self._show_state())
            self._look.clear()
            try:
                async with asyncio.timeout(POLL_S):
                    await self._look.wait()
            except TimeoutError:
                continue

    async def _show_state(self) -> None:
        engine = self._person.engine
        status, rooms = await engine.status(), await engine.rooms()
        view = next((view for view in rooms if view.room == self._room), None)
        self.query_one(StateLine).show(status, view)
        self._show_node(self._person.node)
        if view is not None:
            timeline = self.query_one(Timeline)
            timeline.border_title = Content(shown.line(room_name(view)))
            timeline.set_roll(Roll.of(view.participants))

    def _show_node(self, node: StageNode) -> None:
        state = self._switching or ("runs" if node.running else "is stopped")
        self.set_class(not node.running, "-away")
        name = shown.line(self._person.address.partition("@")[0])
        told = f"{name} · {shown.line(node.domain)} {state}"
        if told != self._told:
            self._told = told
            self.query_one(Static).update(Content(told))

    # --- what the person does -----------------------------------------------------------------------
    def on_descendant_focus(self) -> None:
        """Show that the keys go here."""
        self.add_class("-chosen")

    def on_descendant_blur(self) -> None:
        """Show that they go elsewhere."""
        self.remove_class("-chosen")

    def on_composer_submitted(self, event: Composer.Submitted) -> None:
        """Say it, after what was said before."""
        self._outgoing.put_nowait(event.text)
        self.query_one(Timeline).action_last()

    async def _send(self) -> None:
        while True:
            await tried(self, self._person.engine.send(self._room, await self._outgoing.get()))
            self._look.set()

    def on_composer_left(self) -> None:
        """Read."""
        self.query_one(Timeline).focus()

    def on_timeline_older_wanted(self) -> None:
        """Fetch the page before."""
        self.run_worker(self._page(pages.older))

    def on_timeline_newest_wanted(self) -> None:
        """Fetch the end of the room."""
        self.run_worker(self._page(pages.newest))

    async def _page(self, fetch: pages.Fetch) -> None:
        timeline = self.query_one(Timeline)
        await tried(self, fetch(self._person.engine, self._room, timeline.window))
        timeline.changed()

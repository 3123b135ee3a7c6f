"""The everyday screen: rooms, timeline, people, composer, state. It knows the widgets; they know nobody.

What the widgets ask for becomes calls of the engine here, and what the engine tells becomes their state.
The rules of what is unread, of order and of layout are elsewhere, as plain functions.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar, Final, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from typing_extensions import override

from yurt.client.api import EngineApi, ParticipantView, RoomView, Sent, Status, TimelineItem
from yurt.client.errors import ClientError
from yurt.client.mentions import mentions
from yurt.tui import pages, shown
from yurt.tui.app_of import app_of
from yurt.tui.fediverse.posts import Posts
from yurt.tui.lines import Roll
from yurt.tui.messages import Alert, EditWanted
from yurt.tui.screens.about_people import AboutPeople
from yurt.tui.screens.actions import Actions, Work
from yurt.tui.screens.help import Help
from yurt.tui.screens.jump import Jump
from yurt.tui.screens.safety import Safety
from yurt.tui.screens.search import Search
from yurt.tui.tried import complain, only_latest, tried
from yurt.tui.unread import next_unread
from yurt.tui.widgets.composer import Composer, Purpose
from yurt.tui.widgets.line_list import LineList
from yurt.tui.widgets.people_pane import PeoplePane
from yurt.tui.widgets.rooms_pane import RoomsPane, room_name
from yurt.tui.widgets.state_line import StateLine
from yurt.tui.widgets.timeline import Timeline
from yurt.wire.problems import ProblemError

T = TypeVar("T")

FRAME_S: Final = 1 / 60
"""Lines that arrive within this time are drawn together."""
POLL_S: Final = 1.0
"""How often the state line looks; nothing tells of a connection that was lost."""
RETRY_S: Final = 1.0
_HINT: Final = (
    "You are {me}. Tell that to somebody who is here already: they invite you into their room, if you "
    "follow them (F9). Or open a room of your own: F8. All keys: F1."
)


class Chat(Screen[None]):
    """Where one is all day."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-medium"), (112, "-wide")]  # noqa: RUF012  # as Textual has it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "write", "write a message"),
        Binding("n,alt+n", "unread(1)", "next room with unread messages"),
        Binding("p,alt+p", "unread(-1)", "previous room with unread messages"),
        Binding("ctrl+k", "jump", "jump to a room or a person", priority=True),
        Binding("slash", "search", "search in what was said"),
        Binding("f2", "go('RoomsPane')", "go to the rooms"),
        Binding("f3", "go('PeoplePane')", "go to the people: safety numbers, and more"),
        Binding("f5", "invite", "invite somebody into this room"),
        Binding("f6", "posts", "posts of people whom you follow", priority=True),
        Binding("f8", "create", "open a new room"),
        Binding("f9", "follow", "follow somebody, who may then invite you"),
        Binding("f1,question_mark", "help", "this help"),
        Binding("escape", "read", "back to the timeline"),
    ]
    DEFAULT_CSS = """
    Chat #main { width: 1fr; }
    Chat.-medium PeoplePane, Chat.-narrow PeoplePane, Chat.-narrow RoomsPane { display: none; }
    Chat.-medium RoomsPane { width: 22; }
    Chat.-medium PeoplePane.-called { display: block; }
    Chat.-narrow .-called { display: block; width: 1fr; }
    Chat.-narrow .-aside { display: none; }
    Chat.-narrow Timeline { border: none; border-top: solid $foreground 35%; }
    """

    def __init__(self, engine: EngineApi) -> None:
        super().__init__()
        self._engine = engine
        self._status: Status | None = None
        self._rooms: Sequence[RoomView] = ()
        self._room = b""
        self._read = 0
        self._seen: int | None = None
        """Newest change of any line that has been taken in."""
        self._people: Sequence[ParticipantView] = ()
        self._people_of: tuple[bytes, int] = (b"", 0)
        self._actions = Actions(engine, self)
        self._about = AboutPeople(self, engine, "", lambda: self.count(people=True))
        self._outgoing: asyncio.Queue[tuple[bytes, str, Purpose]] = asyncio.Queue()
        self._redraws = self._recounts = False

    @override
    def compose(self) -> ComposeResult:
        with Horizontal():
            yield RoomsPane(empty="no rooms yet")
            with Vertical(id="main"):
                yield Timeline()
                yield Composer()
            yield PeoplePane()
        yield StateLine()

    def on_mount(self) -> None:
        """Begin to follow what happens."""
        self.query_one(Composer).focus()
        for work in (self._live(), self._poll(), self._send()):
            self.run_worker(work)
        self.watch(app_of(self), "app_focus", self._look_again, init=False)

    # --- what happens -------------------------------------------------------------------------------
    async def _live(self) -> None:
        """Show what is there, then every change, whatever goes wrong in between."""
        while True:
            try:
                if self._seen is None:
                    self._seen = (await self._engine.status()).revision
                await self.count()
                async for item in self._engine.watch(None, revision=self._seen):
                    self._seen = item.revision
                    self._arrived(item)
            except (ProblemError, ClientError) as error:
                complain(self, error)
            await asyncio.sleep(RETRY_S)

    def _arrived(self, item: TimelineItem) -> None:
        if item.room == self._room and self.query_one(Timeline).window.merge(item) and not self._redraws:
            self._redraws = True
            self.set_timer(FRAME_S, self._redraw)
        if not self._recounts:
            self._recounts = True
            self.set_timer(FRAME_S * 6, self._recount)
        self._notify_of(item)

    def _redraw(self) -> None:
        self._redraws = False
        self.query_one(Timeline).changed()

    def _recount(self) -> None:
        self._recounts = False
        self.run_worker(tried(self, self.count()))

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            if not app_of(self).is_headless or self.is_current:
                await tried(self, self.count())

    async def count(self, *, people: bool = False) -> None:
        """Look how everything stands; at the people of the room too, if asked, or if there was a commit."""
        self._status, self._rooms = await self._engine.status(), await self._engine.rooms()
        if not self._room and self._rooms and self.is_mounted:
            await self.open_room((next_unread(self._rooms, b"", 1) or self._rooms[0]).room)
        if (room := self._view) is not None and (people or self._people_of != (room.room, room.epoch)):
            self._people = await self._engine.participants(room.room)
            self._people_of = (room.room, room.epoch)
        self._show()

    def _show(self) -> None:
        if not self.query(RoomsPane):  # the app is ending, and its widgets are gone already
            return
        room = self._view
        self.query_one(RoomsPane).show_rooms(self._rooms, self._room)
        self.query_one(StateLine).show(self._status, room)
        if room is None and self._status is not None:
            self.query_one(Timeline).set_hint(_HINT.format(me=self._status.address))
            self.query_one(Composer).open(b"", why_not="no room is open")
        elif room is not None:
            timeline, composer = self.query_one(Timeline), self.query_one(Composer)
            timeline.border_title = Content(shown.line(room_name(room)))
            timeline.set_roll(Roll.of(room.participants))
            composer.open(room.room, why_not=_why_not(room))
            self.query_one(PeoplePane).show_people(self._people)

    def _notify_of(self, item: TimelineItem) -> None:
        me = self._status.address if self._status else ""
        if item.kind != "message" or item.own or not mentions(item.text, me):
            return
        if not app_of(self).app_focus or item.room != self._room:
            name = next((room_name(room) for room in self._rooms if room.room == item.room), "a room")
            self.post_message(Alert(f"{item.address} mentions you in {name}"))

    # --- rooms --------------------------------------------------------------------------------------
    @property
    def _view(self) -> RoomView | None:
        return next((room for room in self._rooms if room.room == self._room), None)

    async def open_room(self, room: bytes) -> None:
        """Show a room from where it was read."""
        view = next((view for view in self._rooms if view.room == room), None)
        if view is None or self._status is None:
            return
        window = await pages.opened(self._engine, view)
        self._room, self._read = room, view.read
        self._show()
        new_after = view.read if view.unread else 0
        roll = Roll.of(view.participants)
        self.query_one(Timeline).open(window, roll=roll, viewer=self._status.did, new_after=new_after)

    def _go_to(self, room: bytes | None) -> None:
        if room:

            async def work() -> None:
                await tried(self, self.open_room(room))

            only_latest(self, work, "open")
            self.action_write()

    def on_rooms_pane_opened(self, event: RoomsPane.Opened) -> None:
        """Open the room that was chosen."""
        self._go_to(event.room)

    def action_unread(self, by: int) -> None:
        """Go to the next or previous room where something waits."""
        room = next_unread(self._rooms, self._room, by)
        if room is None:
            self.tell("nothing unread elsewhere")
        else:
            self._go_to(room.room)
            self.action_read()

    async def action_jump(self) -> None:
        """Ask where to go; the letters that follow wait until there is a field for them."""
        if self.is_current:
            me = self._status.address if self._status else ""
            await app_of(self).push_screen(Jump(self._rooms, me), self._go_to)

    def action_search(self) -> None:
        """Ask what to look for."""

        def chosen(item: TimelineItem | None) -> None:
            if item is not None:
                self.begin(self._go_to_line(item))

        self.ask(Search(lambda words: tried(self, self._engine.search(words))), chosen)

    async def _go_to_line(self, item: TimelineItem) -> None:
        if item.room != self._room:
            await self.open_room(item.room)
        view, timeline = self._view, self.query_one(Timeline)
        if view is not None and self._status is not None and item.room == self._room:
            window = await pages.around(self._engine, item.room, item.item)
            roll = Roll.of(view.participants)
            timeline.open(window, roll=roll, viewer=self._status.did, new_after=0)
            timeline.go_to(item.item)
            self.action_read()

    # --- reading ------------------------------------------------------------------------------------
    def on_timeline_older_wanted(self) -> None:
        """Fetch the page before."""
        self._page(pages.older)

    def on_timeline_newer_wanted(self) -> None:
        """Fetch the page after."""
        self._page(pages.newer)

    def on_timeline_newest_wanted(self) -> None:
        """Fetch the end of the room, and go there."""
        self._page(pages.newest, to_end=True)

    def _page(self, fetch: pages.Fetch, *, to_end: bool = False) -> None:
        timeline = self.query_one(Timeline)
        room, window = self._room, timeline.window

        async def work() -> None:
            await tried(self, fetch(self._engine, room, window))
            if timeline.window is window:
                timeline.changed()
                if to_end:
                    timeline.action_last()

        only_latest(self, work, "page")

    def on_timeline_read(self, event: Timeline.Read) -> None:
        """Remember what was read, while somebody looks."""
        if event.item > self._read and app_of(self).app_focus and self.is_current:
            self._read = event.item
            self.run_worker(tried(self, self._mark_read(self._room, event.item)))

    async def _mark_read(self, room: bytes, item: int) -> None:
        await self._engine.mark_read(room, item)
        await self.count()

    def on_timeline_copied(self, event: Timeline.Copied) -> None:
        """Put it into the terminal's clipboard (OSC 52)."""
        app_of(self).copy_to_clipboard(event.text)
        self.tell("copied" if event.lines == 1 else f"copied {event.lines} lines")

    def _look_again(self, focused: bool) -> None:  # noqa: FBT001  # what Textual's watchers are given
        timeline = self.query_one(Timeline)
        if focused and timeline.at_end and timeline.window.last:
            self.on_timeline_read(Timeline.Read(timeline.window.last))

    # --- writing ------------------------------------------------------------------------------------
    def on_composer_submitted(self, event: Composer.Submitted) -> None:
        """Say it, after what was said before."""
        self._outgoing.put_nowait((self._room, event.text, event.purpose))
        if event.purpose.kind != "edit":
            self.query_one(Timeline).action_last()

    async def _send(self) -> None:
        while True:
            room, text, purpose = await self._outgoing.get()
            if await tried(self, self._say(room, text, purpose)) is None:
                composer = self.query_one(Composer)
                composer.text = composer.text or text  # nothing that was written is lost

    async def _say(self, room: bytes, text: str, purpose: Purpose) -> Sent:
        if purpose.kind == "edit":
            return await self._engine.edit(room, purpose.item, text)
        return await self._engine.send(room, text, reply_to=purpose.item)

    def on_timeline_asked(self, event: Timeline.Asked) -> None:
        """Do something about a message."""
        item = event.item
        match event.what:
            case "delete":
                self._actions.delete(item)
            case "react":
                self._actions.react(item)
            case "edit" if not item.own:
                self.tell("only its author can say something else instead")
            case "edit":
                self._write(Purpose("edit", item.item), "say instead", item.text)
            case _:
                self._write(Purpose("reply", item.item), f"answer {shown.line(item.address)}")

    def _write(self, purpose: Purpose, title: str, text: str | None = None) -> None:
        self.query_one(Composer).begin(purpose, title, text)
        self.action_write()

    def on_composer_editor_wanted(self, event: Composer.EditorWanted) -> None:
        """Let the app make room for an editor."""
        self.post_message(EditWanted(event.text, self.query_one(Composer).load_text))

    def on_composer_left(self) -> None:
        """Read."""
        self.action_read()

    # --- people -------------------------------------------------------------------------------------
    def on_people_pane_chose(self, event: PeoplePane.Chose) -> None:
        """Show the safety number of somebody."""
        self.begin(self._actions.compare(event.address))

    def on_people_pane_asked(self, event: PeoplePane.Asked) -> None:
        """Do something about somebody in the room."""
        room, person = self._view, next((one for one in self._people if one.address == event.address), None)
        if room is None or person is None:
            return
        if person.own:
            self.tell("that is you")
        elif event.what == "tell":
            self._actions.tell_before(room, person.address)
        elif person.blocked:
            self._about.unblock(person.address)
        else:
            self._about.block(person.address)

    def on_people_pane_right_room(self) -> None:
        """Let go what waits for whoever made the link."""
        if (room := self._view) is not None:
            self._actions.right_room(room)

    def on_people_pane_code_wanted(self) -> None:
        """Show the code of the room."""
        if (room := self._view) is not None:
            self.begin(self._actions.room_code(room))

    def action_invite(self) -> None:
        """Ask whom to invite."""
        if (room := self._view) is not None:
            self._actions.invite(room)

    def action_posts(self) -> None:
        """Show the posts of the fediverse."""
        if self._status is not None and self.is_current:
            app_of(self).push_screen(Posts(self._engine, self._status.address))

    def action_create(self) -> None:
        """Ask for the name of a new room."""
        self._actions.create()

    def action_follow(self) -> None:
        """Ask whom to follow."""
        self._actions.follow()

    # --- where the keys go --------------------------------------------------------------------------
    def action_write(self) -> None:
        """Go to the composer."""
        self._call(None)
        self.query_one(Composer).focus()

    def action_read(self) -> None:
        """Go to the timeline."""
        self._call(None)
        self.query_one(Timeline).focus()

    def action_go(self, name: str) -> None:
        """Go to a pane, which appears if it is hidden."""
        pane = self.query_one(name, LineList)
        self._call(pane)
        pane.focus()

    def action_help(self) -> None:
        """Tell the keys."""
        owners: Sequence[tuple[str, type[Widget]]] = (
            ("everywhere", Chat),
            ("timeline", Timeline),
            ("composer", Composer),
            ("lists", LineList),
            ("people", PeoplePane),
            ("safety number", Safety),
        )
        parts = [(title, owner.BINDINGS) for title, owner in owners]
        app_of(self).push_screen(Help([*parts, ("the client", app_of(self).BINDINGS)]))

    def _call(self, pane: LineList | None) -> None:
        for each in self.query(LineList):
            each.set_class(each is pane, "-called")
        self.query_one("#main").set_class(pane is not None, "-aside")

    # --- what can go wrong --------------------------------------------------------------------------
    def ask(self, screen: Screen[T], done: Callable[[T | None], None]) -> None:
        """Show a screen; `done` takes its result."""
        app_of(self).push_screen(screen, done)

    def begin(self, work: Work) -> None:
        """Do something; what goes wrong is told to the person."""
        self.run_worker(tried(self, work))

    def tell(self, text: str) -> None:
        """Tell the person something."""
        app_of(self).notify(shown.line(text), timeout=3, markup=False)


def _why_not(room: RoomView) -> str:
    """Say why nothing may be said in a room; empty if it may."""
    if room.removed:
        return "you were removed from this room"
    return "this room is stopped: nothing is sent" if room.stopped else ""

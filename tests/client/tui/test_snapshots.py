"""What the main screens look like; `pytest tests/client/tui --snapshot-update` after looking at a change."""

import re
import time
from collections.abc import Callable, Iterator

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from yurt.client.api import PersonView
from yurt.client.testing_waits import until
from yurt.tui.app import YurtApp
from yurt.tui.fediverse.followed import Followed
from yurt.tui.fediverse.posts import Posts
from yurt.tui.fediverse.testing import FakeFediverse
from yurt.tui.screens.chat import Chat
from yurt.tui.screens.help import Help
from yurt.tui.screens.welcome import Welcome
from yurt.tui.testing import ANA, BO, FakeEngine, FakeEntrance
from yurt.tui.widgets.line_list import LineList
from yurt.tui.widgets.people_pane import PeoplePane
from yurt.tui.widgets.rooms_pane import RoomsPane
from yurt.tui.widgets.timeline import Timeline

CY = "cy@hilltop.example"
Compare = Callable[..., bool]


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Time and colours do not depend on who runs this, or where."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def _engine() -> FakeEngine:
    engine = FakeEngine()
    room = engine.room("harbour watch", BO, CY)
    hill = engine.room("sauna on the hill", BO)
    engine.say(room, ANA, f"{ANA} added {BO}", kind="roster")
    engine.say(
        room, BO, "Hello from the hilltop. I see your light: https://hilltop.example/a/long/link?to=follow"
    )
    engine.say(room, ANA, "Two lines,\nboth mine.")
    engine.say(room, CY, "a message could not be read", kind="undecryptable", reason="tooFarAhead")
    engine.update(room, read=4)
    engine.say(room, BO, "[bold]no markup[/bold] \x1b[31mand no colours\x1b[0m, but שלום and 漢字")
    engine.say(hill, BO, "@ana: warm already")
    engine.update(hill, read=1)
    engine.say(room, ANA, "this waits", own=True, state="queued", position=None, accepted_at=0)
    return engine


async def _drawn(pilot: Pilot[None]) -> None:
    """Wait for all that comes by itself: lines, people, and that the open room was read; nothing blinks."""
    app = pilot.app
    await until(lambda: isinstance(app.screen, Chat | Welcome | Posts))
    await until(lambda: all(each.window.last for each in app.screen.query(Timeline)))
    await until(lambda: all(each.chosen for each in app.screen.query(PeoplePane)))
    await until(lambda: all(_is_read(each) for each in app.screen.query(RoomsPane)))
    await pilot.pause()
    for text in app.screen.query(TextArea):
        text.cursor_blink = False
    for line in app.screen.query(Input):
        line.cursor_blink = False
    await pilot.pause()


def _is_read(rooms: RoomsPane) -> bool:
    """Whether nothing waits in the open room, marked with ``>``, any more."""
    rows = [rooms.render_line(y).text for y in range(rooms.size.height)]
    return not any(re.match(r"> .*\d *$", row) for row in rows)


@pytest.mark.parametrize("size", [(140, 40), (80, 24), (40, 20)], ids=["wide", "usual", "narrow"])
def test_room(snap_compare: Compare, size: tuple[int, int]) -> None:
    """The everyday screen, in three widths."""
    app = YurtApp(FakeEntrance(_engine()), {})

    assert snap_compare(app, terminal_size=size, run_before=_drawn)


def test_room_without_colours(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR everything can still be told apart."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = YurtApp(FakeEntrance(_engine()), {"NO_COLOR": "1"})

    assert snap_compare(app, terminal_size=(100, 24), run_before=_drawn)


def test_light(snap_compare: Compare) -> None:
    """Names stay readable on a light background."""
    app = YurtApp(FakeEntrance(_engine()), {})
    app.theme = "textual-light"

    assert snap_compare(app, terminal_size=(100, 24), run_before=_drawn)


def test_welcome(snap_compare: Compare) -> None:
    """The first thing that anybody sees."""
    app = YurtApp(FakeEntrance(_engine(), lives_here=False), {})

    assert snap_compare(app, terminal_size=(80, 24), run_before=_drawn)


def test_help(snap_compare: Compare) -> None:
    """The keys, in a usual terminal."""

    async def help_(pilot: Pilot[None]) -> None:
        await _drawn(pilot)
        await pilot.press("f1")
        await until(lambda: isinstance(pilot.app.screen, Help))
        await pilot.pause()

    assert snap_compare(YurtApp(FakeEntrance(_engine()), {}), terminal_size=(80, 24), run_before=help_)


def test_followed(snap_compare: Compare) -> None:
    """Whom one follows, blocks and mutes, above the posts."""
    engine = FakeFediverse()
    engine.post(BO, "The light on the hilltop is on.")
    engine.followed = [
        PersonView(address=BO, actor="", did="", state="accepted"),
        PersonView(address=CY, actor="", did="", state="pending", locked=True),
        PersonView(address="di@elsewhere.example", actor="", did="", state="accepted", gone=True),
    ]
    engine.blocked, engine.muted = ["eve@dead.example"], ["max@elsewhere.example"]

    async def followed(pilot: Pilot[None]) -> None:
        await until(lambda: getattr(pilot.app.screen, "_status", None) is not None)
        await pilot.press("f6")
        await until(lambda: isinstance(pilot.app.screen, Posts))
        await _drawn(pilot)
        await pilot.press("f8")
        await until(lambda: isinstance(pilot.app.screen, Followed))
        await until(lambda: bool(pilot.app.screen.query_one(LineList).chosen))
        await pilot.pause()

    assert snap_compare(YurtApp(FakeEntrance(engine), {}), terminal_size=(80, 24), run_before=followed)

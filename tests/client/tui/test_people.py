"""What one does about people by keys alone: block, mute, follow no longer, tell; and who tried what."""

import re

from textual.pilot import Pilot
from textual.widgets import Input

from yurt.client.api import PersonView
from yurt.client.testing_waits import until
from yurt.tui.app import YurtApp
from yurt.tui.fediverse.followed import Followed
from yurt.tui.fediverse.posts import Posts
from yurt.tui.fediverse.requests import Requests
from yurt.tui.fediverse.testing import FakeFediverse
from yurt.tui.screens.chat import Chat
from yurt.tui.testing import ANA, BO, FakeEntrance
from yurt.tui.widgets.line_list import LineList
from yurt.tui.widgets.people_pane import PeoplePane
from yurt.tui.widgets.timeline import Timeline

CY = "cy@elsewhere.example"


def _app(engine: FakeFediverse) -> YurtApp:
    return YurtApp(FakeEntrance(engine), {})


def _rows(pilot: Pilot[None], widget: type[Timeline | LineList] = LineList) -> str:
    shown = pilot.app.screen.query_one(widget)
    return "\n".join(shown.render_line(y).text for y in range(shown.size.height))


async def _chat(pilot: Pilot[None]) -> None:
    """Wait until the rooms are there, if there are any."""
    await until(lambda: isinstance(pilot.app.screen, Chat))
    await until(lambda: getattr(pilot.app.screen, "_status", None) is not None)


async def _people(pilot: Pilot[None], *keys: str) -> None:
    """Go to the people of the open room, and press keys there."""
    await _chat(pilot)
    await until(lambda: BO in _rows(pilot, PeoplePane))
    await pilot.press("f3")
    await until(lambda: isinstance(pilot.app.focused, PeoplePane))
    await pilot.press(*keys)


async def _posts(pilot: Pilot[None]) -> None:
    await _chat(pilot)
    await pilot.press("f6")
    await until(lambda: isinstance(pilot.app.screen, Posts))


async def _list(pilot: Pilot[None], key: str, screen: type[Followed | Requests], words: str) -> None:
    """Open a list above the posts; it is there once some words are."""
    await _posts(pilot)
    await pilot.press(key)
    await until(lambda: isinstance(pilot.app.screen, screen) and words in _rows(pilot))


async def _agree(pilot: Pilot[None], answer: str = "yes") -> None:
    await until(lambda: isinstance(pilot.app.focused, Input))
    await pilot.press(*answer, "enter")


async def test_block_somebody_in_a_room() -> None:
    """Who is blocked is marked; the same key ends it; nobody blocks themselves."""
    engine = FakeFediverse()
    engine.room("harbour watch", BO)
    async with _app(engine).run_test(size=(120, 30)) as pilot:
        await _people(pilot, "x", "down", "x")
        await _agree(pilot)
        await until(lambda: re.search(rf"{BO} +x", _rows(pilot, PeoplePane)) is not None)
        await pilot.press("x")
        await until(lambda: re.search(rf"{BO} +x", _rows(pilot, PeoplePane)) is None)

    assert engine.asked == ["block", "unblock"]


async def test_no_is_no() -> None:
    """What others would notice happens only if one says yes."""
    engine = FakeFediverse()
    engine.room("harbour watch", BO)
    async with _app(engine).run_test(size=(120, 30)) as pilot:
        await _people(pilot, "down", "x")
        await _agree(pilot, "no")
        await until(lambda: isinstance(pilot.app.focused, PeoplePane))

    assert engine.asked == []


async def test_tell_somebody_what_was_said_before() -> None:
    """Whoever came late is told, by somebody who was there."""
    engine = FakeFediverse()
    engine.room("harbour watch", BO)
    async with _app(engine).run_test(size=(120, 30)) as pilot:
        await _people(pilot, "down", "t")
        await _agree(pilot)
        await until(lambda: engine.asked == [f"tell {BO}"])


async def test_say_that_a_room_is_the_right_one() -> None:
    """What waits because whoever made the link is not in the room can be let go."""
    engine = FakeFediverse()
    engine.room("harbour watch", BO)
    async with _app(engine).run_test(size=(120, 30)) as pilot:
        await _people(pilot, "o")
        await _agree(pilot)
        await until(lambda: engine.asked == ["confirm"])


async def test_whom_one_follows_and_keeps_away() -> None:
    """Everybody stands there with what they are to one, and there is a way back from each."""
    engine = FakeFediverse()
    engine.followed = [
        PersonView(address=BO, actor="", did="", state="accepted"),
        PersonView(address=CY, actor="", did="", state="pending", locked=True),
    ]
    engine.muted = ["max@elsewhere.example"]
    async with _app(engine).run_test(size=(100, 30)) as pilot:
        await _list(pilot, "f8", Followed, BO)
        assert "they approve by hand" in _rows(pilot)
        await pilot.press("u")
        await _agree(pilot)
        await until(lambda: isinstance(pilot.app.screen, Followed) and BO not in _rows(pilot))
        await pilot.press("x")
        await _agree(pilot)
        await until(lambda: isinstance(pilot.app.screen, Followed) and "blocked" in _rows(pilot))
        await pilot.press("u")
        await until(lambda: "blocked" not in _rows(pilot))
        await pilot.press("u")
        await until(lambda: "muted" not in _rows(pilot))

    assert engine.asked == [f"unfollow {BO}", "block", "unblock", "unmute"]


async def test_nothing_more_of_an_author() -> None:
    """At a post one mutes, unfollows or blocks whoever wrote it; what they wrote is gone with a block."""
    engine = FakeFediverse()
    engine.post(BO, "a good morning")
    engine.post(CY, "buy my boats")
    engine.post(ANA, "mine")
    async with _app(engine).run_test(size=(100, 30)) as pilot:
        await _posts(pilot)
        await until(lambda: "mine" in _rows(pilot, Timeline))
        await pilot.press("x", "up", "x")
        await _agree(pilot)
        await until(lambda: isinstance(pilot.app.screen, Posts) and "boats" not in _rows(pilot, Timeline))
        await until(lambda: "a good morning" in _rows(pilot, Timeline))
        await pilot.press("up", "m")
        await until(lambda: engine.muted == [BO])
        await pilot.press("u")  # the cursor stays where it was
        await _agree(pilot)
        await until(lambda: engine.asked == ["block", "mute", f"unfollow {BO}"])

    assert engine.blocked == [CY]


async def test_who_tried_an_encrypted_conversation() -> None:
    """Told once by the engine, it stays there while one looks; there is nothing to answer."""
    engine = FakeFediverse()
    engine.waiting, engine.tried = [BO], [CY]
    async with _app(engine).run_test(size=(100, 30)) as pilot:
        await _list(pilot, "f7", Requests, CY)
        await pilot.press("a")
        await until(lambda: BO not in _rows(pilot))
        assert f"{CY} (tried to talk encrypted" in _rows(pilot)
        await pilot.press("a", "x")
        await pilot.press("escape")
        await until(lambda: isinstance(pilot.app.screen, Posts))

    assert engine.asked == ["accept"]

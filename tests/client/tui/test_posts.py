"""The fediverse by keys alone: read, post, answer, like, boost, take back, let somebody follow."""

import os

from textual.pilot import Pilot
from textual.widgets import Input

from yurt.client.testing_waits import until
from yurt.tui.app import YurtApp
from yurt.tui.fediverse.posts import Posts
from yurt.tui.fediverse.requests import Requests
from yurt.tui.fediverse.testing import FakeFediverse
from yurt.tui.testing import ANA, BO, FakeEntrance
from yurt.tui.widgets.composer import Composer
from yurt.tui.widgets.line_list import LineList
from yurt.tui.widgets.timeline import Timeline

CY = "cy@elsewhere.example"


def _app(engine: FakeFediverse) -> YurtApp:
    return YurtApp(FakeEntrance(engine), os.environ)


async def _open(pilot: Pilot[None]) -> Posts:
    await until(lambda: type(pilot.app.screen).__name__ == "Chat")
    await until(lambda: getattr(pilot.app.screen, "_status", None) is not None)
    await pilot.press("f6")
    await until(lambda: isinstance(pilot.app.screen, Posts))
    screen = pilot.app.screen
    assert isinstance(screen, Posts)
    return screen


async def _write(pilot: Pilot[None], text: str) -> None:
    """Write into the composer, once it has the keys."""
    await until(lambda: pilot.app.screen.query_one(Composer).has_focus)
    await pilot.press(*text, "enter")


async def test_read_and_answer() -> None:
    """What others posted stands there; an answer goes to them, and only to one's followers unless asked."""
    engine = FakeFediverse()
    engine.post(BO, "The light on the hilltop is on.")
    async with _app(engine).run_test(size=(100, 30)) as pilot:
        screen = await _open(pilot)
        timeline = screen.query_one(Timeline)
        await until(lambda: timeline.window.last == 1)

        await pilot.press("r")
        await _write(pilot, "seen")
        await until(lambda: len(engine.posts) == 2)

        assert engine.posts[1].text == f"@{BO} seen"
        assert engine.posts[1].in_reply_to == engine.posts[0].id
        assert engine.posts[1].visibility == "followers"
        await until(lambda: timeline.window.last == 2)


async def test_public_on_request() -> None:
    """Who may read the next post is chosen by a key, and told."""
    engine = FakeFediverse()
    async with _app(engine).run_test(size=(100, 30)) as pilot:
        screen = await _open(pilot)

        await pilot.press("v", "v")
        assert "anybody may read it" in str(screen.query_one(Composer).border_subtitle)
        await pilot.press("i")
        await _write(pilot, "hello all")

        await until(lambda: bool(engine.posts))
        assert engine.posts[0].visibility == "public"


async def test_like_boost_take_back() -> None:
    """Keys on a post do what they say, once each."""
    engine = FakeFediverse()
    engine.post(BO, "one")
    engine.post(ANA, "mine")
    async with _app(engine).run_test(size=(100, 30)) as pilot:
        screen = await _open(pilot)
        timeline = screen.query_one(Timeline)
        await until(lambda: timeline.window.last == 2)

        await pilot.press("up", "up", "plus")
        await until(lambda: engine.posts[0].liked)
        await pilot.press("b")
        await until(lambda: engine.posts[0].boosted)
        await pilot.press("down", "d")
        await until(lambda: isinstance(pilot.app.focused, Input))
        await pilot.press(*"yes", "enter")

        await until(lambda: [post.text for post in engine.posts] == ["one"])
        await until(lambda: timeline.window.last == 1)


async def test_older_posts() -> None:
    """Going up fetches page after page, down to the first post."""
    engine = FakeFediverse()
    for number in range(120):
        engine.post(BO, f"post {number}")
    async with _app(engine).run_test(size=(100, 30)) as pilot:
        screen = await _open(pilot)
        timeline = screen.query_one(Timeline)
        await until(lambda: timeline.window.last == 120)

        while timeline.window.first != 1:  # each time one more page
            await pilot.press("home")
            await pilot.pause()

        assert len(timeline.window) == 120


async def test_let_somebody_follow() -> None:
    """Who asks to follow is listed, and answered by one key."""
    engine = FakeFediverse()
    engine.waiting = [CY, BO]
    async with _app(engine).run_test(size=(100, 30)) as pilot:
        await _open(pilot)
        await pilot.press("f7")
        await until(lambda: isinstance(pilot.app.screen, Requests))
        rows = pilot.app.screen.query_one(LineList)
        await until(lambda: rows.chosen.endswith(CY))

        await pilot.press("a")
        await until(lambda: rows.chosen.endswith(BO))
        await pilot.press("x")
        await until(lambda: not rows.chosen)

        assert engine.waiting == []
        assert engine.asked == ["accept", "reject"]


async def test_let_somebody_add_me() -> None:
    """A stranger who asks to add one to a room is answered at the same place."""
    engine = FakeFediverse()
    engine.inviting = [CY, BO]
    async with _app(engine).run_test(size=(100, 30)) as pilot:
        await _open(pilot)
        await pilot.press("f7")
        await until(lambda: isinstance(pilot.app.screen, Requests))
        rows = pilot.app.screen.query_one(LineList)
        await until(lambda: rows.chosen.endswith(CY))

        await pilot.press("x")
        await until(lambda: rows.chosen.endswith(BO))
        await pilot.press("a")
        await until(lambda: not rows.chosen)

        assert engine.asked == [f"refuse {CY}", f"join {BO}"]


async def test_refusal_is_told_and_nothing_is_lost() -> None:
    """When the node refuses a post, the text is in the composer again."""
    engine = FakeFediverse()
    async with _app(engine).run_test(size=(100, 30)) as pilot:
        screen = await _open(pilot)
        engine.refusal = "too many posts"

        await pilot.press("i")
        await _write(pilot, "my words")

        await until(lambda: screen.query_one(Composer).text == "my words")
        assert engine.posts == []

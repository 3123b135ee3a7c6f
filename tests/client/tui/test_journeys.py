"""What a person does all day, by keyboard alone."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from textual import events
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from yurt.client.testing_waits import until
from yurt.tui.app import YurtApp
from yurt.tui.screens.ask import Ask
from yurt.tui.screens.chat import Chat
from yurt.tui.screens.dialogs import Dialog
from yurt.tui.screens.help import Help
from yurt.tui.screens.invitation import Invitation
from yurt.tui.screens.jump import Jump
from yurt.tui.screens.phrase import Phrase
from yurt.tui.screens.room_code import RoomCode
from yurt.tui.screens.safety import Safety
from yurt.tui.screens.search import Search
from yurt.tui.screens.unlock import Unlock
from yurt.tui.screens.welcome import Welcome
from yurt.tui.testing import BO, WORDS, FakeEngine, FakeEntrance
from yurt.tui.widgets.composer import Composer
from yurt.tui.widgets.line_list import LineList
from yurt.tui.widgets.people_pane import PeoplePane
from yurt.tui.widgets.rooms_pane import RoomsPane
from yurt.tui.widgets.state_line import StateLine
from yurt.tui.widgets.timeline import Timeline

LINK = "https://harbour.example/i/ABCDEFGHIJ#AAECAwQFBgcICQoLDA0ODw"


def _engine(messages: int = 5) -> tuple[FakeEngine, bytes]:
    engine = FakeEngine()
    room = engine.room("harbour watch", BO)
    for number in range(messages):
        engine.say(room, BO, f"light {number}")
    engine.update(room, read=messages)
    return engine, room


@asynccontextmanager
async def _client(
    engine: FakeEngine, size: tuple[int, int] = (120, 30), entrance: FakeEntrance | None = None
) -> AsyncGenerator[Pilot[None]]:
    app = YurtApp(entrance or FakeEntrance(engine), {})
    async with app.run_test(size=size) as pilot:
        yield pilot


def _timeline(pilot: Pilot[None]) -> Timeline:
    return pilot.app.screen.query_one(Timeline)


def _rows(pilot: Pilot[None], widget: type[Timeline | RoomsPane | PeoplePane | StateLine]) -> str:
    shown = pilot.app.screen.query_one(widget)
    return "\n".join(shown.render_line(y).text for y in range(shown.size.height))


async def _open(pilot: Pilot[None], words: str = "light") -> None:
    await until(lambda: isinstance(pilot.app.screen, Chat) and words in _rows(pilot, Timeline))


async def _asked(pilot: Pilot[None], screen: type[Dialog[Any]]) -> None:
    """Wait until a dialog takes what is typed."""
    await until(lambda: isinstance(pilot.app.screen, screen) and isinstance(pilot.app.focused, Input))


async def _type(pilot: Pilot[None], text: str) -> None:
    """Type as a paste does: at once, which is how a burst of keys arrives."""
    await until(lambda: isinstance(pilot.app.focused, Input | TextArea))
    box, before = pilot.app.focused, _written(pilot.app.focused)
    pilot.app.post_message(events.Paste(text))
    await until(lambda: _written(box) != before)


def _written(box: Widget | None) -> str:
    assert isinstance(box, Input | TextArea)
    return box.value if isinstance(box, Input) else box.text


async def _enter(pilot: Pilot[None], text: str) -> None:
    """Type into one line of a form, and go on."""
    await _type(pilot, text)
    box = pilot.app.focused
    await pilot.press("enter")
    await until(lambda: pilot.app.focused is not box)


async def test_first_run() -> None:
    """An invite link, a name, a passphrase, 24 words: and one is in."""
    engine, _ = _engine()
    entrance = FakeEntrance(engine, lives_here=False)

    async with _client(engine, entrance=entrance) as pilot:
        await until(lambda: isinstance(pilot.app.screen, Welcome))
        for text in (LINK, "ana", "correct horse", "correct horse"):
            await _enter(pilot, text)
        await until(lambda: isinstance(pilot.app.screen, Phrase))
        phrase = pilot.app.screen
        await _type(pilot, "nonsense")
        await pilot.press("enter")
        assert pilot.app.screen is phrase
        asked = str(phrase.query(Static)[2].render()).split()[2]
        phrase.query_one(Input).value = WORDS[int(asked) - 1]
        await pilot.press("enter")
        await _open(pilot)

    assert entrance.joined is not None
    assert (entrance.joined.link, entrance.joined.name) == (LINK, "ana")


async def test_refused_join() -> None:
    """A join that the node refuses takes the words away again, and keeps what was typed."""
    engine, _ = _engine()
    entrance = FakeEntrance(engine, lives_here=False)
    entrance.refusal = "this invite is not valid [bold]; ask for a new one"

    async with _client(engine, entrance=entrance) as pilot:
        await until(lambda: isinstance(pilot.app.screen, Welcome))
        for text in (LINK, "Ana!", "correct horse"):
            await _enter(pilot, text)
        await _type(pilot, "wrong horse")
        await pilot.press("enter")
        problem = pilot.app.screen.query_one("#problem", Static)
        await until(lambda: "a name has" in str(problem.render()))
        pilot.app.screen.query_one("#name", Input).value = "ana"
        pilot.app.screen.query_one("#again", Input).value = "correct horse"
        await pilot.press("enter")
        await until(
            lambda: (
                isinstance(pilot.app.screen, Welcome)
                and "[bold]; ask" in str(pilot.app.screen.query_one("#problem", Static).render())
            )
        )
        kept = pilot.app.screen.query_one("#link", Input).value

    assert kept == LINK


async def test_passphrase() -> None:
    """A wrong passphrase is asked for again."""
    engine, _ = _engine()

    async with _client(engine, entrance=FakeEntrance(engine, passphrase="correct horse")) as pilot:
        await until(lambda: isinstance(pilot.app.screen, Unlock))
        first = pilot.app.screen
        await _type(pilot, "wrong")
        await pilot.press("enter")
        await until(lambda: isinstance(pilot.app.screen, Unlock) and pilot.app.screen is not first)
        await _type(pilot, "correct horse")
        await pilot.press("enter")
        await _open(pilot)


async def test_talk() -> None:
    """Enter sends; a new line and a paste stay one message; what is refused comes back."""
    engine, _ = _engine()

    async with _client(engine) as pilot:
        await _open(pilot)
        await _type(pilot, "hello")
        composer = pilot.app.screen.query_one(Composer)
        await pilot.press("ctrl+j")
        await until(lambda: composer.text == "hello\n")
        await _type(pilot, "bo")
        await pilot.press("enter")
        await _open(pilot, "hello")
        engine.refusal = "this room is full"
        await _type(pilot, "again")
        await pilot.press("enter")
        await until(lambda: not engine.refusal and composer.text == "again")

    assert engine.asked == ["send hello\nbo"]


async def test_outbox() -> None:
    """Without a node one can still write; the marks and the state line say what waits."""
    engine, room = _engine()
    engine.connected, engine.offline = False, True

    async with _client(engine) as pilot:
        await _open(pilot)
        await _type(pilot, "later")
        await pilot.press("enter")
        await _open(pilot, "┆ later")
        await until(lambda: "outbox 1" in _rows(pilot, StateLine) and "offline" in _rows(pilot, StateLine))
        engine.connected = True
        engine.change(engine.items[room][-1], state="accepted")
        await _open(pilot, "│ later")
        await until(lambda: "outbox 0" in _rows(pilot, StateLine))


async def test_read_back() -> None:
    """Paging back reaches the first line of thousands, and End comes back, with some pages held."""
    engine, _ = _engine(3000)

    async with _client(engine) as pilot:
        await _open(pilot, "light 2999")
        await pilot.press("escape")
        held = 0
        while "light 0 " not in _rows(pilot, Timeline) + " ":
            await pilot.press("home", "pageup")
            held = max(held, len(_timeline(pilot).window))
        await pilot.press("end")
        await _open(pilot, "light 2999")

    assert held <= 1000


async def test_place_is_kept() -> None:
    """Who reads back is not pushed along by what others say."""
    engine, room = _engine(500)

    async with _client(engine) as pilot:
        await _open(pilot, "light 499")
        await pilot.press("escape")
        for _ in range(3):
            before = _rows(pilot, Timeline)
            await pilot.press("pageup")
            await until(lambda: _rows(pilot, Timeline) != before)  # noqa: B023  # awaited at once
        before, timeline = _rows(pilot, Timeline), _timeline(pilot)
        engine.say(room, BO, "something new")
        rows = timeline.virtual_size.height
        await until(lambda: timeline.window.last == 501 and timeline.virtual_size.height > rows)
        after = _rows(pilot, Timeline)
        await pilot.press("end")
        await _open(pilot, "something new")

    assert before == after


async def test_unread() -> None:
    """Rooms count what waits and who is meant; n goes there; what was seen is read."""
    engine, room = _engine()
    other = engine.room("hill", BO)
    engine.update(other, read=1)
    engine.say(other, BO, "a ship")
    engine.say(other, BO, "@ana, look")

    async with _client(engine) as pilot:
        await until(lambda: isinstance(pilot.app.screen, Chat) and "a ship" in _rows(pilot, Timeline))
        await until(lambda: engine.views[other].read == engine.items[other][-1].item)
        assert "new" in _rows(pilot, Timeline)
        engine.say(room, BO, "@ana again")
        await until(lambda: "@1 1" in _rows(pilot, RoomsPane))
        await pilot.press("escape", "n")
        await _open(pilot, "@ana again")
        await until(lambda: "@1" not in _rows(pilot, RoomsPane))


async def test_jump() -> None:
    """Ctrl-K finds a room by a person in it, and each room keeps its draft."""
    engine, _ = _engine()
    hill = engine.room("hill", "cy@hilltop.example")
    engine.say(hill, "cy@hilltop.example", "up here")
    engine.update(hill, read=99)

    async with _client(engine) as pilot:
        await _open(pilot)
        await _type(pilot, "draft")
        await pilot.press("ctrl+k")
        await _asked(pilot, Jump)
        await _type(pilot, "cy")
        await pilot.press("enter")
        await _open(pilot, "up here")
        composer = pilot.app.screen.query_one(Composer)
        await until(lambda: composer.text == "")
        await pilot.press("ctrl+k")
        await _asked(pilot, Jump)
        await _type(pilot, "harb")
        await pilot.press("enter")
        await until(lambda: composer.text == "draft")


async def test_typed_ahead() -> None:
    """Keys that come all at once are for what each of them finds: the screen need not be seen first."""
    engine, _ = _engine()
    hill = engine.room("hill", "cy@hilltop.example")
    engine.say(hill, "cy@hilltop.example", "up here")
    engine.update(hill, read=99)

    async with _client(engine) as pilot:
        await _open(pilot)
        await pilot.press("escape", "f5")
        await until(lambda: isinstance(pilot.app.screen, Invitation))
        for key in ("escape", "ctrl+k", *"hill", "enter"):
            pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))

        await _open(pilot, "up here")


async def test_copy() -> None:
    """Y copies a line, or all that are marked with who said them, safe to paste."""
    engine, room = _engine()
    engine.say(room, BO, "evil\x1b[31m\rline")

    async with _client(engine) as pilot:
        await _open(pilot, "evil")
        await pilot.press("escape", "y")
        await until(lambda: pilot.app.clipboard == "evil␛[31m\nline")
        await pilot.press("up", "shift+up", "y")
        await until(lambda: pilot.app.clipboard == f"{BO}: light 3\n{BO}: light 4")


async def test_people() -> None:
    """Safety numbers, invitations, new rooms and follows need no mouse."""
    engine, room = _engine()

    async with _client(engine) as pilot:
        await _open(pilot)
        await pilot.press("f3", "down", "enter")
        await until(lambda: isinstance(pilot.app.screen, Safety))
        await pilot.press("escape")
        await until(lambda: isinstance(pilot.app.screen, Chat))
        await pilot.press("f5")
        await _asked(pilot, Invitation)
        await _type(pilot, "cy@hilltop.example")
        await pilot.press("enter")
        await until(lambda: isinstance(pilot.app.screen, Safety))
        await pilot.press("escape")
        await until(lambda: isinstance(pilot.app.screen, Chat))
        for key, text in (("f9", "di@hilltop.example"), ("f8", "sauna")):
            await pilot.press(key)
            await _asked(pilot, Ask)
            await _type(pilot, text)
            await pilot.press("enter")
            await until(lambda: engine.asked[-1].endswith(text))  # noqa: B023  # awaited at once
        await until(lambda: "sauna" in _rows(pilot, RoomsPane))

    assert engine.asked == ["invite cy@hilltop.example", "follow di@hilltop.example", "create sauna"]
    assert engine.items[room][-1].kind == "roster"


async def test_room_code() -> None:
    """The digits that everybody in the room should see are one key away."""
    engine, _ = _engine()

    async with _client(engine) as pilot:
        await _open(pilot)
        await pilot.press("f3", "c")
        await until(
            lambda: isinstance(pilot.app.screen, RoomCode) and len(pilot.app.screen.query(Static)) > 2
        )

        said = "\n".join(str(each.render()) for each in pilot.app.screen.query(Static))
        assert "harbour watch" in said
        assert "12345 67890" in said
        assert "epoch 2" in said


async def test_answer_edit_delete_react() -> None:
    """What one thinks of a message can be said at it, changed and taken back."""
    engine, room = _engine()

    async with _client(engine) as pilot:
        await _open(pilot, "light 4")
        await pilot.press("escape", "r")
        await _type(pilot, "I see it")
        await pilot.press("enter")
        await _open(pilot, "┌ bo: light 4")
        await pilot.press("escape", "e")
        composer = pilot.app.screen.query_one(Composer)
        await until(lambda: composer.text == "I see it")
        await _type(pilot, " now")
        await pilot.press("enter")
        await _open(pilot, "~│ I see it now")
        await pilot.press("escape", "plus")
        await _asked(pilot, Ask)
        await _type(pilot, ":+1:")
        await pilot.press("enter")
        await _open(pilot, "└ :+1: ana")
        await until(lambda: isinstance(pilot.app.screen, Chat))
        await pilot.press("d")
        await _asked(pilot, Ask)
        await _type(pilot, "yes")
        await pilot.press("enter")
        await _open(pilot, "x taken back by ana@harbour.example")

    assert engine.asked == ["send I see it to 5", "edit 6 I see it now", "react :+1:", "delete 6"]
    assert engine.items[room][-1].text == ""


async def test_give_up() -> None:
    """Esc gives up an edit, and the draft from before is there again."""
    engine, room = _engine()
    engine.say(room, "ana@harbour.example", "mine")
    engine.update(room, read=99)

    async with _client(engine) as pilot:
        await _open(pilot, "mine")
        await _type(pilot, "draft")
        await pilot.press("escape", "e")
        composer = pilot.app.screen.query_one(Composer)
        await until(lambda: composer.text == "mine")
        await pilot.press("escape")
        await until(lambda: composer.text == "draft")
        await pilot.press("escape", "up", "e")
        await pilot.pause()

    assert composer.text == "draft"
    assert engine.asked == []


async def test_search() -> None:
    """What was said long ago, and elsewhere, is found by its words and shown where it was said."""
    engine, room = _engine(2000)
    hill = engine.room("hill", BO)
    engine.say(hill, BO, "nothing here")
    engine.update(hill, read=9999)
    engine.change(engine.items[room][700], text="a needle in the hay")

    async with _client(engine) as pilot:
        await _open(pilot)
        await pilot.press("escape", "slash")
        await _asked(pilot, Search)
        await _type(pilot, "needle")
        await pilot.press("enter")
        await until(lambda: bool(pilot.app.screen.query_one(LineList).chosen))
        await pilot.press("enter")
        await _open(pilot, "a needle in the hay")
        window = _timeline(pilot).window
        await pilot.press("end")
        await _open(pilot, "light 1999")

    assert window.has_newer or window.last == 2000


async def test_compare() -> None:
    """A compared safety number is remembered, shown, and can be taken back."""
    engine, _ = _engine()

    async with _client(engine) as pilot:
        await _open(pilot)
        await pilot.press("f3", "down", "enter")
        await until(lambda: isinstance(pilot.app.screen, Safety))
        before = pilot.app.screen
        await pilot.press("v")
        await until(lambda: isinstance(pilot.app.screen, Safety) and pilot.app.screen is not before)
        assert engine.verified == frozenset({BO})
        await pilot.press("escape")
        await until(lambda: isinstance(pilot.app.screen, Chat) and "=" in _rows(pilot, PeoplePane))
        await pilot.press("enter")
        await until(lambda: isinstance(pilot.app.screen, Safety))
        await pilot.press("u")
        await until(lambda: engine.verified == frozenset())


async def test_closed_room() -> None:
    """In a room that stands still one can read, and is told why not write."""
    engine, room = _engine()
    engine.update(room, stopped="logForked")

    async with _client(engine) as pilot:
        await _open(pilot)
        composer = pilot.app.screen.query_one(Composer)
        await until(lambda: composer.read_only)
        pilot.app.post_message(events.Paste("hello"))
        await pilot.press("enter")
        assert (composer.text, engine.asked) == ("", [])
        assert "stopped: logForked" in _rows(pilot, StateLine)


async def test_narrow() -> None:
    """In forty columns the panes come when they are called and go when one reads on."""
    engine, _ = _engine()

    async with _client(engine, size=(40, 20)) as pilot:
        await _open(pilot)
        rooms, people = pilot.app.screen.query_one(RoomsPane), pilot.app.screen.query_one(PeoplePane)
        steps = {"f2": (True, False), "escape": (False, False), "f3": (False, True)}
        for key in ("f2", "escape", "f3", "escape"):
            await pilot.press(key)
            await until(lambda: (rooms.display, people.display) == steps[key])  # noqa: B023  # awaited at once


async def test_help_and_themes() -> None:
    """The help tells every key of every widget; colours change by key."""
    engine, _ = _engine()

    async with _client(engine) as pilot:
        await _open(pilot)
        await pilot.press("f1")
        await until(lambda: isinstance(pilot.app.screen, Help))
        told = str(pilot.app.screen.query_one(Static).render())
        await pilot.press("escape")
        before = pilot.app.theme
        await pilot.press("ctrl+t")
        await until(lambda: pilot.app.theme != before)

    assert all(words in told for words in ("send the message", "safety number", "copy the line", "leave"))


async def test_mention() -> None:
    """Who is meant in another room hears of it."""
    engine, _ = _engine()
    hill = engine.room("hill", BO)

    async with _client(engine) as pilot:
        await _open(pilot)
        engine.say(hill, BO, "@ana?")
        engine.say(hill, BO, "@ana!")
        notes: list[str] = []

        def heard() -> bool:
            # Textual tells its notes nowhere else.
            found = pilot.app._notifications  # pyright: ignore[reportPrivateUsage]
            notes[:] = [note.message for note in found]
            return bool(notes)

        await until(heard)

    assert notes == [f"{BO} mentions you in hill"]

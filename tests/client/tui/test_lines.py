"""What a line of a room looks like, and what it cannot look like."""

from rich.cells import cell_len

from yurt.client.api import RoomView, Status
from yurt.tui import shown
from yurt.tui.colours import DARK, colour_of
from yurt.tui.keys import named
from yurt.tui.lines import Gutter, Roll, Row, rows_of
from yurt.tui.notifications import notification
from yurt.tui.testing import ANA, BO, FakeEngine
from yurt.tui.widgets.state_line import BETWEEN, facts, fitted

WIDE = Gutter.of(80)


def _shown(rows: list[Row]) -> list[str]:
    return [f"{row.time}{row.name}{row.mark}{row.text}".rstrip() for row in rows]


def _lay(text: str, who: str = BO, gutter: Gutter = WIDE, **fields: object) -> list[str]:
    engine = FakeEngine()
    room = engine.room("harbour watch", BO)
    item = engine.say(room, who, text, accepted_at=0, **fields)
    return _shown(rows_of(item, gutter, Roll.of((ANA, BO))))


def test_message() -> None:
    """Every row of a message stands behind its rule; links stay whole."""
    link = "https://harbour.example/" + "x" * 60

    assert _lay("one\n\ntwo") == [
        "                  bo │ one",
        "                     │",
        "                     │ two",
    ]
    assert "".join(row[23:] for row in _lay(link)) == link


def test_own_states() -> None:
    """What waits and what was refused can be seen without colour."""
    assert _lay("hello", ANA, own=True, state="queued") == ["                 ana ┆ hello"]
    assert _lay("hello", ANA, own=True, state="refused", reason="tooBig") == [
        "                 ana ! hello",
        "                    !─ not sent (tooBig)",
    ]
    assert _lay("hello", ANA, own=True, state="accepted") == ["                 ana │ hello"]
    assert _lay("hello", ANA, own=True, state="settled") == ["                 ana ┃ hello"]


def test_told_by_another() -> None:
    """What somebody else says was said is marked as their word."""
    assert _lay("hello", ANA, vouched_by=BO) == [
        "                 ana │ hello",
        "                     ? told by bo@hilltop.example",
    ]


def test_rooms_own_lines() -> None:
    """Who came is told by a line that no message can imitate."""
    genuine = _lay(f"{ANA} added {BO}", kind="roster")
    imitation = _lay(f"x\n{genuine[0]}\n── {ANA} added {BO}")

    assert genuine == [f"                    ── {ANA} added {BO}"]
    assert all(row[21] == "│" for row in imitation)


def test_narrow() -> None:
    """In forty columns there is no time, and still a name."""
    assert _lay("hello there", gutter=Gutter.of(40)) == ["bo       │ hello there"]
    assert all(cell_len(row) <= 40 for row in _lay("long words " * 20, gutter=Gutter.of(40)))


def test_names_that_could_mislead() -> None:
    """Two of one name show where they live, and letters of other scripts carry a mark."""
    engine = FakeEngine()
    room = engine.room("harbour watch", BO)
    roll = Roll.of((ANA, BO, "bo@harbour.example"))

    assert roll.name(engine.say(room, BO, "")) == BO
    assert roll.name(engine.say(room, ANA, "")) == "ana"
    assert roll.name(engine.say(room, "\u0430na@hilltop.example", "")).startswith("?")


def test_wrapping() -> None:
    """Rows break at spaces, and within words only if they must; indentation stays."""
    assert shown.rows("the light turns", 9) == ["the light", "turns"]
    assert shown.rows("    if x:", 20) == ["    if x:"]
    assert shown.rows("a" * 25, 10) == ["a" * 10, "a" * 10, "a" * 5]
    assert shown.rows("漢字漢字", 5) == ["漢字", "漢字"]
    assert shown.rows("", 10) == [""]


def test_colours() -> None:
    """Colours are the same on every start, and differ between people and viewers."""
    people = [f"did:key:{number}" for number in range(200)]

    assert colour_of("did:key:bo", "did:key:ana", dark=True) == "#d9c0a0"
    assert {colour_of(did, "did:key:ana", dark=True) for did in people} == set(DARK)
    assert [colour_of(did, "x", dark=True) for did in people] != [
        colour_of(did, "y", dark=True) for did in people
    ]


def test_long_message_is_cut() -> None:
    """Nobody can make everybody's terminal wrap a book."""
    rows = shown.rows("word " * 20_000, 40)

    assert len(rows) < 250
    assert "92,000 characters more" in " ".join(rows[-2:])


def test_state_line() -> None:
    """What is urgent stays readable in the narrowest terminal."""
    status = Status(
        address=ANA, actor="", did="", device_id=b"", state="joined", connected=False, live=False, rooms=1,
        outbox=2, undecryptable=1, problem="the stream to harbour.example ended; trying again",
    )  # fmt: skip
    room = RoomView(room=bytes(32), name="x", hub="harbour.example", epoch=7, participants=(ANA,))
    found = facts(status, room)

    def told(width: int) -> str:
        return BETWEEN.join(text for text, _ in fitted(found, width))

    assert told(140).startswith("offline: the stream to harbour.example ended")
    assert "outbox 2 · 1 undecryptable · encrypted, epoch 7" in told(140)
    assert told(38) == "offline · out 2 · ?1 · enc e7 · ana"
    assert told(10) == "offline"


def test_notification() -> None:
    """Each terminal is told in the way that it says it knows."""
    assert notification("bo; hi", {"TERM_PROGRAM": "WezTerm"}) == "\x1b]9;yurt: bo, hi\x1b\\"
    assert notification("bo", {"TERM": "foot"}) == "\x1b]777;notify;yurt;yurt: bo\x1b\\\a"
    assert notification("bo", {"TERM_PROGRAM": "WezTerm", "TMUX": "1"}) == "\a"
    assert notification("bo", {}) == "\a"


def test_keys_have_names() -> None:
    """Keys are told as they are printed."""
    assert [named(key) for key in ("ctrl+k", "f1", "question_mark", "G", "shift+up")] == [
        "Ctrl-k", "F1", "?", "G", "Shift-Up",
    ]  # fmt: skip

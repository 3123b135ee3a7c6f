"""Pages of history, the room's order, and what is unread."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from yurt.client.api import TimelineItem
from yurt.tui import pages
from yurt.tui.testing import ANA, BO, FakeEngine
from yurt.tui.unread import next_unread
from yurt.tui.window import MOST, Window
from yurt.wire.position import Position

ROOM = bytes(32)


def _line(item: int, seq: int | None = None, **fields: object) -> TimelineItem:
    line = {"item": item, "revision": item, "room": ROOM, "kind": "message", **fields}
    return msgspec.convert({**line, "position": Position(1, seq) if seq else None}, TimelineItem)


def _ids(window: Window) -> list[int]:
    return [line.item for line in window.in_order()]


def test_room_order() -> None:
    """What others said before the hub took in mine stands before it; what waits stands last."""
    window = Window()
    mine = _line(1, own=True, state="queued")
    window.show([mine, _line(2, 5), _line(3, 6), _line(4, kind="notice")], older=False, newer=False)

    before = _ids(window)
    window.merge(_line(1, 7, own=True))

    assert before == [2, 3, 4, 1]
    assert _ids(window) == [2, 3, 4, 1]


def test_older_revision_changes_nothing() -> None:
    """A line that comes twice, or late, is shown once and as it is now."""
    window = Window()
    window.show([_line(2, 2)], older=False, newer=False)

    assert not window.merge(_line(2, 9))
    assert window.merge(_line(3, 3))
    assert not window.merge(_line(1, 1))
    assert _ids(window) == [2, 3]


@given(st.lists(st.booleans(), max_size=40))
def test_window_is_bounded(turns: list[bool]) -> None:
    """However one pages about, some consecutive lines are held, and never all."""
    everything = [_line(number, number) for number in range(1, 4001)]
    window = Window()
    window.show(everything[2000:2200], older=True, newer=True)

    for back in turns:
        if back:
            page = [line for line in everything if line.item < window.first][-200:]
            window.prepend(page, older=len(page) == 200)
        else:
            page = [line for line in everything if line.item > window.last][:200]
            window.append(page, newer=len(page) == 200)

        assert len(window) <= MOST
        assert _ids(window) == list(range(window.first, window.last + 1))
        assert window.has_older or window.first == 1
        assert window.has_newer or window.last == 4000


async def test_opens_where_reading_stopped() -> None:
    """Who comes back sees what is new, with some of what was before."""
    engine = FakeEngine()
    room = engine.room("harbour watch", BO)
    for number in range(600):
        engine.say(room, BO, f"{number}")
    await engine.mark_read(room, 300)

    window = await pages.opened(engine, (await engine.rooms())[0])
    fresh = Window()
    await pages.newest(engine, room, fresh)

    assert (window.first, window.last) == (300 - pages.CONTEXT + 1, 500)
    assert (window.has_older, window.has_newer) == (True, True)
    assert (fresh.last, fresh.has_newer) == (600, False)


async def test_next_unread() -> None:
    """The next room is the next one on the list, all around, and never the one that is open."""
    engine = FakeEngine()
    rooms = [engine.room(name, BO) for name in ("one", "two", "three", "four")]
    for room in (rooms[0], rooms[1], rooms[3]):
        engine.say(room, BO, "hello")
    views = await engine.rooms()

    def names(here: bytes, by: int) -> str:
        room = next_unread(views, here, by)
        return room.name if room else ""

    assert [names(room, 1) for room in rooms] == ["two", "four", "four", "one"]
    assert [names(room, -1) for room in rooms] == ["four", "one", "two", "two"]
    assert names(b"", 1) == "one"
    assert next_unread([], ANA.encode(), 1) is None

"""Pages of a room's history between the engine and the screen's window."""

from collections.abc import Awaitable, Callable
from typing import Final

from yurt.client.api import DEFAULT_PAGE, NEWEST, EngineApi, RoomView
from yurt.tui.window import Window

Fetch = Callable[[EngineApi, bytes, Window], Awaitable[None]]
"""Changes a window by a page."""
CONTEXT: Final = 50
"""Lines that were read already, shown above the new ones."""


async def opened(engine: EngineApi, room: RoomView) -> Window:
    """Give what somebody sees who opens a room: from where they stopped reading, or the newest page."""
    if room.unread and room.read:
        before = await engine.timeline(room.room, before=room.read + 1, limit=CONTEXT)
        after = await engine.timeline(room.room, after=room.read, limit=DEFAULT_PAGE)
        window = Window()
        window.show([*before, *after], older=len(before) == CONTEXT, newer=len(after) == DEFAULT_PAGE)
        return window
    window = Window()
    await newest(engine, room.room, window)
    return window


async def newest(engine: EngineApi, room: bytes, window: Window) -> None:
    """Show the end of a room."""
    page = await engine.timeline(room, before=NEWEST)
    window.show(page, older=len(page) == DEFAULT_PAGE, newer=False)


async def around(engine: EngineApi, room: bytes, item: int) -> Window:
    """Give the lines about one of them."""
    before = await engine.timeline(room, before=item + 1, limit=DEFAULT_PAGE // 2)
    after = await engine.timeline(room, after=item, limit=DEFAULT_PAGE // 2)
    window, full = Window(), DEFAULT_PAGE // 2
    window.show([*before, *after], older=len(before) == full, newer=len(after) == full)
    return window


async def older(engine: EngineApi, room: bytes, window: Window) -> None:
    """Put one page in front."""
    page = await engine.timeline(room, before=window.first)
    window.prepend(page, older=len(page) == DEFAULT_PAGE)


async def newer(engine: EngineApi, room: bytes, window: Window) -> None:
    """Put one page at the end."""
    page = await engine.timeline(room, after=window.last)
    window.append(page, newer=len(page) == DEFAULT_PAGE)

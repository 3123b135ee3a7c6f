"""How stories of rooms begin, and how they wait: people who share a room, a line that comes; tests only."""

import asyncio
from typing import Final

from yurt.client.api import TimelineItem
from yurt.client.core import Core
from yurt.client.engine import Engine
from yurt.client.testing import Town
from yurt.client.testing_node import HARBOUR
from yurt.client.testing_waits import PATIENCE_S

ANA: Final = f"ana@{HARBOUR}"
BO: Final = f"bo@{HARBOUR}"


async def line(engine: Engine, room: bytes, **wanted: object) -> TimelineItem:
    """Wait for a line with these fields."""
    async with asyncio.timeout(PATIENCE_S):
        async for item in engine.watch(room):
            if all(getattr(item, name) == value for name, value in wanted.items()):
                return item
    raise AssertionError(wanted)


async def together(town: Town) -> tuple[Engine, Engine, bytes]:
    """Ana made a room, and bo is in it."""
    ana, bo = await asyncio.gather(town.join("ana"), town.join("bo"))
    room = (await ana.create_room("harbour watch")).room
    await ana.invite(room, BO)
    await line(bo, room, kind="roster")
    return ana, bo, room


def core_of(engine: Engine) -> Core:
    """Look inside an engine."""
    return engine._core  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # a story looks inside

"""Scene: who was away. A client reads what was said meanwhile; a hub comes back and all that waited goes out.

Real messages of real engines, in a room of fifty on two nodes. How many, and how long the hub stays away,
depends on the run: 20,000 and ten minutes with ``--full``.
"""

import asyncio
import time
from functools import partial
from typing import Final

from yurt.lab.bench.figures import Book
from yurt.lab.bench.machine import pin
from yurt.lab.bench.over_nodes import gather_into_room, invited
from yurt.lab.bench.setting import LOAD_CORE, SERVER_CORE, Setting
from yurt.lab.world.people import Person, follow, until
from yurt.lab.world.world import HARBOUR, HILLTOP, World

CROWD: Final = 48
"""Beside Ana and Bo."""
MESSAGES: Final = 4_000
ALL_MESSAGES: Final = 20_000
AWAY_S: Final = 10.0
ALL_AWAY_S: Final = 600.0
WAITING: Final = 100
_PATIENCE_S: Final = 900.0


async def measure(setting: Setting, book: Book) -> None:
    """Measure what is wanted."""
    book.quick = not setting.full
    async with World.open(setting.folder / "world") as world:
        pin(0, LOAD_CORE)
        for node in world.nodes.values():
            pin(node.pid, SERVER_CORE)
        ana, bo = await world.person("ana", HARBOUR), await world.person("bo", HILLTOP)
        await follow(bo, ana)
        room, _, _ = await gather_into_room(world, ana, 8 if setting.quick else CROWD)
        await until(partial(invited, ana, room, bo.address), "Bo is added", within=_PATIENCE_S)
        await bo.enters(room)
        if setting.wants("catch-up"):
            messages = ALL_MESSAGES if setting.full else setting.less(MESSAGES)
            book.note("catch-up", await _catch_up(ana, bo, room, messages))
        if setting.wants("hub-back"):
            away_s = ALL_AWAY_S if setting.full else AWAY_S
            book.note("hub-back", await _hub_back(world, ana, bo, room, away_s))


async def _catch_up(ana: Person, bo: Person, room: bytes, messages: int) -> float:
    """Messages that a client takes in a second: decrypted, and kept."""
    await bo.engine.sync(_PATIENCE_S)
    await bo.close()
    for number in range(messages):
        await ana.engine.send(room, f"message {number}")
    await ana.engine.sync(_PATIENCE_S)
    await bo.reopen()
    began = time.perf_counter()
    await bo.reads(room, f"message {messages - 1}", within=_PATIENCE_S)
    return messages / (time.perf_counter() - began)


async def _hub_back(world: World, ana: Person, bo: Person, room: bytes, away_s: float) -> float:
    """The hub stops; Bo goes on writing; the seconds from its start until Ana has read everything."""
    await world.nodes[HARBOUR].stop()
    for number in range(WAITING):
        await bo.engine.send(room, f"away {number}")
    await asyncio.sleep(away_s)
    await world.nodes[HARBOUR].start()
    pin(world.nodes[HARBOUR].pid, SERVER_CORE)
    began = time.perf_counter()
    await ana.reads(room, f"away {WAITING - 1}", within=_PATIENCE_S)
    return time.perf_counter() - began

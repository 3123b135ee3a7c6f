"""A row that nobody foresaw costs its own room, and nothing else."""

import asyncio
from typing import Any

import pytest
from sqlcipher3.dbapi2 import Connection

from yurt.client.engine import Engine
from yurt.client.rooms.receive import Receiver, Taken
from yurt.client.testing import Town
from yurt.client.testing_node import HARBOUR
from yurt.client.testing_waits import PATIENCE_S
from yurt.wire.position import LogRow


async def reads(engine: Engine, room: bytes, text: str) -> None:
    """Wait until somebody has read something."""
    async with asyncio.timeout(PATIENCE_S):
        async for item in engine.watch(room):
            if text in item.text:
                return


def expected(_loop: asyncio.AbstractEventLoop, _context: dict[str, Any]) -> None:
    """The fault is told to the loop; here it is part of the story."""


async def test_one_poisoned_room_leaves_the_others(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that cannot be taken in stop their room with a line; the stream and other rooms go on."""
    ana, bo = await asyncio.gather(town.join("ana"), town.join("bo"))
    sick, well = (await ana.create_room("sick")).room, (await ana.create_room("well")).room
    for room in (sick, well):
        await ana.invite(room, f"bo@{HARBOUR}")
        await reads(bo, room, "added you")
    take = Receiver.take

    def poisoned(self: Receiver, tx: Connection, room: bytes, rows: tuple[LogRow, ...], now_ms: int) -> Taken:
        if room == sick and any(row.kind == 2 for row in rows):
            raise ZeroDivisionError("nobody foresaw this")
        return take(self, tx, room, rows, now_ms)

    monkeypatch.setattr(Receiver, "take", poisoned)
    asyncio.get_running_loop().set_exception_handler(expected)
    await ana.send(sick, "poison")
    await reads(bo, sick, "read no further")
    await ana.send(well, "still here")

    # Ana's own session took the same row in, too: both rooms of hers still write and read.
    await reads(bo, well, "still here")
    assert (await bo.status()).connected

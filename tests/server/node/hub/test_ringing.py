"""The task that rings for a room: nobody who asks at a bad moment is forgotten."""

import asyncio
from collections.abc import Callable
from typing import cast

from yurt.node.bus import LocalBus
from yurt.node.clock import SystemClock
from yurt.node.hub.other_nodes import OtherNodes
from yurt.node.hub.ringing import Ringing
from yurt.node.hub.states import RoomStates
from yurt.node.limiter import Limiter
from yurt.node.store.types import Store
from yurt.node.streams.fanout import Fanout
from yurt.node.testing import until
from yurt.rooms.hub.state import HubState

ROOM = bytes(32)


class AskedMeanwhile:
    """Rooms that are looked up while somebody asks to join them."""

    def __init__(self) -> None:
        self.looks = 0
        self.meanwhile: Callable[[], None] = lambda: None

    def listen(self, _hear: Callable[[HubState], None]) -> None:
        """Nobody hears of anything."""

    async def get(self, _room: bytes) -> HubState | None:
        self.looks += 1
        if self.looks == 1:
            self.meanwhile()
        await asyncio.sleep(0)
        return None


async def test_who_asks_while_the_task_ends_is_looked_for() -> None:
    """A request that is kept between the last look and the task's end wakes it once more."""
    states, nothing = AskedMeanwhile(), cast("Store", None)
    ringing = Ringing(
        "harbour.example",
        nothing,
        cast("RoomStates", states),
        SystemClock(),
        Limiter(),
        cast("Fanout", LocalBus()),
        cast("OtherNodes", None),
    )
    states.meanwhile = lambda: ringing.begin(ROOM)

    ringing.begin(ROOM)
    await until(lambda: not ringing.is_waiting(ROOM))

    assert states.looks == 2

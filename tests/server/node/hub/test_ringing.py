"""The task that rings for a room: nobody who asks at a bad moment is forgotten."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

from yurt.identity.did import Did
from yurt.node.bus import LocalBus
from yurt.node.clock import SystemClock
from yurt.node.hub.other_nodes import OtherNodes
from yurt.node.hub.ringing import APART_S, Ringing
from yurt.node.hub.states import RoomStates
from yurt.node.limiter import Limiter
from yurt.node.store.types import Store
from yurt.node.streams.fanout import Fanout
from yurt.node.streams.subscription import Reader
from yurt.node.testing import until
from yurt.node.testing_clock import SetClock
from yurt.rooms.common.room_change import Device
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


def _not_inside(_did: str, _device: bytes) -> None:
    """No device is in the room."""


def _open(_invite: bytes) -> SimpleNamespace:
    """Every link can still be used."""
    return SimpleNamespace(not_after=1)


class Crowd:
    """A room that somebody asks to join, and nobody is there; it is also the store that says so."""

    def __init__(self) -> None:
        self.looks = 0
        device = Device(Did("did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"), bytes(16))
        self.waiting = SimpleNamespace(
            since=0, device=device, invite_pub=b"", inviter=device.did, lent_until=0
        )
        people = SimpleNamespace(device=_not_inside, nodes=())
        policy = SimpleNamespace(invite=_open)
        self.state = SimpleNamespace(room_id=ROOM, standing=SimpleNamespace(people=people, policy=policy))

    def listen(self, _hear: Callable[[HubState], None]) -> None:
        """Nobody hears of anything."""

    async def get(self, _room: bytes) -> SimpleNamespace:
        """The room."""
        return self.state

    async def read(self, _query: object) -> list[SimpleNamespace]:
        """Who waits for it."""
        self.looks += 1
        return [self.waiting]

    def readers(self, _log: str) -> list[Reader]:
        """Nobody reads it now."""
        return []


async def test_a_crowd_that_asks_costs_few_looks() -> None:
    """Five hundred people come by one link at once: who waits is read now and then, not for each of them."""
    crowd, clock = Crowd(), SetClock(ms=0)
    ringing = Ringing(
        "harbour.example",
        cast("Store", crowd),
        cast("RoomStates", crowd),
        clock,
        Limiter(),
        cast("Fanout", crowd),
        cast("OtherNodes", None),
    )
    began = asyncio.get_running_loop().time()

    for _ in range(500):
        ringing.begin(ROOM)
        await asyncio.sleep(0.0001)
    took = asyncio.get_running_loop().time() - began
    looks = crowd.looks
    await ringing.stop()

    assert 1 <= looks <= 2 + took / APART_S


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

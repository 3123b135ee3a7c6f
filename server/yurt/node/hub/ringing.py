"""Waking whoever may let people in, and whoever waits for it: hints only, so everything may be lost.

At the hub each room with requests has one task. It rings one device at a time, the link's maker first, then
others in the room who are online here, then the member nodes, which ring one of theirs. Whoever takes the
requests has 15 s; then the next one is rung. When nobody is online the task sleeps: a client that comes
online asks by itself. Once a request is gone (added, or its link leads nowhere any more), its device is rung
to look again. After a restart the tasks begin anew from what is stored.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from yurt.identity.location import node_of
from yurt.node.clock import Clock
from yurt.node.hub.other_nodes import OtherNodes
from yurt.node.hub.states import RoomStates
from yurt.node.ids import account_at, node_actor
from yurt.node.limiter import Limiter, Rate
from yurt.node.peers.asks import Answerer, Asks
from yurt.node.store import join_requests, logs
from yurt.node.store.types import Store, StoreError
from yurt.node.streams.fanout import Fanout
from yurt.node.streams.subscription import Reader
from yurt.rooms.hub.requests import Waiting, still_waiting
from yurt.rooms.hub.state import HubState
from yurt.wire.command import Done
from yurt.wire.frames import Ring, room_log
from yurt.wire.link_commands import RingDevices
from yurt.wire.problems import ProblemError

RING_S: Final = 2.0
"""How long a device that was rung has to take the requests, before the next one is."""
RINGS: Final = Rate(burst=10, every_s=6.0)
"""Hints of one node to one account, or to those in one room: each wakes clients, and clients ask."""
IDLE_S: Final = 60.0
"""How often to begin again when nobody answered: an expired link is noticed then too."""
APART_S: Final = 0.1
"""Between two looks at who waits for a room: each reads all of them, and a crowd asks all at once."""
RING: Final = "ring"
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Waker:
    """What wakes the task of one room."""

    event: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None
    epoch: int = -1
    """The last one that it was woken for."""


class Ringing:
    """One task for each room here that somebody asks to join."""

    def __init__(
        self,
        domain: str,
        store: Store,
        states: RoomStates,
        clock: Clock,
        limiter: Limiter,
        fanout: Fanout,
        others: OtherNodes,
    ) -> None:
        self._domain = domain
        self._store = store
        self._states = states
        self._clock = clock
        self._limiter = limiter
        self._fanout = fanout
        self._others = others
        self._rooms: dict[bytes, _Waker] = {}
        self._sent: set[asyncio.Task[None]] = set()
        states.listen(self._hear)

    def asks(self) -> Asks:
        """What other nodes may ask."""
        return {RING: Answerer(RingDevices, self._rung)}

    async def start(self) -> None:
        """Go on with what was stored."""
        for room in await self._store.read(join_requests.rooms_with_requests):
            self.begin(room)

    async def stop(self) -> None:
        """End every task."""
        tasks = [*(waker.task for waker in self._rooms.values() if waker.task), *self._sent]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def begin(self, room: bytes) -> None:
        """Somebody asks to join a room."""
        if room in self._rooms:
            self.look(room)
            return
        waker = self._rooms[room] = _Waker()
        waker.task = asyncio.create_task(self._run(room, waker.event), name=f"ringing {room.hex()[:8]}")

    def look(self, room: bytes) -> None:
        """Something changed about the requests of a room."""
        if (found := self._rooms.get(room)) is not None:
            found.event.set()

    def is_waiting(self, room: bytes) -> bool:
        """Whether somebody waits for a room; costs nothing."""
        return room in self._rooms

    def _hear(self, state: HubState) -> None:
        """A commit may have let people in, or ended a link; a message did not."""
        if (found := self._rooms.get(state.room_id)) is not None and found.epoch != state.epoch:
            found.epoch = state.epoch
            found.event.set()

    # --- the task of one room -----------------------------------------------------------------------
    async def _run(self, room: bytes, event: asyncio.Event) -> None:
        try:
            rung: set[Reader | str] = set()
            loop, may_look = asyncio.get_running_loop(), 0.0
            while True:
                await asyncio.sleep(max(0.0, may_look - loop.time()))
                event.clear()  # before looking, so that no change falls between
                found = await self._waiting(room)
                may_look = loop.time() + APART_S
                if found is None:
                    if event.is_set():
                        continue  # somebody asked while we looked: nobody else reads this event
                    return
                state, waiting = found
                busy_ms = max(one.lent_until for one in waiting) - self._clock.now_ms()
                if busy_ms > 0:
                    await _sleep(event, busy_ms / 1000)
                    continue
                who = self._next(state, waiting, rung)
                if who is None:
                    rung.clear()
                    await _sleep(event, IDLE_S)
                    continue
                rung.add(who)
                self._ring(room, who, waiting)
                await _sleep(event, RING_S)
        except StoreError:
            _log.warning("the requests of a room could not be read; the next one begins again")
        finally:
            del self._rooms[room]

    async def _waiting(self, room: bytes) -> tuple[HubState, Sequence[Waiting]] | None:
        """What still waits; what does not is forgotten, and whoever asked looks again."""
        state = await self._states.get(room)
        if state is None:
            return None
        now_ms = self._clock.now_ms()
        rows = await self._store.read(lambda tx: join_requests.requests(tx, room))
        left = still_waiting(rows, state.standing, now_ms)
        kept = {one.device for one in left}
        gone = [one for one in rows if one.device not in kept]
        if gone:
            await self._store.write(
                lambda tx: join_requests.drop_requests(tx, room, [one.device for one in gone])
            )
        for one in gone:
            if state.standing.people.device(one.device.did, one.device.device_id) is None:
                self._ring_person(room, one.device.did, one.actor)  # whoever is inside has a Welcome
        return (state, left) if left else None

    def _next(
        self, state: HubState, waiting: Sequence[Waiting], rung: set[Reader | str]
    ) -> Reader | str | None:
        """Choose whom to ring: makers of the links, others here, then nodes."""
        makers = {str(one.inviter) for one in waiting}
        here = [one for one in self._fanout.readers(room_log(state.room_id)) if one not in rung]
        random.shuffle(here)
        here.sort(key=lambda one: one.did not in makers)
        nodes = [node for node in state.standing.people.nodes if node != self._domain and node not in rung]
        theirs = [node for node in nodes if self._is_home(state, node, makers)]
        if here and here[0].did in makers:
            return here[0]
        others: list[Reader | str] = [*theirs, *here, *nodes]
        return others[0] if others else None

    def _is_home(self, state: HubState, node: str, makers: set[str]) -> bool:
        people = state.standing.people
        return any(node_of(actor) == node for did in makers for actor in people.actors(did))

    # --- ringing ------------------------------------------------------------------------------------
    def _ring(self, room: bytes, who: Reader | str, waiting: Sequence[Waiting]) -> None:
        if isinstance(who, Reader):
            self._fanout.tell(room_log(room), Ring(room), who)
        else:
            first = tuple(dict.fromkeys(str(one.inviter) for one in waiting))[:64]
            self._send(who, RingDevices(room, first=first))

    def _ring_person(self, room: bytes, did: str, actor: str) -> None:
        node = node_of(actor)
        if node == self._domain:
            self._ring_account(room, actor)
        else:
            self._send(node, RingDevices(room, person=did, actor=actor))

    def _ring_account(self, room: bytes, actor: str) -> None:
        if (name := account_at(self._domain, actor)) is not None:
            self._fanout.tell(logs.inbox_log(name), Ring(room))

    def _send(self, node: str, what: RingDevices) -> None:
        task = asyncio.create_task(self._say(node, what), name=f"ringing {node}")
        self._sent.add(task)
        task.add_done_callback(self._sent.discard)

    async def _say(self, node: str, what: RingDevices) -> None:
        with contextlib.suppress(ProblemError):  # it is only a hint; their clients ask by themselves
            await self._others.ask(node, RING, node_actor(self._domain), what, Done)

    # --- for other hubs -----------------------------------------------------------------------------
    async def _rung(self, actor: str, what: RingDevices) -> Done:
        """Wake somebody here for another hub; too often is no error, and wakes nobody."""
        node = node_of(actor)
        if what.person:
            if may_ring(self._limiter, node, what.actor):
                self._ring_account(what.room, what.actor)
            return Done()
        state = await self._states.get(what.room)
        if (
            state is None
            or state.standing.policy.hub != node
            or not may_ring(self._limiter, node, what.room.hex())
        ):
            return Done()
        here = self._fanout.readers(room_log(what.room))
        random.shuffle(here)
        here.sort(key=lambda one: one.did not in what.first)
        if here:
            self._fanout.tell(room_log(what.room), Ring(what.room), here[0])
        return Done()


def may_ring(limiter: Limiter, node: str, whom: str) -> bool:
    """Take one ring of a node for an account or a room, if there is one left."""
    try:
        limiter.take("ring", f"{node} {whom}", RINGS)
    except ProblemError:
        return False
    return True


async def _sleep(event: asyncio.Event, within_s: float) -> None:
    """Sleep until something changes, at most that long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await event.wait()

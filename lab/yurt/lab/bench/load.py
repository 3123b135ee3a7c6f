"""The load: how many entries one server takes and hands on, and how long one takes on its way.

Every scenario runs against a `Target`, so the node and the bare broadcast get exactly the same load.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from yurt.lab.bench.machine import cpu_s, percentile
from yurt.lab.bench.raw_socket import Listener, RawSocket

_PATIENCE_S: Final = 120.0
_PONG_S: Final = 5.0
Came = Callable[[int, int], None]
"""Told how many entries came, and the number of the last one."""


class Talker(Protocol):
    """One connection that sends entries."""

    def send(self, number: int) -> None:
        """Send the entry with this number."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...


class Target(Protocol):
    """A server under load."""

    @property
    def pid(self) -> int:
        """Its process."""
        ...

    async def talker(self, accepted: Callable[[int], None]) -> Talker:
        """Connect somebody who sends; `accepted` is told how many entries became durable."""
        ...

    async def listener(self, listen: Listener) -> RawSocket:
        """Connect somebody who receives every new entry."""
        ...

    async def history(self, listen: Listener) -> RawSocket:
        """Connect somebody who receives every entry that there ever was."""
        ...


@dataclass(frozen=True, slots=True)
class FanOut:
    """What a burst of entries to many listeners came to."""

    listeners: int
    deliveries_per_s: float
    cpu_us_per_delivery: float


@dataclass(frozen=True, slots=True)
class Rate:
    """How many entries a second, and what one costs the server."""

    per_s: float
    cpu_us: float


@dataclass(frozen=True, slots=True)
class Latency:
    """From sending an entry to receiving it, over all listeners, milliseconds."""

    p50_ms: float
    p99_ms: float


async def fan_out(target: Target, listeners: int, messages: int, window: int = 64) -> FanOut:
    """Send entries to many listeners, `window` of them in flight; measure until everybody has everything."""
    everybody = _Everybody(listeners * messages)
    async with _listening(target, [everybody.came] * listeners):
        cpu, began = cpu_s(target.pid), time.perf_counter()
        await _burst(target, messages, window, talkers=1)
        await everybody.has_everything()
        took, cpu = time.perf_counter() - began, cpu_s(target.pid) - cpu
    deliveries = listeners * messages
    return FanOut(listeners, deliveries / took, cpu / deliveries * 1e6)


async def many_rooms(rooms: Sequence[Target], listeners: int, messages: int, window: int = 8) -> FanOut:
    """Send so many entries into each room of one server, all rooms at once, each with its own listeners."""
    deliveries = len(rooms) * listeners * messages
    everybody = _Everybody(deliveries)
    async with contextlib.AsyncExitStack() as all_rooms:
        for room in rooms:
            await all_rooms.enter_async_context(_listening(room, [everybody.came] * listeners))
        cpu, began = cpu_s(rooms[0].pid), time.perf_counter()
        await asyncio.gather(*(_burst(room, messages, window, talkers=1) for room in rooms))
        await everybody.has_everything()
        took, cpu = time.perf_counter() - began, cpu_s(rooms[0].pid) - cpu
    return FanOut(listeners, deliveries / took, cpu / deliveries * 1e6)


async def accepted(target: Target, messages: int, talkers: int = 4, window: int = 64) -> Rate:
    """Send entries that nobody listens to; measure how many a second become durable."""
    cpu, began = cpu_s(target.pid), time.perf_counter()
    await _burst(target, messages, window, talkers)
    took, cpu = time.perf_counter() - began, cpu_s(target.pid) - cpu
    return Rate(messages / took, cpu / messages * 1e6)


async def history(target: Target, messages: int) -> Rate:
    """Read so many entries of the past; measure how many a second come."""
    everybody = _Everybody(messages)
    cpu, began = cpu_s(target.pid), time.perf_counter()
    socket = await target.history(Listener(everybody.came))
    await everybody.has_everything()
    took, cpu = time.perf_counter() - began, cpu_s(target.pid) - cpu
    socket.close()
    return Rate(messages / took, cpu / messages * 1e6)


async def keep_busy(target: Target, listeners: int, per_s: float, look: Callable[[], bool]) -> None:
    """Send entries at a steady rate to listeners, until `look`, asked each second, says that it is enough."""
    async with _listening(target, [_unheard] * listeners):
        talker = await target.talker(lambda _count: None)
        number, began = 0, time.perf_counter()
        while True:
            if number % round(per_s) == 0 and look():
                break
            talker.send(number)
            number += 1
            await asyncio.sleep(max(0.0, began + number / per_s - time.perf_counter()))
        talker.close()


def _unheard(_count: int, _last: int) -> None:
    """Nobody counts."""


async def steady(target: Target, listeners: int, per_s: float, messages: int) -> Latency:
    """Send entries at a steady rate; measure how long each takes to each listener."""
    sent: list[float] = []
    taken: list[float] = []
    everybody = _Everybody(listeners * messages)

    def came(count: int, last: int) -> None:
        now = time.perf_counter()
        taken.extend((now - sent[number]) * 1000 for number in range(last - count + 1, last + 1))
        everybody.came(count, last)

    async with _listening(target, [came] * listeners):
        talker = await target.talker(lambda _count: None)
        for number in range(messages):
            sent.append(time.perf_counter())
            talker.send(number)
            await asyncio.sleep(1 / per_s)
        await everybody.has_everything()
        talker.close()
    return Latency(percentile(taken, 50), percentile(taken, 99))


class _Everybody:
    """Counts what all listeners together have received."""

    def __init__(self, wanted: int) -> None:
        self._missing = wanted
        self._done = asyncio.Event()

    def came(self, count: int, _last: int) -> None:
        self._missing -= count
        if self._missing <= 0:
            self._done.set()

    async def has_everything(self) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._done.wait()
        except TimeoutError as error:
            raise TimeoutError(f"{self._missing} deliveries never came") from error


async def _burst(target: Target, messages: int, window: int, talkers: int) -> None:
    """Send numbered entries over some connections, each with a window in flight, until all are accepted."""
    senders = [_Sender(range(index, messages, talkers), window) for index in range(talkers)]
    for sender in senders:
        sender.talker = await target.talker(sender.accepted)
    for sender in senders:
        sender.fill()
    async with asyncio.timeout(_PATIENCE_S):
        await asyncio.gather(*(sender.done.wait() for sender in senders))
    for sender in senders:
        if sender.talker is not None:
            sender.talker.close()


class _Sender:
    """Keeps a window of entries in flight on one connection."""

    def __init__(self, numbers: range, window: int) -> None:
        self.talker: Talker | None = None
        self.done = asyncio.Event()
        self._numbers = iter(numbers)
        self._missing = len(numbers)
        self._free = window

    def accepted(self, count: int) -> None:
        self._missing -= count
        self._free += count
        if self._missing <= 0:
            self.done.set()
        else:
            self.fill()

    def fill(self) -> None:
        if self.talker is None:
            raise RuntimeError("nobody to talk to")
        while self._free > 0:
            number = next(self._numbers, None)
            if number is None:
                return
            self._free -= 1
            self.talker.send(number)


@contextlib.asynccontextmanager
async def _listening(target: Target, each: list[Came]) -> AsyncGenerator[None]:
    sockets = [await target.listener(Listener(came)) for came in each]
    alive = asyncio.create_task(_stay_alive(sockets))
    try:
        yield
    finally:
        alive.cancel()
        for socket in sockets:
            socket.close()


async def _stay_alive(sockets: list[RawSocket]) -> None:
    """Listeners read no pings; they show unasked that they live."""
    while True:
        await asyncio.sleep(_PONG_S)
        for socket in sockets:
            socket.pong()

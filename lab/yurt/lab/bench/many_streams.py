"""Scenes with many streams: a hundred busy rooms, ten thousand idle streams, memory over ten minutes."""

import asyncio
import time
from dataclasses import replace
from typing import Final

from yurt.lab.bench import furnish, load
from yurt.lab.bench.bare_target import Bare
from yurt.lab.bench.figures import Book
from yurt.lab.bench.load import Target
from yurt.lab.bench.machine import cpu_s, pin, rss_mb
from yurt.lab.bench.node_target import NAME, Node
from yurt.lab.bench.raw_socket import Listener, RawSocket
from yurt.lab.bench.setting import LOAD_CORE, SERVER_CORE, Setting
from yurt.lab.world.network import Network, free_endpoints

ROOMS: Final = 100
MEMBERS: Final = 15
STREAMS: Final = 10_000
_MORE_CONNECTIONS: Final = 12_000
_WARM_UP: Final = 4
_AT_ONCE: Final = 50
_PONG_S: Final = 12.0
"""Sooner than a server asks, so that it never does."""
_IDLE_S: Final = 10.0
_SETTLE_S: Final = 3.0
FLAT_S: Final = 600.0
FLAT_LISTENERS: Final = 50
_FLAT_PER_S: Final = 200
_LOOKS: Final = 4


async def measure_rooms(setting: Setting, book: Book) -> None:
    """A hundred rooms of fifteen, an author in each, all at once."""
    folder, messages = setting.folder / "rooms", setting.less(200)
    bare = await Bare.start(free_endpoints(["bare.example"])["bare.example"], folder)
    try:
        node, rooms = await Node.start_with_rooms(
            Network.make(folder / "network", [NAME]), folder, ROOMS, MEMBERS
        )
        try:
            pin(0, LOAD_CORE)
            pin(bare.pid, SERVER_CORE)
            pin(node.pid, SERVER_CORE)
            bare_rooms = [replace(bare, room=number) for number in range(1, ROOMS + 1)]
            await load.many_rooms(rooms, MEMBERS, _WARM_UP)  # reads each room's people from the disk once
            for _ in range(setting.times):
                of_bare = await load.many_rooms(bare_rooms, MEMBERS, messages)
                of_node = await load.many_rooms(rooms, MEMBERS, messages)
                book.note("rooms", of_node.deliveries_per_s, of_bare.deliveries_per_s)
                book.note("rooms-cpu", of_node.cpu_us_per_delivery, of_bare.cpu_us_per_delivery)
        finally:
            await node.process.close()
    finally:
        await bare.stop()


async def measure_idle(setting: Setting, book: Book) -> None:
    """Ten thousand streams that wait for something to happen."""
    folder, count = setting.folder / "idle", setting.less(STREAMS)
    node = await Node.start(Network.make(folder / "network", [NAME]), folder, 0)
    try:
        await node.process.stop()
        furnish.allow_connections(node.process.data, _MORE_CONNECTIONS)
        readers = furnish.add_readers(node.process.data, "ana", [node.room], count)
        await node.process.start()
        node.ears = readers[0]
        bare = await Bare.start(free_endpoints(["bare.example"])["bare.example"], folder)
        try:
            pin(0, LOAD_CORE)
            for server in (bare, node):
                pin(server.pid, SERVER_CORE)
            opened, kib, cpu = await _idle(node, count)
            _, bare_kib, bare_cpu = await _idle(bare, count)
        finally:
            await bare.stop()
        book.note("streams", opened)
        book.note("stream-memory", kib, bare_kib)
        book.note("streams-cpu", cpu, bare_cpu)
    finally:
        await node.process.close()


async def _idle(server: Target, count: int) -> tuple[int, float, float]:
    """Open streams and leave them; how many live, KiB of each, and percent of a core for all."""
    before, places, sockets = rss_mb(server.pid), asyncio.Semaphore(_AT_ONCE), list[RawSocket]()

    async def one() -> None:
        async with places:
            sockets.append(await server.listener(Listener(lambda _count, _last: None)))

    pongs = asyncio.create_task(_pongs(sockets))
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(one())
        await asyncio.sleep(_SETTLE_S)
        kib = (rss_mb(server.pid) - before) * 1024 / count
        used = cpu_s(server.pid)
        await asyncio.sleep(_IDLE_S)
        used = cpu_s(server.pid) - used
        return sum(not socket.lost for socket in sockets), kib, used / _IDLE_S * 100
    finally:
        pongs.cancel()
        for socket in sockets:
            socket.close()


async def _pongs(sockets: list[RawSocket]) -> None:
    """Each stream shows now and then that it lives, and not all of them at once."""
    while True:
        parts = 60
        for part in range(parts):
            await asyncio.sleep(_PONG_S / parts)
            for socket in sockets[part::parts]:
                socket.pong()


async def measure_flat(setting: Setting, book: Book) -> None:
    """A steady load over ten minutes: what is used after the first quarter must be enough for ever."""
    book.quick, folder = not setting.full, setting.folder / "flat"
    lasts = FLAT_S if setting.full else FLAT_S / 20 if setting.quick else FLAT_S / 6
    node = await Node.start(Network.make(folder / "network", [NAME]), folder, FLAT_LISTENERS)
    try:
        pin(0, LOAD_CORE)
        pin(node.pid, SERVER_CORE)
        memory: list[float] = []
        began = time.monotonic()

        def look() -> bool:
            passed = time.monotonic() - began
            if passed >= lasts * (len(memory) + 1) / _LOOKS:
                memory.append(rss_mb(node.pid))
            return passed >= lasts

        await load.keep_busy(node, FLAT_LISTENERS, _FLAT_PER_S, look)
        book.note("flat", memory[-1] - memory[0])
        book.note("flat-rate", _FLAT_PER_S)
    finally:
        await node.process.close()

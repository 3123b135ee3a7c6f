"""`python -m yurt.lab.bench.two_nodes`: a room over two real nodes, both on one core, TLS everywhere.

How long an entry takes from a person of the hub to people of the other node; how many a second go over; what
an entry costs on the disk; how long a client needs to catch up real messages; and how fast everything arrives
when the hub comes back. The load and the listeners have the other core.
"""

import asyncio
import contextlib
import os
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

from yurt.client.paths import load_network
from yurt.client.stream import Stream
from yurt.lab.bench.bare_target import BODY_SIZE
from yurt.lab.bench.crowd import gather_crowd, names_of
from yurt.lab.bench.machine import percentile, pin
from yurt.lab.bench.raw_socket import marked
from yurt.lab.world.people import Person, follow, meet, sign_in, until
from yurt.lab.world.process import NodeProcess
from yurt.lab.world.world import HARBOUR, HILLTOP, World
from yurt.mls.framed_content import ContentType
from yurt.mls.framing import MLSMessage, PrivateMessage
from yurt.wire.frames import Entries, Subscribe, room_log
from yurt.wire.network_map import NetworkMap
from yurt.wire.position import Position
from yurt.wire.problems import ProblemError
from yurt.wire.registry import EntryKind
from yurt.wire.room_commands import Append, Appended

CROWD: Final = 48
"""People of the other node, beside Ana and Bo."""
RATE: Final = 20
STEADY: Final = 200
BURST: Final = 4_000
WINDOW: Final = 64
CATCH_UP: Final = 2_000
AWAY: Final = 100
_PATIENCE_S: Final = 180.0


@dataclass(slots=True)
class Over:
    """A room over both nodes, and how to write into it as nobody can read."""

    room: bytes
    epoch: int
    head: Position
    token: str = field(repr=False)
    ears: list[str] = field(repr=False)
    network: NetworkMap

    def entry(self, number: int) -> bytes:
        """A real PrivateMessage to every node, whose ciphertext opens for nobody."""
        message = PrivateMessage(
            self.room, self.epoch, ContentType.APPLICATION, bytes(2), os.urandom(28), b""
        )
        body = marked(number, BODY_SIZE - len(MLSMessage(message).encode()))
        return MLSMessage(replace(message, ciphertext=body)).encode()

    async def append(self, stream: Stream, number: int) -> Position:
        """Append one entry; returns where it stands."""
        command = Append(room=self.room, kind=EntryKind.MESSAGE, entry=self.entry(number))
        return (await stream.call(command, Appended)).position


async def main() -> None:
    """Measure."""
    with tempfile.TemporaryDirectory(prefix="yurt-bench-") as name:
        async with World.open(Path(name)) as world:
            pin(0, 1)
            for node in world.nodes.values():
                pin(node.pid, 0)
            ana, bo = await world.person("ana", HARBOUR), await world.person("bo", HILLTOP)
            await follow(bo, ana)
            await _messages(world, ana, bo)
            await _entries(world, ana)


async def _messages(world: World, ana: Person, bo: Person) -> None:
    """Real messages between real engines."""
    room = await meet(ana, bo, name="bench")
    await bo.engine.send(room, "here", wait="accepted")
    await ana.reads(room, "here")
    await bo.close()
    for number in range(CATCH_UP):
        await ana.engine.send(room, f"message {number}")
    await ana.engine.sync(_PATIENCE_S)
    await bo.reopen()
    began = time.perf_counter()
    await bo.reads(room, f"message {CATCH_UP - 1}", within=_PATIENCE_S)
    took = time.perf_counter() - began
    _line(f"a client catches up {CATCH_UP:,} messages", f"{took:.1f} s, {CATCH_UP / took:,.0f} /s")
    await world.nodes[HARBOUR].stop()
    for number in range(AWAY):
        await bo.engine.send(room, f"away {number}")
    await asyncio.sleep(5)
    await world.nodes[HARBOUR].start()
    pin(world.nodes[HARBOUR].pid, 0)
    began = time.perf_counter()
    await ana.reads(room, f"away {AWAY - 1}", within=_PATIENCE_S)
    _line(f"hub back: {AWAY} messages that waited are read", f"{time.perf_counter() - began:.1f} s")


async def _entries(world: World, ana: Person) -> None:
    """Entries that nobody decrypts, so that nodes are measured."""
    over = await _room(world, ana)
    talker = await Stream.open(HARBOUR, over.network)
    await talker.hello(over.token)
    _line("20 msg/s to 50 people, hub to the other node", await _steady(over, talker))
    before, size = _disk(world.nodes[HARBOUR]), len(over.entry(0))
    _line("messages/s over both nodes", f"{await _burst(over, talker):,.0f} /s")
    each = (_disk(world.nodes[HARBOUR]) - before) / BURST
    _line("disk at the hub, a message", f"{each:.0f} B, of them {size} B the entry")
    await talker.close()


async def _room(world: World, ana: Person) -> Over:
    invite = await world.nodes[HILLTOP].invite(uses=CROWD)
    map_file = await world.map_of("crowd")
    network = load_network(map_file)
    if network is None:
        raise RuntimeError("there is no network map")
    ears = await gather_crowd(CROWD, invite, ana.address, network)
    room = (await ana.engine.create_room("crowd")).room
    for address in names_of(CROWD, HILLTOP):
        await until(partial(_invited, ana, room, address), f"{address} is added", within=_PATIENCE_S)
    await ana.engine.send(room, "first", wait="accepted")
    view = next(view for view in await ana.engine.rooms() if view.room == room)
    device_id = (await ana.engine.status()).device_id
    await ana.close()
    token = await sign_in(world.nodes[HARBOUR], "ana", device_id)
    return Over(room, view.epoch, view.position, token, ears, network)


async def _invited(ana: Person, room: bytes, address: str) -> bool:
    try:
        return (await ana.engine.invite(room, address)).state in ("invited", "participant")
    except ProblemError as error:
        if error.problem.code != "tooMany":
            raise
        await asyncio.sleep(error.problem.retry_after or 1.0)
        return False


async def _listen(over: Over, token: str, came: "asyncio.Queue[tuple[int, float]]") -> asyncio.Task[None]:
    stream = await Stream.open(HILLTOP, over.network)
    await stream.hello(token)
    await stream.send(Subscribe(room_log(over.room), over.head))
    live = asyncio.Event()

    async def hear() -> None:
        try:
            async for frame in stream.events():
                if isinstance(frame, Entries):
                    now = time.perf_counter()
                    live.set()
                    for row in frame.rows:
                        came.put_nowait((row.position.seq, now))
        finally:
            await stream.close()

    task = asyncio.create_task(hear())
    await live.wait()
    return task


async def _steady(over: Over, talker: Stream) -> str:
    came = asyncio.Queue[tuple[int, float]]()
    ears = [await _listen(over, token, came) for token in over.ears]
    sent: dict[int, float] = {}
    calls: list[asyncio.Task[None]] = []

    async def one(number: int) -> None:
        began = time.perf_counter()
        position = await over.append(talker, number)
        sent[position.seq], over.head = began, max(over.head, position)

    for number in range(STEADY):
        calls.append(asyncio.create_task(one(number)))
        await asyncio.sleep(1 / RATE)
    await asyncio.gather(*calls)
    heard = [await came.get() for _ in range(STEADY * len(ears))]
    for ear in ears:
        ear.cancel()
    await asyncio.gather(*ears, return_exceptions=True)
    taken = [(now - sent[seq]) * 1000 for seq, now in heard]
    return f"p50 {percentile(taken, 50):.1f} ms, p99 {percentile(taken, 99):.1f} ms"


async def _burst(over: Over, talker: Stream) -> float:
    came = asyncio.Queue[tuple[int, float]]()
    ear = await _listen(over, over.ears[0], came)
    numbers = iter(range(BURST))

    async def sender() -> None:
        for number in numbers:
            await over.append(talker, number)

    began = time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(WINDOW)))
    async with asyncio.timeout(_PATIENCE_S):
        for _ in range(BURST):
            await came.get()
    took = time.perf_counter() - began
    ear.cancel()
    await asyncio.gather(ear, return_exceptions=True)
    return BURST / took


def _disk(node: NodeProcess) -> int:
    """Bytes that a node's database takes, its log of changes folded in."""
    (file,) = node.data.glob("*.db")
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as base:
        pages, free = (base.execute(f"PRAGMA {what}").fetchone() for what in ("page_count", "freelist_count"))
        (size,) = base.execute("PRAGMA page_size").fetchone()
    return int(pages[0] - free[0]) * int(size)


def _line(what: str, figure: str) -> None:
    print(f"  {what:<50} {figure}", flush=True)


if __name__ == "__main__":
    if sys.platform != "linux":
        sys.exit("the benchmark reads /proc: it runs on Linux only")
    import uvloop

    uvloop.run(main())

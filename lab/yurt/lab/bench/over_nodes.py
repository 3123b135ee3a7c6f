"""Scene: a room over two real nodes, both on one core, TLS everywhere; entries that nobody decrypts.

How long an entry takes from a person of the hub to fifty people of the other node, how many a second go over,
and what one takes on the disk. The load and the listeners (`ears`) have the other core.
"""

import asyncio
import contextlib
import os
import sqlite3
import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from yurt.client.network import endpoint_of, trust_of
from yurt.client.paths import load_network
from yurt.client.stream import Stream
from yurt.lab.bench.bare_target import BODY_SIZE
from yurt.lab.bench.crowd import gather_crowd, names_of
from yurt.lab.bench.ears import Ear, Place
from yurt.lab.bench.figures import Book
from yurt.lab.bench.machine import cpu_s, percentile, pin
from yurt.lab.bench.raw_socket import Listener, RawSocket, marked
from yurt.lab.bench.setting import LOAD_CORE, SERVER_CORE, Setting
from yurt.lab.world.people import Person, sign_in, until
from yurt.lab.world.process import NodeProcess
from yurt.lab.world.world import HARBOUR, HILLTOP, World
from yurt.mls.framed_content import ContentType
from yurt.mls.framing import MLSMessage, PrivateMessage
from yurt.wire.network_map import NetworkMap
from yurt.wire.position import Position
from yurt.wire.problems import ProblemError
from yurt.wire.registry import EntryKind
from yurt.wire.room_commands import Append, Appended

CROWD: Final = 50
"""People of the other node."""
RATE: Final = 20
STEADY: Final = 200
BURST: Final = 4_000
WINDOW: Final = 64
_PATIENCE_S: Final = 300.0


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


async def measure(setting: Setting, book: Book) -> None:
    """Measure what is wanted."""
    async with World.open(setting.folder / "world") as world:
        pin(0, LOAD_CORE)
        for node in world.nodes.values():
            pin(node.pid, SERVER_CORE)
        ana = await world.person("ana", HARBOUR)
        over = await crowded_room(world, ana, CROWD // 5 if setting.quick else CROWD)
        talker = await Stream.open(HARBOUR, over.network)
        await talker.hello(over.token)
        try:
            for _ in range(setting.times):
                if setting.wants("over-p50", "over-p99"):
                    await _steady(over, talker, setting.less(STEADY), book)
                if setting.wants("over-rate", "over-cpu", "over-disk"):
                    await _burst(over, talker, world, setting.less(BURST), book)
        finally:
            await talker.close()


async def crowded_room(world: World, ana: Person, count: int) -> Over:
    """Open a room of Ana's with that many people of the other node; Ana's engine is let go."""
    room, ears, network = await gather_into_room(world, ana, count)
    view = next(view for view in await ana.engine.rooms() if view.room == room)
    device_id = (await ana.engine.status()).device_id
    await ana.close()
    token = await sign_in(world.nodes[HARBOUR], "ana", device_id)
    return Over(room, view.epoch, view.position, token, ears, network)


async def gather_into_room(world: World, ana: Person, count: int) -> tuple[bytes, list[str], NetworkMap]:
    """Let people join the other node and follow Ana, and add them to a new room at the pace that nodes allow.

    Returns:
        The room, the people's tokens, and their network map.
    """
    network = load_network(await world.map_of("crowd"))
    if network is None:
        raise RuntimeError("there is no network map")
    invite = await world.nodes[HILLTOP].invite(uses=count)
    tokens = await gather_crowd(count, invite, ana.address, network)
    room = (await ana.engine.create_room("crowd")).room
    for address in names_of(count, HILLTOP):
        await until(partial(invited, ana, room, address), f"{address} is added", within=_PATIENCE_S)
    await ana.engine.send(room, "first", wait="accepted")
    return room, tokens, network


async def invited(ana: Person, room: bytes, address: str) -> bool:
    """Invite somebody; not yet if that is too often, or if their Follow is still on its way."""
    try:
        return (await ana.engine.invite(room, address)).state in ("invited", "participant")
    except ProblemError as error:
        if error.problem.code != "tooMany":
            raise
        await asyncio.sleep(error.problem.retry_after or 1.0)
        return False


@dataclass(slots=True)
class _Heard:
    """What came to everybody who listens."""

    left: int
    """Deliveries that are still to come."""
    all: asyncio.Event = field(default_factory=asyncio.Event)
    times: list[tuple[int, float]] = field(default_factory=list[tuple[int, float]])
    """Number of an entry, and when somebody got it."""

    def came(self, count: int, last: int) -> None:
        """Somebody got entries up to a number."""
        now = time.perf_counter()
        self.times += [(number, now) for number in range(last - count + 1, last + 1)]
        self.left -= count
        if self.left <= 0:
            self.all.set()


async def _listen(over: Over, count: int, heard: _Heard) -> list[RawSocket]:
    """Let so many people of the other node listen."""
    place = Place(HILLTOP, endpoint_of(HILLTOP, over.network), trust_of(HILLTOP, over.network))
    ears = [Ear(place, token, over.room, over.head) for token in over.ears[:count]]
    return [await ear.listen(Listener(heard.came)) for ear in ears]


async def _steady(over: Over, talker: Stream, messages: int, book: Book) -> None:
    """A message now and then, as people talk."""
    heard = _Heard(messages * len(over.ears))
    ears = await _listen(over, len(over.ears), heard)
    sent: list[float] = []
    calls: list[asyncio.Task[None]] = []

    async def one(number: int) -> None:
        over.head = max(over.head, await over.append(talker, number))

    for number in range(messages):
        sent.append(time.perf_counter())
        calls.append(asyncio.create_task(one(number)))
        await asyncio.sleep(1 / RATE)
    await asyncio.gather(*calls)
    async with asyncio.timeout(_PATIENCE_S):
        await heard.all.wait()
    _close(ears)
    taken = [(now - sent[number]) * 1000 for number, now in heard.times]
    book.note("over-p50", percentile(taken, 50))
    book.note("over-p99", percentile(taken, 99))


async def _burst(over: Over, talker: Stream, world: World, messages: int, book: Book) -> None:
    """As many as go over."""
    hub = world.nodes[HARBOUR]
    heard, numbers = _Heard(messages), iter(range(messages))
    ears = await _listen(over, 1, heard)

    async def sender() -> None:
        for number in numbers:
            over.head = max(over.head, await over.append(talker, number))

    disk, used, began = _disk(hub), _cpu(world), time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(WINDOW)))
    async with asyncio.timeout(_PATIENCE_S):
        await heard.all.wait()
    took = time.perf_counter() - began
    _close(ears)
    book.note("over-rate", messages / took)
    book.note("over-cpu", (_cpu(world) - used) / messages * 1e6)
    book.note("over-disk", (_disk(hub) - disk) / messages - len(over.entry(0)))


def _close(ears: list[RawSocket]) -> None:
    for ear in ears:
        ear.close()


def _cpu(world: World) -> float:
    return sum(cpu_s(node.pid) for node in world.nodes.values())


def _disk(node: NodeProcess) -> int:
    """Bytes that a node's database takes, its log of changes folded in."""
    (file,) = node.data.glob("*.db")
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as base:
        pages, free = (base.execute(f"PRAGMA {what}").fetchone() for what in ("page_count", "freelist_count"))
        (size,) = base.execute("PRAGMA page_size").fetchone()
    return int(pages[0] - free[0]) * int(size)

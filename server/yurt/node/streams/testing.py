"""For tests of streams: a node with nothing but streams on a real socket, and a client that reads frames.

async with streams_only(folder) as node:
    client = await node.connect()
    await client.hello("ana-token")
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec
from aiohttp import web

from yurt.node.bus import Bus, Poll
from yurt.node.dispatcher import Caller, Context, Dispatcher
from yurt.node.store import logs, rooms
from yurt.node.store.sqlite import SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.store.types import StoreBroken, Tx
from yurt.node.streams.door import STREAM_PATH, StreamDoor
from yurt.node.streams.fanout import Fanout, Publisher
from yurt.node.streams.stream import Parts
from yurt.node.streams.tail import Tail
from yurt.node.testing_clock import SetClock
from yurt.wire.account_commands import Logout
from yurt.wire.command import Answer, Done
from yurt.wire.frames import Call, ClientHello, Entries, Frame, NodeFrame, NodeHello, Subscribe, room_log
from yurt.wire.position import START, LogRow, Position
from yurt.wire.problems import refuse
from yurt.wire.registry import EntryKind

ROOM: Final = bytes(range(32))
ANA: Final = Caller("ana", "https://harbour.example/users/ana", "did:key:zAna", b"A" * 16)
BO: Final = Caller("bo", "https://harbour.example/users/bo", "did:key:zBo", b"B" * 16)
TOKENS: Final = {"ana-token": ANA, "bo-token": BO}


class Tokens:
    """Knows two tokens, until they are revoked."""

    def __init__(self) -> None:
        self.known = dict(TOKENS)
        self.asked: list[set[str]] = []
        """What was looked at again together."""
        self.broken = False

    async def authenticate(self, token: str) -> Caller:
        """Say whose token it is."""
        if token not in self.known:
            raise refuse("notSignedIn", "sign in first: this token is not known")
        return self.known[token]

    async def ended(self, shown: Mapping[str, Caller]) -> dict[str, str]:
        """Say which are not known any more."""
        self.asked.append(set(shown))
        if self.broken:
            raise StoreBroken("the disk is gone")
        return {token: "notSignedIn" for token in shown if token not in self.known}


async def logout(context: Context, command: Logout) -> Answer:  # noqa: ARG001  # the handlers' shape
    """Do nothing; the one command that this node knows."""
    return Done()


@dataclass
class Client:
    """The other end of a stream: reads frames until it has what a story needs."""

    ws: aiohttp.ClientWebSocketResponse
    seen: list[Frame] = field(default_factory=list[Frame])

    async def send(self, frame: Frame) -> None:
        """Send a frame."""
        await self.ws.send_bytes(msgspec.msgpack.encode(frame))

    async def receive(self) -> NodeFrame:
        """Wait for the next frame."""
        frame: NodeFrame = msgspec.msgpack.decode(await self.ws.receive_bytes(), type=NodeFrame)
        self.seen.append(frame)
        return frame

    async def hello(self, token: str = "") -> NodeHello:
        """Say hello; return the node's answer."""
        await self.send(ClientHello((1,), token=token))
        answer = await self.receive()
        if not isinstance(answer, NodeHello):
            raise TypeError(answer)
        return answer

    async def subscribe(self, log: str, after: Position = START) -> None:
        """Ask for a log."""
        await self.send(Subscribe(log, after))

    async def call(self, number: int, command: str, args: object) -> NodeFrame:
        """Call a command; return the next frame, which answers it when no log is subscribed."""
        await self.send(Call(number, command, msgspec.Raw(msgspec.msgpack.encode(args))))
        return await self.receive()

    def stop_reading(self) -> None:
        """Take nothing more from the socket."""
        self._transport().pause_reading()

    def read_on(self) -> None:
        """Take from the socket again."""
        self._transport().resume_reading()

    def _transport(self) -> asyncio.Transport:
        """The socket's transport; aiohttp has no public way to it."""
        connection: Any = getattr(self.ws, "_conn", None)
        transport: asyncio.Transport = connection.transport
        return transport

    async def rows_until(self, head: Position) -> list[LogRow]:
        """Every row that arrives, up to and with a position."""
        rows: list[LogRow] = []
        while not rows or rows[-1].position < head:
            frame = await self.receive()
            if not isinstance(frame, Entries):
                raise TypeError(frame)
            rows += frame.rows
        return rows


@dataclass
class Node:
    """The node's side."""

    store: SqliteStore
    bus: Bus
    poll: Poll
    door: StreamDoor
    fanout: Fanout
    tail: Tail
    tokens: Tokens
    connect: Callable[[], Awaitable[Client]]

    async def emptied(self) -> None:
        """Wait until no stream is open any more."""
        for _ in range(1000):
            if not len(self.door):
                return
            await asyncio.sleep(0.01)
        raise TimeoutError("a stream is still open")

    async def append(self, *texts: str, kind: EntryKind = EntryKind.MESSAGE) -> list[LogRow]:
        """Put rows into ROOM's log."""

        def unit(tx: Tx) -> list[LogRow]:
            head = logs.head(tx, room_log(ROOM))
            rows = [message(head.seq + n + 1, text, kind) for n, text in enumerate(texts)]
            logs.append(tx, room_log(ROOM), head, rows)
            return rows

        return await self.store.write(unit)

    async def let_in(self, caller: Caller, start: Position) -> None:
        """Let a device read ROOM after a position."""
        await self.store.write(
            lambda tx: rooms.open_windows(tx, ROOM, [(caller.did, caller.device_id)], start)
        )

    async def put_out(self, caller: Caller, *texts: str) -> LogRow:
        """Remove a device by a commit, with its removal in the same unit; texts follow in that commit."""

        def unit(tx: Tx) -> LogRow:
            head = logs.head(tx, room_log(ROOM))
            commit = message(head.seq + 1, "removal", EntryKind.COMMIT)
            rest = [message(head.seq + n + 2, text) for n, text in enumerate(texts)]
            logs.append(tx, room_log(ROOM), head, [commit, *rest])
            rooms.close_windows(tx, ROOM, [(caller.did, caller.device_id)], commit.position)
            return commit

        return await self.store.write(unit)


def message(seq: int, text: str, kind: EntryKind = EntryKind.MESSAGE) -> LogRow:
    """A row of ROOM's log."""
    body = text.encode()
    return LogRow(Position(1, seq), kind, 1_700_000_000_000 + seq, hashlib.sha256(body).digest(), body)


@asynccontextmanager
async def streams_only(folder: Path, bus: Bus) -> AsyncGenerator[Node]:
    """Run the node; everything is closed at the end."""
    tail = Tail()
    store = await SqliteStore.open(folder / "node.db", STEPS, Publisher(bus, tail))
    await store.write(lambda tx: rooms.insert(tx, rooms.StoredRoom(ROOM, "harbour.example", 0, b"")))
    fanout = Fanout(store, bus, tail)
    poll = Poll(store, bus)
    await poll.start()
    tokens = Tokens()
    dispatcher = Dispatcher({"logout": logout})
    door = StreamDoor(Parts("harbour.example", store, dispatcher, tokens, fanout, SetClock()))
    app = web.Application()
    app.add_routes(door.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())

        async def connect() -> Client:
            url = f"http://127.0.0.1:{port}{STREAM_PATH}"
            return Client(await stack.enter_async_context(session.ws_connect(url)))

        yield Node(store, bus, poll, door, fanout, tail, tokens, connect)
        await door.stop()
    await runner.cleanup()
    fanout.close()
    await poll.stop()
    await store.close()

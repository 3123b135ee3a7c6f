"""Frames leave whole, together, and by either way alike."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from typing_extensions import override

from yurt.node.streams.raw_write import Cork, RawOutlet, SendOutlet, framed, open_outlet, payload_of

SIZES = (0, 1, 125, 126, 127, 65_535, 65_536, 200_000)


class Pipe(asyncio.WriteTransport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    @override
    def is_closing(self) -> bool:
        return False

    @override
    def get_write_buffer_size(self) -> int:
        return sum(map(len, self.writes))


@asynccontextmanager
async def served(raw: bool) -> AsyncGenerator[aiohttp.ClientWebSocketResponse]:  # noqa: FBT001  # parametrized
    """A WebSocket whose server sends a frame of each size, and then closes."""

    async def handle(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        outlet = open_outlet(request, ws, Cork()) if raw else SendOutlet(ws)
        assert isinstance(outlet, RawOutlet if raw else SendOutlet)
        for size in SIZES:
            outlet.put(framed(bytes(size)))
        await ws.receive()
        await ws.close()
        return ws

    app = web.Application()
    app.router.add_get("/", handle)
    async with (
        TestServer(app) as server,
        aiohttp.ClientSession() as session,
        session.ws_connect(server.make_url("/"), max_msg_size=0) as ws,
    ):
        yield ws


@pytest.mark.parametrize("raw", [True, False])
async def test_every_size_arrives_by_both_ways(raw: bool) -> None:  # noqa: FBT001  # parametrized
    """The frame's three kinds of length are read as they were meant."""
    async with served(raw) as ws:
        got = [len(await ws.receive_bytes()) for _ in SIZES]

    assert got == list(SIZES)


@pytest.mark.parametrize("size", SIZES)
def test_payload_is_found_again(size: int) -> None:
    """The way without a transport sends the same payload."""
    payload = bytes([7]) * size

    assert payload_of(framed(payload)) == payload


async def test_one_iteration_is_one_write() -> None:
    """What is put in one go leaves as one write, in order."""
    pipe = Pipe()
    outlet = RawOutlet(pipe, Cork())

    for number in range(5):
        outlet.put(framed(bytes([number])))
    before = list(pipe.writes)
    await asyncio.sleep(0)

    assert before == []
    assert pipe.writes == [b"".join(framed(bytes([number])) for number in range(5))]


async def test_closed_outlet_writes_the_rest_and_no_more() -> None:
    """Closing loses nothing that was put, and takes nothing new."""
    pipe = Pipe()
    outlet = RawOutlet(pipe, Cork())
    outlet.put(b"before")

    outlet.close()
    outlet.put(b"after")
    await asyncio.sleep(0)

    assert pipe.writes == [b"before"]

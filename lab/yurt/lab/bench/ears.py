"""Who listens to a room of a real node and costs next to nothing, so that the figures are the node's.

Fifty people have fifty machines; here one process is all of them, and what each of their clients would do
with an entry is not to stand in the time that the fiftieth of them waits.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from yurt.lab.bench.raw_socket import Frames, Listener, RawSocket
from yurt.wire.frames import (
    STREAM_VERSION,
    ClientHello,
    Entries,
    NodeFrame,
    NodeHello,
    ProblemFrame,
    Subscribe,
    room_log,
)
from yurt.wire.network_map import Endpoint
from yurt.wire.position import Position

STREAM_PATH: Final = "/api/v1/stream"
_encode = msgspec.msgpack.Encoder().encode
_frames = msgspec.msgpack.Decoder(NodeFrame)


class Unfit(RuntimeError):
    """The node refuses what the benchmark does; the figures would mean nothing."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node is, and how it proves that."""

    name: str
    endpoint: Endpoint
    tls: ssl.SSLContext | None = None
    """None: its listener is plain."""

    async def connect(self, received: Callable[[bytes], None]) -> RawSocket:
        """Open a stream to it."""
        return await RawSocket.connect(self.endpoint, self.name, STREAM_PATH, received, self.tls)


@dataclass(frozen=True, slots=True)
class Ear:
    """A device that reads a room."""

    place: Place
    token: str = field(repr=False)
    room: bytes
    after: Position
    """What stands before is not heard."""

    async def listen(self, listen: Listener, *, begin: bool = False) -> RawSocket:
        """Connect; return when the stream is live.

        Args:
            listen: Gets what comes.
            begin: From the first page on; else only what comes when the stream is live.

        Raises:
            Unfit: The node refuses it.
        """
        live = asyncio.get_running_loop().create_future()

        def greeted(payload: bytes) -> None:
            frame = _frames.decode(payload)
            if isinstance(frame, NodeHello):
                if begin:
                    socket.received = listen
                    live.set_result(None)
                socket.send(_encode(Subscribe(room_log(self.room), self.after)))
            elif isinstance(frame, Entries) and not live.done():
                live.set_result(None)
            elif isinstance(frame, ProblemFrame):
                live.set_exception(Unfit(frame.problem.message))

        socket = await self.place.connect(Frames(greeted))
        socket.send(_encode(ClientHello((STREAM_VERSION,), token=self.token)))
        await live
        socket.received = listen
        return socket

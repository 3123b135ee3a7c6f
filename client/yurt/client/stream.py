"""One open stream to the own node: hello, calls with their answers, and frames about logs.

The stream is the client's only way in (DESIGN 7). Answers find their callers by id; everything else is
handed out in order by ``events``. When the connection goes, every waiting call ends with `Disconnected`:
whether it was done is unknown, so every caller must be able to ask again.

    stream = await Stream.open("harbour.example", network)
    await stream.hello(token)
    answer = await stream.call(Resolve("bo@hilltop.example"), Person)
    async for frame in stream.events(): ...
"""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator
from itertools import count
from typing import Final, Self, TypeVar

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from yurt.client.errors import Disconnected
from yurt.client.network import endpoint_of, trust_of
from yurt.wire import limits
from yurt.wire.command import Answer, Command
from yurt.wire.errors import GateError
from yurt.wire.frames import (
    STREAM_VERSION,
    Bye,
    Call,
    CheckpointFrame,
    ClientFrame,
    ClientHello,
    Entries,
    Gap,
    NodeFrame,
    NodeHello,
    ProblemFrame,
    Result,
    Ring,
)
from yurt.wire.gate import decode_msgpack, decode_scanned_msgpack
from yurt.wire.network_map import NetworkMap
from yurt.wire.problems import Problem, ProblemError

STREAM_PATH: Final = "/api/v1/stream"
CONNECT_S: Final = 10.0
HELLO_S: Final = 10.0
CALL_S: Final = 60.0
_EVENTS: Final = 64
"""Frames that wait for the vault before the socket is no longer read: the node sees a slow reader."""

A = TypeVar("A", bound=Answer)
Event = Entries | Gap | Ring | CheckpointFrame | Bye | ProblemFrame
"""What the node says unasked; a ProblemFrame here belongs to no call."""


class Stream:
    """An open connection, from its first byte to its last."""

    def __init__(self, node: str, connection: ClientConnection) -> None:
        self.node = node
        self._connection = connection
        self._calls: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._hellos: asyncio.Queue[NodeHello | ProblemError | Disconnected] = asyncio.Queue()
        self._events: asyncio.Queue[Event | None] = asyncio.Queue(_EVENTS)
        self._ids = count(1)
        self._greeting = False
        self._reader = asyncio.create_task(self._read(), name=f"stream {node}")

    @classmethod
    async def open(cls, node: str, network: NetworkMap | None) -> Self:
        """Connect to a node.

        Raises:
            Disconnected: It cannot be reached, or its certificate is not believed.
        """
        endpoint = endpoint_of(node, network)
        try:
            connection = await connect(
                f"wss://{node}{STREAM_PATH}",
                host=endpoint.host,
                port=endpoint.port,
                ssl=trust_of(node, network),
                compression=None,  # ciphertext does not compress
                proxy=None,
                user_agent_header=None,
                open_timeout=CONNECT_S,
                close_timeout=2.0,
                max_size=limits.NODE_FRAME,
            )
        except (OSError, InvalidHandshake, InvalidURI, TimeoutError, ConnectionClosed) as error:
            raise Disconnected(
                f"cannot reach {node}: {_why(error)}; is the name right, and are you online?"
            ) from None
        return cls(node, connection)

    async def hello(self, token: str = "") -> NodeHello:
        """Say who is there; a second time, with a token, signs the open stream in.

        Raises:
            ProblemError: The node refuses the token or the version.
            Disconnected: It went away.
        """
        self._greeting = True
        try:
            await self._send(ClientHello((STREAM_VERSION,), token=token))
            async with asyncio.timeout(HELLO_S):
                answer = await self._hellos.get()
        except TimeoutError:
            raise Disconnected(f"{self.node} does not answer") from None
        finally:
            self._greeting = False
        if isinstance(answer, NodeHello):
            return answer
        raise answer

    async def call(self, command: Command, shape: type[A]) -> A:
        """Ask the node for something; `shape` is the command's answer.

        Raises:
            ProblemError: The node's refusal.
            Disconnected: It went away, or took too long: unknown whether it was done.
        """
        number = next(self._ids)
        answer = self._calls[number] = asyncio.get_running_loop().create_future()
        try:
            args = msgspec.Raw(msgspec.msgpack.encode(command))
            await self._send(Call(number, command.name, args))
            async with asyncio.timeout(CALL_S):
                value = await answer
        except TimeoutError:
            raise Disconnected(f"{self.node} does not answer") from None
        finally:
            self._calls.pop(number, None)
            if answer.done() and not answer.cancelled():
                answer.exception()  # where sending failed, nobody awaits it any more, and it is no news
        try:
            return decode_scanned_msgpack(value, shape)
        except GateError as error:
            raise _nonsense(self.node, error) from None

    async def send(self, frame: ClientFrame) -> None:
        """Send a frame that has no answer of its own.

        Raises:
            Disconnected: The stream is gone.
        """
        await self._send(frame)

    async def events(self) -> AsyncIterator[Event]:
        """Give what the node says unasked, in order, until the stream ends."""
        while (event := await self._events.get()) is not None:
            yield event

    async def close(self) -> None:
        """Close the stream."""
        await self._connection.close()
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)

    async def _send(self, frame: ClientFrame) -> None:
        try:
            await self._connection.send(msgspec.msgpack.encode(frame))
        except ConnectionClosed:
            raise Disconnected(f"the stream to {self.node} was closed") from None

    async def _read(self) -> None:
        try:
            async for message in self._connection:
                data = message.encode() if isinstance(message, str) else message
                frame: NodeFrame = decode_msgpack(data, NodeFrame, limit=limits.NODE_FRAME)
                await self._deliver(frame)
        except (GateError, ConnectionClosed):
            # Our own node talks nonsense, or is gone: both end this stream; the session opens another.
            await self._connection.close()
        finally:
            self._end()

    async def _deliver(self, frame: NodeFrame) -> None:
        match frame:
            case Result():
                self._settle(frame.id, frame.value)
            case ProblemFrame() if frame.id:
                self._settle(frame.id, ProblemError(frame.problem))
            case ProblemFrame() if self._greeting:
                self._hellos.put_nowait(ProblemError(frame.problem))
            case NodeHello():
                self._hellos.put_nowait(frame)
            case _:
                await self._events.put(frame)

    def _settle(self, number: int, outcome: msgspec.Raw | ProblemError) -> None:
        answer = self._calls.pop(number, None)
        if answer is None or answer.done():
            return  # its caller gave up
        if isinstance(outcome, ProblemError):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)

    def _end(self) -> None:
        """Wake everybody who waits."""
        gone = Disconnected(f"the stream to {self.node} was closed")
        for answer in self._calls.values():
            if not answer.done():
                answer.set_exception(gone)
        self._calls.clear()
        self._hellos.put_nowait(gone)
        while self._events.full():
            self._events.get_nowait()
        self._events.put_nowait(None)


def _why(error: Exception) -> str:
    """Say why there is no connection; the system's errors as the system says them, without numbers."""
    if isinstance(error, OSError) and error.errno and not isinstance(error, socket.gaierror | ssl.SSLError):
        return os.strerror(error.errno)
    told = error.strerror if isinstance(error, socket.gaierror) else str(error)
    return told or type(error).__name__


def _nonsense(node: str, error: GateError) -> ProblemError:
    return ProblemError(
        Problem("unsupported", f"{node} answered what this release does not understand: {error}")
    )

"""The one place that writes to a stream's transport directly: whole WebSocket frames, one write per batch.

Fan-out is bound by system calls, so a frame is built once with its header, shared by every receiver, and
all that one loop iteration has for a stream leaves in one `transport.write` (the *cork*). This uses only
public API (`request.transport`) and each write is whole frames, so aiohttp's own pings and its close frame
cannot come in between. Where no such transport is to be had, `SendOutlet` does the same by `send_bytes`::

    outlet = open_outlet(request, ws, cork)
    outlet.put(framed(payload))     # the same bytes object for all
"""

import asyncio
from typing import Final, Protocol

from aiohttp import web

HIGH_WATER: Final = 256 * 1024
"""Bytes that may wait for one stream; above it nothing more is queued."""
LOW_WATER: Final = 64 * 1024
"""A stream has drained when fewer bytes wait."""

# RFC 6455 5.2: FIN and the binary opcode; a server's frames carry no mask.
_BINARY: Final = b"\x82"
_SMALL: Final = 126
_MEDIUM: Final = 1 << 16


def framed(payload: bytes) -> bytes:
    """A binary WebSocket frame with this payload, as a server sends it (RFC 6455 5.2)."""
    size = len(payload)
    if size < _SMALL:
        return _BINARY + bytes((size,)) + payload
    if size < _MEDIUM:
        return _BINARY + b"\x7e" + size.to_bytes(2, "big") + payload
    return _BINARY + b"\x7f" + size.to_bytes(8, "big") + payload


def payload_of(frame: bytes) -> bytes:
    """The payload of a frame that `framed` made."""
    return frame[{0x7E: 4, 0x7F: 10}.get(frame[1], 2) :]


class Outlet(Protocol):
    """Where frames for one stream leave."""

    def put(self, frame: bytes) -> None:
        """Queue a frame for the end of this loop iteration; after `close` it is dropped."""
        ...

    def flush(self) -> None:
        """Hand over what is queued now."""
        ...

    @property
    def waiting(self) -> int:
        """Bytes that the other end has not taken yet."""
        ...

    def close(self) -> None:
        """Queue nothing any more."""
        ...


class Cork:
    """Collects the outlets that have something, and lets each write once per loop iteration."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._full: list[Outlet] = []

    def add(self, outlet: Outlet) -> None:
        """Flush this outlet at the end of the iteration."""
        if not self._full:
            self._loop.call_soon(self._pull)
        self._full.append(outlet)

    def _pull(self) -> None:
        full, self._full = self._full, []
        for outlet in full:
            outlet.flush()


class RawOutlet:
    """Writes to the transport."""

    __slots__ = ("_closed", "_cork", "_frames", "_size", "_transport")

    def __init__(self, transport: asyncio.WriteTransport, cork: Cork) -> None:
        self._transport = transport
        self._cork = cork
        self._frames: list[bytes] = []
        self._size = 0
        self._closed = False

    def put(self, frame: bytes) -> None:
        """Queue a frame."""
        if self._closed:
            return
        if not self._frames:
            self._cork.add(self)
        self._frames.append(frame)
        self._size += len(frame)

    def flush(self) -> None:
        """Write what is queued, at once."""
        if not self._frames:
            return
        frames, self._frames, self._size = self._frames, [], 0
        if not self._transport.is_closing():
            self._transport.write(frames[0] if len(frames) == 1 else b"".join(frames))

    @property
    def waiting(self) -> int:
        """Bytes queued here and in the transport."""
        return self._size + self._transport.get_write_buffer_size()

    def close(self) -> None:
        """Write what is queued, then take nothing more."""
        self.flush()
        self._closed = True


class SendOutlet:
    """Sends through aiohttp, one frame after the other."""

    def __init__(self, ws: web.WebSocketResponse) -> None:
        self._ws = ws
        self._frames: list[bytes] = []
        self._size = 0
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    def put(self, frame: bytes) -> None:
        """Queue a frame."""
        if self._closed:
            return
        self._frames.append(frame)
        self._size += len(frame)
        self.flush()

    def flush(self) -> None:
        """See that a task sends what is queued."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send(), name="stream outlet")

    async def _send(self) -> None:
        while self._frames:
            frame = self._frames.pop(0)
            try:
                await self._ws.send_bytes(payload_of(frame))
            except (ConnectionError, RuntimeError):
                self._frames.clear()
                self._size = 0
                return
            self._size -= len(frame)

    @property
    def waiting(self) -> int:
        """Bytes queued here."""
        return self._size

    def close(self) -> None:
        """Take nothing more."""
        self._closed = True


def open_outlet(request: web.Request, ws: web.WebSocketResponse, cork: Cork) -> Outlet:
    """The best outlet for a stream whose WebSocket is open."""
    transport = request.transport
    if transport is None or ws.compress:
        return SendOutlet(ws)
    return RawOutlet(transport, cork)

"""A WebSocket client that costs almost nothing, so that the figures are the server's.

Two uses: a *talker* reads every frame; a *listener* never parses: it looks for the marker that every entry
of a benchmark carries, and so sees how many entries arrived, however the server packs them.
"""

import asyncio
import base64
import os
import ssl
import struct
from collections.abc import Callable
from typing import Final, Self, cast

from typing_extensions import override

from yurt.wire.network_map import Endpoint

MARKER: Final = b"\xf5yurtrow\xf5"
"""Stands once in each entry of a benchmark, before its number (u32)."""
_NUMBER: Final = struct.Struct(">I")
_BINARY: Final = 0x82
_PONG: Final = 0x8A
_NO_MASK: Final = bytes(4)  # RFC 6455 5.3 wants a mask, not a good one; zero leaves the payload as it is
_SHORT: Final = 126
_MEDIUM: Final = 127


def marked(number: int, size: int) -> bytes:
    """Make an opaque body of a benchmark: marker, number, randomness."""
    head = MARKER + _NUMBER.pack(number)
    return head + os.urandom(size - len(head))


class RawSocket(asyncio.Protocol):
    """One WebSocket; what arrives after the handshake goes to `received` as it comes."""

    def __init__(self, host: str, path: str, received: Callable[[bytes], None]) -> None:
        self._request = _request(host, path)
        self.received = received
        self._head = b""
        self._open = False
        self.lost = False
        """Whether the connection has ended."""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def connect(
        cls,
        endpoint: Endpoint,
        host: str,
        path: str,
        received: Callable[[bytes], None],
        tls: ssl.SSLContext | None = None,
    ) -> Self:
        """Open a WebSocket, a plain one if there are no settings of TLS."""
        loop = asyncio.get_running_loop()
        _, socket = await loop.create_connection(
            lambda: cls(host, path, received),
            endpoint.host,
            endpoint.port,
            ssl=tls,
            server_hostname=host if tls else None,
        )
        await socket.opened
        return socket

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none by inheritance
        self._transport.write(self._request)

    @override
    def data_received(self, data: bytes) -> None:
        """Take in what comes."""
        if self._open:
            self.received(data)
            return
        self._head += data
        head, found, rest = self._head.partition(b"\r\n\r\n")
        if not found:
            return
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            self.opened.set_exception(ConnectionError(head.decode("latin-1")))
            return
        self._open = True
        self.opened.set_result(None)
        if rest:
            self.received(rest)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits for the handshake."""
        self.lost = True
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("closed in the handshake"))

    def send(self, payload: bytes) -> None:
        """Send one binary message."""
        self._write(_BINARY, payload)

    def pong(self, payload: bytes = b"") -> None:
        """Show that this end lives, asked or not (RFC 6455 5.5.3)."""
        self._write(_PONG, payload)

    def close(self) -> None:
        """Go without a word."""
        if self._transport is not None:
            self._transport.abort()

    def _write(self, kind: int, payload: bytes) -> None:
        if self._transport is None:
            raise RuntimeError("not connected")
        size = len(payload)
        if size < _SHORT:
            length = bytes((0x80 | size,))
        elif size < 0x10000:
            length = bytes((0x80 | _SHORT,)) + struct.pack(">H", size)
        else:
            length = bytes((0x80 | _MEDIUM,)) + struct.pack(">Q", size)
        self._transport.write(bytes((kind,)) + length + _NO_MASK + payload)


class Frames:
    """Cuts what a talker receives into payloads of binary messages."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._buffer = b""

    def __call__(self, data: bytes) -> None:
        """Take in bytes; hand on every complete message."""
        buffer = self._buffer + data
        start = 0
        while (frame := _frame(buffer, start)) is not None:
            kind, body, end = frame
            if kind == _BINARY:
                self._take(buffer[body:end])
            start = end
        self._buffer = buffer[start:]


class Listener:
    """Counts the marked entries of one stream, and notes when each number came."""

    def __init__(self, came: Callable[[int, int], None]) -> None:
        """Tell `came` how many entries came, and the number of the last one."""
        self._came = came
        self._rest = b""

    def __call__(self, data: bytes) -> None:
        """Take in bytes as they come."""
        buffer = self._rest + data
        last = buffer.rfind(MARKER)
        if last < 0:
            self._rest = buffer[-len(MARKER) :]
            return
        end = last + len(MARKER) + _NUMBER.size
        if end > len(buffer):  # the number is cut: look again when the rest is there
            self._rest = buffer[last:]
            whole = buffer[:last]
            before = whole.rfind(MARKER)
            if before >= 0:
                self._came(whole.count(MARKER), _number(whole, before))
            return
        self._rest = buffer[end:]
        self._came(buffer.count(MARKER), _number(buffer, last))


def _number(buffer: bytes, at: int) -> int:
    return int(_NUMBER.unpack_from(buffer, at + len(MARKER))[0])


def _frame(buffer: bytes, start: int) -> tuple[int, int, int] | None:
    """Find the next frame of a server: first byte, where its body begins and ends."""
    if len(buffer) < start + 2:
        return None
    size, body = buffer[start + 1], start + 2
    if size == _SHORT:
        body += 2
    elif size == _MEDIUM:
        body += 8
    if len(buffer) < body:
        return None
    if size >= _SHORT:
        size = int.from_bytes(buffer[start + 2 : body])
    end = body + size
    return (buffer[start], body, end) if len(buffer) >= end else None


def _request(host: str, path: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()

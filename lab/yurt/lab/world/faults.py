"""A link between two processes that a test can slow down and cut.

A TCP proxy in the lab's own process: bytes pass unread, so TLS stays end to end. With a server TLS context
the link ends TLS itself, as a reverse proxy does before a node with a plain listener.

    link = await Link.open(target)
    link.delay_s = 0.05
    link.cut()         # every connection breaks; new ones are refused
    link.restore()
"""

import asyncio
import contextlib
import ssl
from typing import Final, Self

from yurt.lab.world.network import LOCALHOST
from yurt.wire.network_map import Endpoint

_CHUNK: Final = 64 * 1024


class Link:
    """One way to a node; made by `open`."""

    def __init__(self, target: Endpoint, tls: ssl.SSLContext | None) -> None:
        self.target = target
        self.delay_s = 0.0
        """Added to every chunk, each way."""
        self._tls = tls
        self._is_cut = False
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(
        cls, target: Endpoint, *, listen: Endpoint | None = None, tls: ssl.SSLContext | None = None
    ) -> Self:
        """Begin to listen for connections to a node.

        Args:
            target: Where the node listens.
            listen: Where to listen; any free port if None.
            tls: End TLS here with this certificate, and go on in plain.
        """
        link = cls(target, tls)
        host, port = (listen.host, listen.port) if listen else (LOCALHOST, 0)
        link._server = await asyncio.start_server(link._accepted, host, port, ssl=tls)
        return link

    @property
    def endpoint(self) -> Endpoint:
        """Where the link listens; belongs into the map of whoever goes through it."""
        if self._server is None:
            raise RuntimeError("the link is closed")
        host, port = self._server.sockets[0].getsockname()[:2]
        return Endpoint(str(host), int(port))

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return len(self._connections)

    def cut(self) -> None:
        """Break every connection, and every new one, until `restore`."""
        self._is_cut = True
        for connection in self._connections:
            connection.cancel()

    def restore(self) -> None:
        """Let connections through again."""
        self._is_cut = False

    async def close(self) -> None:
        """Break every connection and stop listening."""
        self.cut()
        if self._server is not None:
            self._server.close()
            self._server = None
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._carry(reader, writer), name=f"link to {self.target.host}")
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_writer: asyncio.StreamWriter | None = None
        try:
            far_reader, far_writer = await asyncio.open_connection(self.target.host, self.target.port)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, far_writer))
                both.create_task(self._pump(far_reader, writer))
        except (OSError, asyncio.CancelledError, ExceptionGroup):
            pass  # a broken connection is what this module is for
        finally:
            for end in (writer, far_writer):
                if end is not None:
                    end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK):
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        else:  # TLS knows no half-closed connection: the other way ends as well
            with contextlib.suppress(OSError):
                writer.close()

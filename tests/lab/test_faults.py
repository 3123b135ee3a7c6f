"""Links between processes: carried, slowed down, cut and restored."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from yurt.lab.world.faults import Link
from yurt.lab.world.network import LOCALHOST, Network
from yurt.wire.network_map import Endpoint


@asynccontextmanager
async def echo() -> AsyncGenerator[Endpoint]:
    """Serve somebody who repeats what they hear."""

    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    async with await asyncio.start_server(repeat, LOCALHOST, 0) as server:
        host, port = server.sockets[0].getsockname()[:2]
        yield Endpoint(host, port)


async def rest(reader: asyncio.StreamReader) -> bytes:
    """Read until the connection ends, one way or the other."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


async def say(endpoint: Endpoint, line: bytes, tls: ssl.SSLContext | None = None) -> bytes:
    """Say one line; return what comes back, empty if the connection broke."""
    reader, writer = await asyncio.open_connection(
        endpoint.host, endpoint.port, ssl=tls, server_hostname="harbour.example" if tls else None
    )
    try:
        writer.write(line)
        return await reader.readline()
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()


async def test_cut_and_restored() -> None:
    """A cut link breaks open connections and refuses new ones until it is restored."""
    async with echo() as target:
        link = await Link.open(target)
        reader, writer = await asyncio.open_connection(link.endpoint.host, link.endpoint.port)
        writer.write(b"hello\n")
        assert await reader.readline() == b"hello\n"

        link.cut()

        assert await rest(reader) == b""
        assert await say(link.endpoint, b"are you there\n") == b""

        link.restore()

        assert await say(link.endpoint, b"are you there\n") == b"are you there\n"
        writer.transport.abort()
        await link.close()


async def test_delayed() -> None:
    """A delayed link carries everything, later."""
    async with echo() as target:
        link = await Link.open(target)
        link.delay_s = 0.05
        loop = asyncio.get_running_loop()

        began = loop.time()
        heard = await say(link.endpoint, b"slowly\n")

        assert heard == b"slowly\n"
        assert loop.time() - began >= 0.1  # a lower bound: there and back
        await link.close()


async def test_link_ends_tls(tmp_path: Path) -> None:
    """A link with a certificate stands before a plain node as a reverse proxy does."""
    network = Network.make(tmp_path, ["harbour.example"])
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(network.certificate_file("harbour.example"), network.key_file("harbour.example"))
    client = ssl.create_default_context(cafile=str(network.ca_file))
    async with echo() as target:
        link = await Link.open(target, tls=server)

        assert await say(link.endpoint, b"over TLS\n", client) == b"over TLS\n"

        await link.close()

"""A network of its own for stock servers that know no test switches (`tests/peers/island/inside.py`)."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from yurt.lab.world.network import Network
from yurt.node.testing import Town, open_town

HARBOUR = "harbour.example"
INSIDE = Path(__file__).parent / "island" / "inside.py"
NAMESPACES = (
    "unshare",
    "--user",
    "--map-root-user",
    "--net",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
)
READY_S = 60
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Island:
    """One stock server in a network of its own, and a Yurt node outside of it."""

    peer: str
    port: int
    """Where the server is to listen, in plain HTTP, on 127.0.0.1: it stands behind a proxy."""
    folder: Path
    """For the server's files."""
    town: Town
    orders: asyncio.subprocess.Process

    async def run(self, *words: str, text: str = "") -> str:
        """Run a command inside; what it said."""
        answer = await self._order({"run": words, "text": text})
        assert answer["code"] == 0, answer["out"]
        return str(answer["out"])

    async def start(self, *words: str) -> None:
        """Start the server inside; it ends with the island."""
        await self._order({"start": words, "log": str(self.folder / "server.log")})

    async def _order(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self.orders.stdin is not None
        assert self.orders.stdout is not None
        self.orders.stdin.write(json.dumps(order).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await self.orders.stdout.readline())
        return answer


@pytest.fixture
async def island(tmp_path: Path) -> AsyncIterator[Callable[[str], Awaitable[Island]]]:
    """Open an island for a server of a name; it ends with the test."""
    async with AsyncExitStack() as stack:
        yield lambda peer: stack.enter_async_context(_island(tmp_path, peer))


@asynccontextmanager
async def _island(folder: Path, peer: str) -> AsyncGenerator[Island]:
    await _check_possible()
    network = Network.make(folder / "network", (HARBOUR, peer))
    network.write_map(HARBOUR)
    data = folder / "peer"
    data.mkdir()
    # A socket's path is at most 107 bytes long, a test's folder may be longer.
    with tempfile.TemporaryDirectory(prefix="yurt-") as doors:
        plan = {
            "folder": str(data),
            "names": {HARBOUR: "11.22.33.1", peer: "11.22.33.2"},  # look public; nobody is reached
            "outside": {HARBOUR: f"{doors}/out"},
            "inside": f"{doors}/in",
            "peer": peer,
            "port": 8001,
            "ca": str(network.ca_file),
            "certificate": str(network.certificate_file(peer)),
            "key": str(network.key_file(peer)),
        }
        (data / "plan.json").write_text(json.dumps(plan))
        node, place = network.endpoints[HARBOUR], network.endpoints[peer]
        out = await asyncio.start_unix_server(
            _door(lambda: asyncio.open_connection(node.host, node.port)), f"{doors}/out"
        )
        inside = await asyncio.start_server(
            _door(lambda: asyncio.open_unix_connection(f"{doors}/in")), place.host, place.port
        )
        process = await asyncio.create_subprocess_exec(
            *NAMESPACES,
            sys.executable,
            str(INSIDE),
            str(data / "plan.json"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "SSL_CERT_FILE": str(network.ca_file)},
        )
        try:
            assert process.stdout is not None
            async with asyncio.timeout(READY_S):
                assert await process.stdout.readline() == b"{}\n", "the island was not made"
            async with out, inside, open_town(folder, network, HARBOUR) as town:
                yield Island(peer, 8001, data, town, process)
        finally:
            process.kill()
            await process.wait()


async def _check_possible() -> None:
    if not all(map(shutil.which, ("unshare", "ip", "mount"))):
        pytest.skip("no unshare, ip or mount: a stock server needs a network of its own")
    probe = await asyncio.create_subprocess_exec(
        *NAMESPACES, "true", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    if await probe.wait():
        pytest.skip("this user may make no namespaces: a stock server needs a network of its own")


def _door(lead: Callable[[], Awaitable[Streams]]) -> Callable[..., Awaitable[None]]:
    async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await lead()
        except OSError:
            writer.close()
            return
        await asyncio.gather(_carry(reader, back), _carry(there, writer))

    return come


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    except OSError:
        pass
    finally:
        target.close()

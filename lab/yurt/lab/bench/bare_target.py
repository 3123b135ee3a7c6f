"""The bare broadcast as a target of the load."""

import asyncio
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from yurt.lab.bench.raw_socket import Frames, Listener, RawSocket, marked
from yurt.wire.network_map import Endpoint

HOST: Final = "bare.example"
BODY_SIZE: Final = 256
"""Of an entry, bytes; DESIGN 9 measures with opaque entries of this size."""
_READY_S: Final = 60.0


@dataclass(slots=True)
class Bare:
    """The bare broadcast as a process."""

    endpoint: Endpoint
    process: asyncio.subprocess.Process
    database: Path
    took_s: float
    """From its start until it listened."""
    room: int = 0

    @classmethod
    async def start(cls, endpoint: Endpoint, folder: Path) -> Self:
        """Start it and wait until it listens."""
        arguments = (
            "-m",
            "yurt.lab.bench.bare",
            endpoint.host,
            str(endpoint.port),
            str(folder / "bare.sqlite3"),
        )
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(sys.executable, *arguments)
        async with asyncio.timeout(_READY_S):
            await _until_it_listens(endpoint)
        return cls(endpoint, process, folder / "bare.sqlite3", time.monotonic() - began)

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    async def talker(self, accepted: Callable[[int], None]) -> "BareTalker":
        """Connect somebody who sends."""
        frames = Frames(lambda payload: accepted(int(struct.unpack(">I", payload)[0])))
        return BareTalker(await RawSocket.connect(self.endpoint, HOST, f"/talk/{self.room}", frames))

    async def listener(self, listen: Listener) -> RawSocket:
        """Connect somebody who receives."""
        return await RawSocket.connect(self.endpoint, HOST, f"/listen/{self.room}", listen)

    async def history(self, listen: Listener) -> RawSocket:
        """Connect somebody who receives everything that was ever said."""
        return await RawSocket.connect(self.endpoint, HOST, f"/history/{self.room}", listen)

    async def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        await self.process.wait()


@dataclass(frozen=True, slots=True)
class BareTalker:
    """Sends bodies as they are."""

    socket: RawSocket

    def send(self, number: int) -> None:
        """Send the entry with this number."""
        self.socket.send(marked(number, BODY_SIZE))

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


async def _until_it_listens(endpoint: Endpoint) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.transport.abort()
            return

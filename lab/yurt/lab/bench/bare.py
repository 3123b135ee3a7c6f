"""The limit that Python sets: a broadcast server with no logic at all, run beside the node.

It does what costs: commit durably (SQLite, WAL, FULL, one writer thread, group commit), then write each
committed batch once to every connection. It knows no accounts, no rooms, no checks. What a real node takes
longer than this is the price of its logic.

    python -m yurt.lab.bench.bare HOST PORT DATABASE
"""

import asyncio
import queue
import sqlite3
import struct
import sys
import threading
from pathlib import Path

from aiohttp import WSMsgType, web

_Batch = list[tuple[bytes, web.WebSocketResponse]]


class Broadcast:
    """Everybody hears what anybody says, once it is on the disk."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[tuple[bytes, web.WebSocketResponse]] = queue.SimpleQueue()
        self._listeners: set[asyncio.Transport] = set()
        threading.Thread(target=self._write, daemon=True, name="writer").start()

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve a listener (`/listen`) or a talker (`/talk`)."""
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        transport = request.transport
        listens = request.path == "/listen"
        if listens and transport is not None:
            self._listeners.add(transport)
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                self._queue.put((message.data, socket))
        if transport is not None:
            self._listeners.discard(transport)
        return socket

    def _write(self) -> None:
        """Commit what waits, then let the loop tell everybody; on the writer thread."""
        connection = sqlite3.connect(self._database, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE entry (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT")
        while True:
            batch = [self._queue.get()]
            while not self._queue.empty():
                batch.append(self._queue.get())
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO entry (body) VALUES (?)", [(body,) for body, _ in batch])
            connection.execute("COMMIT")
            self._loop.call_soon_threadsafe(self._tell, batch)

    def _tell(self, batch: _Batch) -> None:
        wire = b"".join(_frame(body) for body, _ in batch)
        for transport in self._listeners:
            transport.write(wire)
        accepted: dict[web.WebSocketResponse, int] = {}
        for _, talker in batch:
            accepted[talker] = accepted.get(talker, 0) + 1
        for talker, count in accepted.items():
            self._loop.create_task(talker.send_bytes(struct.pack(">I", count)))  # ends at once


def _frame(body: bytes) -> bytes:
    size = len(body)
    head = bytes((0x82, size)) if size < 126 else b"\x82\x7e" + struct.pack(">H", size)
    return head + body


async def serve(host: str, port: int, database: Path) -> None:
    """Serve until the process is ended."""
    broadcast = Broadcast(database)
    app = web.Application()
    app.add_routes([web.get("/listen", broadcast.handle), web.get("/talk", broadcast.handle)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))

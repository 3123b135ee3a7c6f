"""The limit that Python sets: a broadcast server with no logic at all, run beside the node.

It does what costs: commit durably (SQLite, WAL, FULL, one writer thread, group commit), then write each
committed batch once to every connection. It knows no accounts, no rooms, no checks. What a real node takes
longer than this is the price of its logic. A path ends with the room: `/listen/7` hears what comes from
`/talk/7`, and `/history/7` gets all that was ever said there, in pages.

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

_Said = tuple[bytes, str, web.WebSocketResponse]
"""Body, room, and who said it."""
_PAGE = 200


class Broadcast:
    """Everybody hears what anybody says, once it is on the disk."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[_Said] = queue.SimpleQueue()
        self._listeners: dict[str, set[asyncio.Transport]] = {}
        threading.Thread(target=self._write, daemon=True, name="writer").start()

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve somebody who listens, talks, or wants the history."""
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        transport, room = request.transport, request.match_info["room"]
        heard = self._listeners.setdefault(room, set())
        if request.match_info["what"] == "history":
            await self._history(socket, room)
        elif request.match_info["what"] == "listen" and transport is not None:
            heard.add(transport)
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                self._queue.put((message.data, room, socket))
        if transport is not None:
            heard.discard(transport)
        return socket

    async def _history(self, socket: web.WebSocketResponse, room: str) -> None:
        connection, last = sqlite3.connect(self._database, check_same_thread=False), 0

        def page() -> list[tuple[int, bytes]]:
            query = "SELECT seq, body FROM entry WHERE room = ? AND seq > ? ORDER BY seq LIMIT ?"
            return connection.execute(query, (room, last, _PAGE)).fetchall()

        while rows := await asyncio.to_thread(page):
            last = rows[-1][0]
            await socket.send_bytes(b"".join(body for _, body in rows))
        connection.close()

    def _write(self) -> None:
        """Commit what waits, then let the loop tell everybody; on the writer thread."""
        connection = sqlite3.connect(self._database, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(
            "CREATE TABLE entry (seq INTEGER PRIMARY KEY, room TEXT, body BLOB NOT NULL) STRICT"
        )
        connection.execute("CREATE INDEX entry_room ON entry (room, seq)")
        while True:
            batch = [self._queue.get()]
            while not self._queue.empty():
                batch.append(self._queue.get())
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT INTO entry (body, room) VALUES (?, ?)", [said[:2] for said in batch]
            )
            connection.execute("COMMIT")
            self._loop.call_soon_threadsafe(self._tell, batch)

    def _tell(self, batch: list[_Said]) -> None:
        wires: dict[str, list[bytes]] = {}
        accepted: dict[web.WebSocketResponse, int] = {}
        for body, room, talker in batch:
            wires.setdefault(room, []).append(_frame(body))
            accepted[talker] = accepted.get(talker, 0) + 1
        for room, frames in wires.items():
            wire = b"".join(frames)
            for transport in self._listeners[room]:
                transport.write(wire)
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
    app.add_routes([web.get("/{what}/{room}", broadcast.handle)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))

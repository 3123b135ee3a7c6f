"""The holder's side of the socket: other processes of the same user use the engine through it."""

import asyncio
import socket
from collections.abc import Coroutine
from pathlib import Path
from typing import Final

import msgspec

from yurt.client.api import EngineApi
from yurt.client.errors import Closed, Disconnected
from yurt.client.service import sockets
from yurt.client.service.dispatch import dispatch
from yurt.client.service.protocol import (
    Answered,
    AnyReply,
    Ask,
    Failed,
    Line,
    Stop,
    Watch,
    hang_up,
    read_frame,
    write_frame,
)
from yurt.wire.problems import ProblemError

DRAIN_S: Final = 5.0
"""How long a holder that wants to leave waits for what others have asked."""


class EngineServer:
    """Serves one engine on the socket beside its vault."""

    def __init__(self, home: Path, engine: EngineApi) -> None:
        self._home = home
        self._engine = engine
        self._server: asyncio.Server | None = None
        self._guests: set[_Guest] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._greet, sock=sockets.listen(self._home))

    async def close(self) -> None:
        """Take no more requests, answer those that run, and let everybody go: one of them takes over."""
        if self._server is None:
            return
        sockets.remove(self._home)
        self._server.close()
        for guest in self._guests:
            guest.leaving = True
        calls = [call for guest in self._guests for call in guest.calls.values()]
        if calls:
            await asyncio.wait(calls, timeout=DRAIN_S)
        for guest in list(self._guests):
            await guest.close()
        if self._tasks:
            # Each ends by itself now that its connection is closed; nothing is left for the loop to cancel.
            await asyncio.wait(self._tasks, timeout=DRAIN_S)
        self._server = None

    def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._welcome(reader, writer), name="vault guest")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection: socket.socket = writer.get_extra_info("socket")
        if not sockets.is_same_user(connection):
            await hang_up(writer)
            return
        guest = _Guest(self._engine, reader, writer)
        self._guests.add(guest)
        try:
            await guest.serve()
        finally:
            self._guests.discard(guest)


class _Guest:
    """One other process."""

    def __init__(self, engine: EngineApi, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls: dict[int, asyncio.Task[None]] = {}
        """Requests with one answer, that run."""
        self.leaving = False
        """The holder leaves: what is asked now gets no answer, and is asked again elsewhere."""
        self._watches: dict[int, asyncio.Task[None]] = {}
        self._engine = engine
        self._reader = reader
        self._writer = writer

    async def serve(self) -> None:
        """Answer until the other end goes."""
        try:
            while True:
                self._begin(await read_frame(self._reader, Ask))
        except Disconnected:
            pass
        finally:
            for watch in self._watches.values():
                watch.cancel()
            await hang_up(self._writer)

    async def close(self) -> None:
        """Let the other end go."""
        for task in (*self._watches.values(), *self.calls.values()):
            task.cancel()
        await hang_up(self._writer)

    def _begin(self, ask: Ask) -> None:
        if self.leaving:
            return
        match ask.request:
            case Stop():
                watch = self._watches.pop(ask.id, None)
                if watch is not None:
                    watch.cancel()
            case Watch():
                self._keep(self._watches, ask.id, self._watch(ask.id, ask.request))
            case _:
                self._keep(self.calls, ask.id, self._call(ask))

    def _keep(
        self, tasks: dict[int, asyncio.Task[None]], number: int, work: Coroutine[None, None, None]
    ) -> None:
        task = tasks[number] = asyncio.create_task(work)
        task.add_done_callback(lambda _: tasks.pop(number, None))

    async def _call(self, ask: Ask) -> None:
        reply: AnyReply
        try:
            value = await dispatch(self._engine, ask.request)
            reply = Answered(ask.id, msgspec.Raw(msgspec.msgpack.encode(value)))
        except ProblemError as error:
            reply = Failed(ask.id, error.problem)
        except Closed:
            await hang_up(self._writer)
            return
        await self._say(reply)

    async def _watch(self, number: int, watch: Watch) -> None:
        try:
            items = self._engine.watch(watch.room, after=watch.after, revision=watch.revision)
            async for item in items:
                await self._say(Line(number, item))
        except ProblemError as error:
            await self._say(Failed(number, error.problem))
        except Closed:
            await hang_up(self._writer)

    async def _say(self, reply: AnyReply) -> None:
        try:
            await write_frame(self._writer, reply)
        except Disconnected:
            self._writer.close()

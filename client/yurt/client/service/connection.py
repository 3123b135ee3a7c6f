"""The thin client's side of the socket: requests to the engine that another process holds."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from yurt.client.api import TimelineItem
from yurt.client.errors import Disconnected
from yurt.client.service import sockets
from yurt.client.service.protocol import (
    Answered,
    AnyReply,
    AnyRequest,
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

T = TypeVar("T")
_Inbox = asyncio.Queue[AnyReply | None]


class Connection:
    """An open connection to the holder."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._ids = count(1)
        self._waiting: dict[int, _Inbox] = {}
        self._gone = False
        self._task = asyncio.create_task(self._read(), name="vault socket")

    @classmethod
    async def open(cls, home: Path) -> Self | None:
        """Connect to the holder of a vault; None if there is none."""
        ends = await sockets.dial(home)
        return None if ends is None else cls(*ends)

    async def ask(self, request: AnyRequest, shape: type[T]) -> T:
        """Ask the holder for something; `shape` is what the method returns.

        Raises:
            ProblemError: Its refusal.
            Disconnected: It went away: unknown whether it was done.
        """
        number, inbox = self._begin()
        try:
            await write_frame(self._writer, Ask(number, request))
            reply = await inbox.get()
        finally:
            del self._waiting[number]
        match reply:
            case Answered():
                return msgspec.msgpack.decode(reply.value, type=shape)
            case Failed():
                raise ProblemError(reply.problem)
            case _:
                raise Disconnected("the engine that holds the vault went away")

    async def watch(self, request: Watch) -> AsyncIterator[TimelineItem]:
        """Give lines until the holder goes away, which is `Disconnected`."""
        number, inbox = self._begin()
        try:
            await write_frame(self._writer, Ask(number, request))
            while isinstance(reply := await inbox.get(), Line):
                yield reply.item
            if isinstance(reply, Failed):
                raise ProblemError(reply.problem)
            raise Disconnected("the engine that holds the vault went away")
        finally:
            del self._waiting[number]
            if not self._gone:
                await write_frame(self._writer, Ask(number, Stop()))

    async def close(self) -> None:
        """Close."""
        self._gone = True
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await hang_up(self._writer)

    def _begin(self) -> tuple[int, _Inbox]:
        if self._gone:
            raise Disconnected("the engine that holds the vault went away")
        number, inbox = next(self._ids), _Inbox()
        self._waiting[number] = inbox
        return number, inbox

    async def _read(self) -> None:
        try:
            while True:
                reply: AnyReply = await read_frame(self._reader, AnyReply)
                inbox = self._waiting.get(reply.id)
                if inbox is not None:
                    inbox.put_nowait(reply)
        except Disconnected:
            pass
        finally:
            self._gone = True
            for inbox in self._waiting.values():
                inbox.put_nowait(None)
            await hang_up(self._writer)

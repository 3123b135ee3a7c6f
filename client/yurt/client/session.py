"""The session: one stream to the own node, opened again whenever it ends, and what is live on it.

A log is *live* when the newest row taken in is the head that the node named. Only what is live may be
written to (TRUST 4), so the session is where that is known. The rows themselves are the vault's: the
``LogSink`` takes them in, in one transaction with the place, and says how far it came; after a reconnection
reading goes on from there.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from yurt.client.errors import ClientError, Disconnected, LocalClientError
from yurt.client.stream import CONNECT_S, A, Stream
from yurt.wire.command import Command
from yurt.wire.frames import (
    Ack,
    Bye,
    CheckpointFrame,
    Entries,
    Gap,
    ProblemFrame,
    Ring,
    Subscribe,
    Unsubscribe,
)
from yurt.wire.network_map import NetworkMap
from yurt.wire.position import START, LogRow, Position
from yurt.wire.problems import ProblemError, refuse

FIRST_RETRY_S: Final = 0.1
LAST_RETRY_S: Final = 3.0
"""A node that restarts has its people back within three seconds."""
_JITTER: Final = 0.2
_SIGNED_OUT_S: Final = 60.0
"""Between tries when the node does not know us: only a human can help."""


class LogSink(Protocol):
    """Takes rows into the vault."""

    async def place(self, log: str) -> Position:
        """Tell the newest row taken in."""
        ...

    async def take(self, log: str, rows: tuple[LogRow, ...]) -> Position:
        """Take rows in, durably; returns the newest row taken in.

        Must not wait for an answer of the node: nothing more is read before it returns.
        """
        ...

    async def gap(self, gap: Gap) -> Position:
        """Take in that rows will not come; returns where to go on after."""
        ...

    async def unavailable(self, log: str) -> None:
        """Take in that the node does not serve this log."""
        ...

    async def poisoned(self, log: str) -> None:
        """Hear that taking rows of this log in failed in a way that nobody foresaw: it is read no further."""
        ...

    def live(self, log: str) -> None:
        """Hear that a log has been read to its head."""
        ...

    def ring(self, room: bytes) -> None:
        """Hear that the node has something about a room: only a hint."""
        ...


SignIn = Callable[[Stream], Awaitable[None]]
"""Says hello on a new stream, with whatever it takes to be let in."""


class Session:
    """The stream to the own node: open, or about to be."""

    def __init__(self, node: str, network: NetworkMap | None) -> None:
        self.node = node
        self.problem = ""
        """Why there is no stream, for people; empty while there is one, or while it is first looked for."""
        self.on_checkpoint: Callable[[CheckpointFrame], None] = _nobody
        """Hears what devices of rooms have seen."""
        self.streams = 0
        """How many streams there have been: the number of the present one."""
        self._failed = False
        """Whether the newest try to connect has failed."""
        self._network = network
        self._ends: _Ends | None = None
        self._stream: Stream | None = None
        self._logs: dict[str, _Place] = {}
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    # --- life ---------------------------------------------------------------------------------------
    def start(self, sign_in: SignIn, sink: LogSink, stream: Stream | None = None) -> None:
        """Begin; on an open and signed-in stream if there is one already."""
        self._ends = _Ends(sign_in, sink)
        self._task = asyncio.create_task(self._run(stream), name=f"session {self.node}")
        self._task.add_done_callback(self._ended)

    async def close(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._stream is not None:
            await self._stream.close()
            self._stream = None

    async def rehome(self, node: str) -> None:
        """Go on at another node, where this person lives from now on; what is read goes on from the vault."""
        self.node, stream = node, self._stream
        self._failed, self.problem = False, ""
        if stream is not None:
            await stream.close()  # the loop opens the next one, there

    @property
    def connected(self) -> bool:
        """Whether there is a signed-in stream."""
        return self._stream is not None

    async def wait_connected(self, within: float) -> bool:
        """Wait for a stream, at most that many seconds."""
        return await self._wait(lambda: self.connected, within)

    # --- asking -------------------------------------------------------------------------------------
    async def call(self, command: Command, shape: type[A]) -> A:
        """Ask the node for something, now; `shape` is the command's answer.

        Raises:
            ProblemError: Its refusal, or ``peerUnreachable``: it may or may not have been done.
        """
        # A command right after the start must not lose against the first connection.
        await self._wait(lambda: self.connected or self._failed, CONNECT_S)
        if self._stream is None:
            raise refuse("peerUnreachable", self.problem or f"not connected to {self.node}")
        try:
            return await self._stream.call(command, shape)
        except Disconnected as error:
            raise refuse("peerUnreachable", str(error)) from None

    # --- logs ---------------------------------------------------------------------------------------
    async def follow(self, log: str) -> None:
        """Read a log from where the vault stands, now and after each reconnection."""
        if log in self._logs:
            return
        self._logs[log] = _Place()
        if self._stream is not None:
            await self._subscribe(self._stream, log)

    async def unfollow(self, log: str) -> None:
        """Read a log no longer."""
        if self._logs.pop(log, None) is not None and self._stream is not None:
            await _try(self._stream.send(Unsubscribe(log)))

    def is_live(self, log: str) -> bool:
        """Whether a log has been read to its head on the present stream."""
        place = self._logs.get(log)
        return self.connected and place is not None and place.live

    @property
    def all_live(self) -> bool:
        """Whether every log has been read to its head."""
        return self.connected and all(place.live for place in self._logs.values())

    async def wait_live(self, log: str, within: float) -> bool:
        """Wait until a log is live, at most that many seconds."""
        return await self._wait(lambda: self.is_live(log), within)

    async def wait_all_live(self, within: float) -> bool:
        """Wait until every log is live, at most that many seconds."""
        return await self._wait(lambda: self.all_live, within)

    async def wait_next(self, stream: int, within: float) -> bool:
        """Wait until another stream than that one is there, at most that many seconds."""
        return await self._wait(lambda: self.connected and self.streams != stream, within)

    async def _wait(self, true: Callable[[], bool], within: float) -> bool:
        async with self._changed:
            try:
                async with asyncio.timeout(within):
                    await self._changed.wait_for(true)
            except TimeoutError:
                return true()  # it may have come with the deadline
        return True

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Never end in silence: the loop ends only by `close`, or by a bug."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._stream, self.problem = None, f"internal error ({type(error).__name__}): restart yurt"
            context = {"message": f"the session with {self.node} ended", "exception": error}
            task.get_loop().call_exception_handler(context)

    @property
    def _started(self) -> "_Ends":
        if self._ends is None:
            raise LocalClientError("the session was used before it was started")
        return self._ends

    # --- the loop -----------------------------------------------------------------------------------
    async def _run(self, stream: Stream | None) -> None:
        delay = FIRST_RETRY_S
        while True:
            try:
                stream = stream or await self._open()
                delay = FIRST_RETRY_S
                delay = max(delay, await self._serve(stream))
            except ClientError as error:
                self._failed, self.problem = True, str(error)
            except ProblemError as error:
                self._failed, self.problem = True, error.problem.message
                asked = min(error.problem.retry_after or 0.0, _SIGNED_OUT_S)
                delay = max(delay, asked) if error.problem.kind.retry else _SIGNED_OUT_S
            finally:
                await self._closed(stream)
            stream = None
            await asyncio.sleep(delay * random.uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311  # spreads load
            delay = min(delay * 2, LAST_RETRY_S)

    async def _open(self) -> Stream:
        stream = await Stream.open(self.node, self._network)
        try:
            await self._started.sign_in(stream)
        except BaseException:
            await stream.close()
            raise
        return stream

    async def _serve(self, stream: Stream) -> float:
        """Use a stream until it ends; returns how long the node asked to wait, in seconds."""
        self._stream, self.problem, self._failed = stream, "", False
        self.streams += 1
        await self._notify()
        for log in list(self._logs):
            await self._subscribe(stream, log)
        wait = 0.0
        async for event in stream.events():
            match event:
                case Entries():
                    await self._entries(stream, event)
                case Gap():
                    await self._gap(stream, event)
                case ProblemFrame():
                    await self._refused(event)
                case Ring() | CheckpointFrame():
                    self._hint(event)
                case Bye():
                    wait = event.retry_after
        self.problem = f"the stream to {self.node} ended; trying again"
        return wait

    def _hint(self, frame: Ring | CheckpointFrame) -> None:
        """Hear what is kept nowhere: whoever connects asks for what it told."""
        if isinstance(frame, Ring):
            self._started.sink.ring(frame.room)
        else:
            self.on_checkpoint(frame)

    async def _closed(self, stream: Stream | None) -> None:
        self._stream = None
        for log in self._logs:
            self._logs[log] = _Place()
        await self._notify()
        if stream is not None:
            await stream.close()

    async def _subscribe(self, stream: Stream, log: str) -> None:
        after = await self._started.sink.place(log)
        if log in self._logs:
            self._logs[log] = _Place(after)
            await _try(stream.send(Subscribe(log, after)))

    async def _entries(self, stream: Stream, frame: Entries) -> None:
        place = self._logs.get(frame.log)
        if place is None:
            return  # unfollowed a moment ago
        if frame.rows:
            try:
                place.after = await self._started.sink.take(frame.log, frame.rows)
            except (ClientError, ProblemError):
                raise
            except Exception as error:  # noqa: BLE001  # a poisoned row silences its own log, never the others
                await self._set_aside(frame.log, error)
                return
            await _try(stream.send(Ack(frame.log, place.after)))
        place.head = frame.head
        if place.live:
            self._started.sink.live(frame.log)
            await self._notify()

    async def _set_aside(self, log: str, error: Exception) -> None:
        """Go on without a log whose rows cannot be taken in; a restart tries again."""
        del self._logs[log]
        context = {"message": f"rows of {log} could not be taken in", "exception": error}
        asyncio.get_running_loop().call_exception_handler(context)
        await self._started.sink.poisoned(log)
        await self._notify()

    async def _gap(self, stream: Stream, frame: Gap) -> None:
        place = self._logs.get(frame.log)
        if place is not None:
            place.after = await self._started.sink.gap(frame)
            await _try(stream.send(Ack(frame.log, place.after)))

    async def _refused(self, frame: ProblemFrame) -> None:
        """Hear that a subscription was refused: the node names the log in the problem's detail."""
        log = frame.problem.detail.get("log")
        if isinstance(log, str) and log in self._logs and not frame.problem.kind.retry:
            del self._logs[log]
            await self._started.sink.unavailable(log)
            await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class _Ends:
    """What the session was started with."""

    sign_in: SignIn
    sink: LogSink


class _Place:
    """How far a log has been read on the present stream."""

    __slots__ = ("after", "head")

    def __init__(self, after: Position = START) -> None:
        self.after = after
        self.head: Position | None = None

    @property
    def live(self) -> bool:
        return self.head is not None and self.after >= self.head


def _nobody(_frame: CheckpointFrame) -> None:
    """Hear of it in no way."""


async def _try(sending: Awaitable[None]) -> None:
    """Send what is worth nothing on a stream that just ended: the next one says it again."""
    try:
        await sending
    except Disconnected:
        return

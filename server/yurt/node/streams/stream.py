"""One open stream: frames in, answers and rows out.

What a client sends is handled in its order, calls excepted: each runs on its own and answers when it is
done, up to `MAX_CALLS` at once (then reading waits, and with it the client). A frame that cannot be used is
answered with a problem and the stream goes on; only silence at the start, or garbage again and again, ends
it. The WebSocket itself is `door.py`'s.
"""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from yurt.node.clock import Clock
from yurt.node.dispatcher import Authenticator, Caller, Context, Dispatcher, problem_error
from yurt.node.store import logs, rooms
from yurt.node.store.types import Store
from yurt.node.streams.acks import Acks
from yurt.node.streams.catch_up import StreamCatchUp
from yurt.node.streams.fanout import Fanout
from yurt.node.streams.raw_write import Outlet, framed
from yurt.node.streams.subscription import Reader, Subscription
from yurt.wire import limits
from yurt.wire.command import Command
from yurt.wire.errors import GateError
from yurt.wire.frames import (
    INBOX,
    STREAM_VERSION,
    Ack,
    Call,
    ClientFrame,
    ClientHello,
    Frame,
    Limits,
    NodeHello,
    ProblemFrame,
    Result,
    Subscribe,
    Unsubscribe,
    room_of,
)
from yurt.wire.gate import decode_msgpack
from yurt.wire.problems import Problem, ProblemError, refuse
from yurt.wire.registry import MAX_COMMIT_SIZE, MAX_ENTRY_SIZE

MAX_CALLS: Final = 64
"""Calls of one stream that run at once."""
MAX_SUBSCRIPTIONS: Final = 1000
MAX_BAD_FRAMES: Final = 20
"""Frames that cannot be used before the stream is closed."""
_encode = msgspec.msgpack.Encoder().encode
_TAGS: Final = frozenset(
    str(frame.__struct_config__.tag) for frame in (ClientHello, Call, Subscribe, Unsubscribe, Ack)
)


class _Tagged(msgspec.Struct):
    t: str


class Tokens(Authenticator, Protocol):
    """Knows the tokens, and tells which of those that streams came with are over by now."""

    async def ended(self, shown: Mapping[str, Caller]) -> Mapping[str, str]:
        """Look at many tokens again, at once; the problem's code for each that counts no more."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What every stream of a node uses."""

    node: str
    """The node's name: its domain."""
    store: Store
    dispatcher: Dispatcher
    tokens: Tokens
    fanout: Fanout
    clock: Clock


class GoodBye(Exception):
    """This stream is to be closed."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Stream:
    """One client at one WebSocket; there are thousands that say nothing, so it holds little."""

    __slots__ = (
        "_acks",
        "_address",
        "_bad",
        "_calls",
        "_catch_up",
        "_free",
        "_greeted",
        "_outlet",
        "_parts",
        "_subscriptions",
        "caller",
        "token",
    )

    def __init__(self, parts: Parts, outlet: Outlet, catch_up: StreamCatchUp, address: str) -> None:
        self._parts = parts
        self._outlet = outlet
        self._catch_up = catch_up
        self._address = address
        self._greeted = False
        self._bad = 0
        self._acks: Acks | None = None
        self._subscriptions: dict[str, Subscription] = {}
        self._calls: dict[asyncio.Task[None], None] = {}  # a third of an empty set
        self._free: asyncio.Semaphore | None = None
        self.caller: Caller | None = None
        self.token = ""
        """What the caller showed last; empty as long as nobody has signed in."""

    @property
    def greeted(self) -> bool:
        """Whether the client has said hello."""
        return self._greeted

    async def take(self, message: bytes) -> None:
        """Handle one frame.

        Raises:
            GoodBye: close the stream.
        """
        try:
            await self._handle(_decode(message))
        except ProblemError as error:
            self._bad += 1
            self.send(ProblemFrame(0, error.problem))
            if self._bad > MAX_BAD_FRAMES:
                raise GoodBye(1008, "too many frames that cannot be used") from error

    def send(self, frame: Frame) -> None:
        """Send a frame to the client."""
        self._outlet.put(framed(_encode(frame)))

    async def finish(self, within_s: float) -> None:
        """Let running calls answer, for a moment; then end everything of this stream."""
        for subscription in self._subscriptions.values():
            self._parts.fanout.remove(subscription)
        self._subscriptions.clear()
        await self._catch_up.stop()
        if self._calls:
            await asyncio.wait(self._calls, timeout=within_s)
        for task in self._calls:
            task.cancel()
        if self._acks is not None:
            await self._acks.close()

    async def _handle(self, frame: ClientFrame) -> None:
        if not self._greeted and not isinstance(frame, ClientHello):
            raise refuse("badRequest", "the first frame is hello")
        match frame:
            case ClientHello():
                await self._hello(frame)
            case Call():
                await self._call(frame)
            case Subscribe():
                self._subscribe(frame, await self._reader(frame.log))
            case Unsubscribe():
                self._unsubscribe(frame.log)
            case Ack():
                self._ack(frame)

    async def _hello(self, hello: ClientHello) -> None:
        if STREAM_VERSION not in hello.versions:
            raise refuse("unsupported", f"this node speaks version {STREAM_VERSION} of the stream")
        if hello.token:
            await self._sign_in(hello.token)
        self._greeted = True
        self.send(
            NodeHello(
                version=STREAM_VERSION,
                node=self._parts.node,
                limits=Limits(entry=MAX_ENTRY_SIZE, commit=MAX_COMMIT_SIZE),
                account=self.caller.account if self.caller else "",
                time=self._parts.clock.now_ms(),
            )
        )

    async def _sign_in(self, token: str) -> None:
        try:
            caller = await self._parts.tokens.authenticate(token)
        except ProblemError:
            raise
        except Exception as error:
            raise problem_error(error, "hello") from error
        if self.caller is not None and self.caller != caller:
            raise refuse("badRequest", "this stream belongs to another device; open a new one")
        self.token = token
        if self.caller is None:
            self.caller = caller
            self._acks = Acks(self._parts.store, caller.did, caller.device_id)

    # --- calls --------------------------------------------------------------------------------------
    async def _call(self, call: Call) -> None:
        if self._free is None:
            self._free = asyncio.Semaphore(MAX_CALLS)
        await self._free.acquire()
        task = asyncio.create_task(self._answer(call))
        self._calls[task] = None
        task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._calls.pop(task, None)
        if self._free is not None:
            self._free.release()

    async def _answer(self, call: Call) -> None:
        context = Context(self._address, self.caller)
        try:
            answer = await self._parts.dispatcher.call(context, call.command, bytes(call.args), _decode_args)
        except ProblemError as error:
            self.send(ProblemFrame(call.id, error.problem))
        else:
            self.send(Result(call.id, msgspec.Raw(_encode(answer))))

    # --- logs ---------------------------------------------------------------------------------------
    async def _reader(self, log: str) -> tuple[str, Reader | None]:
        """The internal name of a log, and who reads it.

        Raises:
            ProblemError: `notFound`, the same for a log that is unknown and one that is not for this device.
        """
        if self.caller is None:
            raise refuse("notSignedIn", "sign in first: this needs a token", log=log)
        if log == INBOX:
            return logs.inbox_log(self.caller.account), None
        caller, room = self.caller, room_of(log)
        if room is not None and log == log.lower():
            try:
                shown = await self._parts.store.read(
                    lambda tx: rooms.device_windows(tx, room, caller.did, caller.device_id)
                )
            except Exception as error:
                raise problem_error(error, "subscribe") from error
            if shown:
                return log, Reader(caller.did, caller.device_id)
        raise refuse("notFound", "there is no such log for this device", log=log[:100])

    def _subscribe(self, frame: Subscribe, target: tuple[str, Reader | None]) -> None:
        log, reader = target
        self._unsubscribe(frame.log)
        if len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
            raise refuse("tooMany", f"a stream reads at most {MAX_SUBSCRIPTIONS} logs", log=frame.log)
        # All who read a room share its name.
        log, name = sys.intern(log), sys.intern(frame.log)
        subscription = Subscription(log, name, self._outlet, self._catch_up, frame.after, reader)
        self._subscriptions[name] = subscription
        self._parts.fanout.add(subscription)

    def _unsubscribe(self, log: str) -> None:
        subscription = self._subscriptions.pop(log, None)
        if subscription is not None:
            self._parts.fanout.remove(subscription)

    def _ack(self, ack: Ack) -> None:
        subscription = self._subscriptions.get(ack.log)
        if subscription is None or self._acks is None:
            raise refuse("notFound", "subscribe to a log before you acknowledge it", log=ack.log[:100])
        self._acks.note(subscription.log, ack.position)


def _decode(message: bytes) -> ClientFrame:
    """Read a client's frame through the strict gate.

    Raises:
        ProblemError: `badRequest`, `tooLarge`, or `unsupported` for a frame that a newer client may know.
    """
    try:
        frame: ClientFrame = decode_msgpack(message, ClientFrame, limit=limits.STREAM_FRAME)
    except GateError as error:
        if error.rule == "shape" and _tag(message) not in _TAGS:
            raise refuse("unsupported", "this node does not know that frame") from error
        code = "tooLarge" if error.rule == "tooLarge" else "badRequest"
        raise refuse(code, str(error), rule=error.rule) from error
    return frame


def _tag(message: bytes) -> str:
    try:
        return msgspec.msgpack.decode(message, type=_Tagged).t
    except msgspec.DecodeError:
        return str(ClientHello.__struct_config__.tag)  # no tag at all: a bad request, not a new frame


_decoders: dict[type[Command], msgspec.msgpack.Decoder[Command]] = {}


def _decode_args(args: bytes, kind: type[Command]) -> Command:
    """Read a call's struct; the gate has seen the whole frame already."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.msgpack.Decoder(kind)
    try:
        return decoder.decode(args)
    except msgspec.DecodeError as error:
        raise ProblemError(Problem("badRequest", f"{kind.name}: {error}")) from error

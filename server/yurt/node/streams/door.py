"""The stream's door: `GET /api/v1/stream` becomes a WebSocket, and every open stream is known here.

Deflate is off (ciphertext does not compress, and it costs 100 KiB a connection). A client says hello within
five seconds; a device has at most five streams (the oldest goes); a stop says `bye` to all and is over
within two seconds, whatever the clients do.
"""

import asyncio
import contextlib
import logging
from typing import Final

from aiohttp import WSMessage, WSMsgType, web

from yurt.node.dispatcher import Caller
from yurt.node.store.types import StoreError
from yurt.node.streams.catch_up import Stalled, StreamCatchUp, drained
from yurt.node.streams.raw_write import Cork, Outlet, open_outlet
from yurt.node.streams.stream import GoodBye, Parts, Stream
from yurt.wire import limits
from yurt.wire.frames import Bye
from yurt.wire.problems import refuse

_log = logging.getLogger(__name__)
STREAM_PATH: Final = "/api/v1/stream"
HELLO_S: Final = 5.0
SIGN_IN_S: Final = 300.0
"""Joining stretches a passphrase, linking a device takes two minutes; nothing else is done signed out."""
PING_S: Final = 20.0
CHECK_S: Final = 10.0
"""How often the tokens of open streams are looked at again."""
MAX_STREAMS: Final = 5
"""Open streams of one device."""
CLOSE_S: Final = 1.0
FINISH_S: Final = 1.0
_CALL_HIGH_WATER: Final = 1024 * 1024
"""A client that calls and calls but does not read waits above this many bytes."""

NO_HELLO: Final = 4001
SIGNED_OUT: Final = 4003
STALLED: Final = 4008
RESTART: Final = 1012


class _Open:
    """One open WebSocket and what belongs to it."""

    __slots__ = ("_closing", "_transport", "outlet", "stream", "ws")

    def __init__(self, request: web.Request, ws: web.WebSocketResponse, parts: Parts, cork: Cork) -> None:
        self.ws = ws
        self.outlet: Outlet = open_outlet(request, ws, cork)
        self.stream = Stream(
            parts, self.outlet, StreamCatchUp(parts.store, self.outlet, self._stalled), request.remote or ""
        )
        self._transport = request.transport
        self._closing: asyncio.Task[None] | None = None

    def close(self, code: int, reason: str, retry_after: float = 0.0) -> asyncio.Task[None]:
        """Say bye and close, without waiting for the client for longer than `CLOSE_S`."""
        if self._closing is None:
            self.stream.send(Bye(reason, retry_after))
            self.outlet.close()
            self._closing = asyncio.create_task(self._close(code, reason), name="closing a stream")
        return self._closing

    async def closed(self) -> None:
        """Wait for the end of a close that has begun."""
        if self._closing is not None:
            await self._closing

    async def _close(self, code: int, reason: str) -> None:
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(CLOSE_S):
                await self.ws.close(code=code, message=reason.encode())
        if self._transport is not None:
            # aiohttp only asks it to close once everything is sent; a peer that takes nothing would hold it.
            self._transport.abort()

    def _stalled(self, reason: str) -> None:
        self.close(STALLED, reason)


class StreamDoor:
    """Takes streams in, and lets them all go."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._cork = Cork()
        self._open: dict[_Open, None] = {}
        self._of_device: dict[Caller, list[_Open]] = {}
        self._checking = asyncio.create_task(self._check(), name="tokens of streams")
        self._stopping = False

    def routes(self) -> list[web.AbstractRouteDef]:
        """What this part answers."""
        return [web.get(STREAM_PATH, self.handle)]

    def __len__(self) -> int:
        """How many streams are open."""
        return len(self._open)

    @property
    def waiting(self) -> int:
        """Bytes that clients have not taken yet, for the metrics."""
        return sum(one.outlet.waiting for one in self._open)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one stream until it ends.

        Raises:
            ProblemError: `badRequest` without a WebSocket handshake, `stopping`.
        """
        if self._stopping:
            raise refuse("stopping", "the node is stopping; try again in a moment", retry_after=2.0)
        ws = web.WebSocketResponse(
            timeout=CLOSE_S, heartbeat=PING_S, compress=False, max_msg_size=limits.STREAM_FRAME
        )
        if not ws.can_prepare(request):
            raise refuse("badRequest", "this address is for WebSockets")
        await ws.prepare(request)
        ws.headers.clear()  # they are sent; thousands of streams would keep them to their end
        opened = _Open(request, ws, self._parts, self._cork)
        self._open[opened] = None
        try:
            await self._serve(opened)
        finally:
            await opened.stream.finish(FINISH_S)
            opened.outlet.flush()
            await opened.closed()
            self._forget(opened)
        return ws

    async def stop(self) -> None:
        """Say bye to every stream and close them, within two seconds."""
        self._stopping = True
        self._checking.cancel()
        closing = [one.close(RESTART, "stopping", retry_after=1.0) for one in list(self._open)]
        if closing:
            await asyncio.wait(closing, timeout=2 * CLOSE_S)

    async def check_tokens(self, did: str = "") -> None:
        """Close the streams whose device was signed out, by whatever door, or whose token is over.

        Args:
            did: Of this person only.
        """
        shown = {
            one.stream.token: one.stream.caller
            for one in self._open
            if one.stream.caller is not None and did in ("", one.stream.caller.did)
        }
        if not shown:
            return
        try:
            over = await self._parts.tokens.ended(shown)
        except StoreError:
            _log.warning("the tokens of open streams could not be read; they are looked at again")
            return
        for one in [one for one in self._open if one.stream.token in over]:
            one.close(SIGNED_OUT, over[one.stream.token])

    async def _check(self) -> None:
        while True:
            await asyncio.sleep(CHECK_S)
            await self.check_tokens()

    async def _serve(self, opened: _Open) -> None:
        try:
            async with asyncio.timeout(HELLO_S):
                while not opened.stream.greeted and await self._next(opened):
                    pass
            # Who never signs in holds a place that somebody else needs.
            async with asyncio.timeout(SIGN_IN_S):
                while opened.stream.caller is None and await self._next(opened):
                    await drained(opened.outlet, _CALL_HIGH_WATER)
            if opened.stream.caller is not None:
                self._limit(opened, opened.stream.caller)
                # Thousands wait in this line: a coroutine or a timeout less in it is memory.
                while await self._take(opened, await opened.ws.receive()):
                    await drained(opened.outlet, _CALL_HIGH_WATER)
        except TimeoutError:
            opened.close(NO_HELLO, "no hello, or nobody signed in, in time")
        except GoodBye as bye:
            opened.close(bye.code, bye.reason)
        except Stalled:
            opened.close(STALLED, "nothing was taken for too long; reconnect and resume")

    async def _next(self, opened: _Open) -> bool:
        """Handle the next message; False at the end of the stream."""
        return await self._take(opened, await opened.ws.receive())

    async def _take(self, opened: _Open, message: WSMessage) -> bool:
        if message.type is WSMsgType.BINARY:
            await opened.stream.take(message.data)
            return True
        if message.type is WSMsgType.TEXT:
            raise GoodBye(1003, "frames are binary")
        return False

    def _limit(self, opened: _Open, caller: Caller) -> None:
        same = self._of_device.setdefault(caller, [])
        same.append(opened)
        for oldest in same[:-MAX_STREAMS]:
            oldest.close(1008, "this device opened too many streams")

    def _forget(self, opened: _Open) -> None:
        del self._open[opened]
        caller = opened.stream.caller
        same = self._of_device.get(caller, []) if caller is not None else []
        if opened in same:
            same.remove(opened)
        if caller is not None and not same:
            self._of_device.pop(caller, None)

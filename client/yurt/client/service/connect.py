"""``connect``: whoever comes first holds the engine, everybody else is a thin client of it.

If the holder leaves, a thin client takes over: it opens the vault, serves the socket, and repeats what it
had asked. The engine's modules are imported only by a holder; a thin client is light.

    engine = await connect(home, passphrase=ask, network=network, clock=clock)
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from typing_extensions import override

from yurt.client.api import (
    DEFAULT_PAGE,
    NEWEST,
    A,
    EngineApi,
    ParticipantView,
    PersonView,
    RoleName,
    RoomView,
    Sent,
    Status,
    TimelineItem,
    Wait,
)
from yurt.client.calls import EngineCall
from yurt.client.clock import Clock
from yurt.client.community import encode
from yurt.client.errors import Closed, Disconnected, NoVault, VaultHeld
from yurt.client.service import every_call, protocol
from yurt.client.service.connection import Connection
from yurt.client.service.dispatch import dispatch
from yurt.client.service.lock import VaultLock
from yurt.client.service.protocol import AnyRequest, Watch
from yurt.client.service.server import EngineServer
from yurt.wire.command import Command
from yurt.wire.network_map import NetworkMap
from yurt.wire.registry import ROOM_ID_SIZE

T = TypeVar("T")
Passphrase = Callable[[], str]
"""Gives the passphrase when, and only if, this process must open the vault."""
TAKE_OVER_S: Final = 15.0
"""How long to wait for whoever holds the lock and does not serve the socket yet."""
_RETRY_S: Final = 0.05
_CONTENT_ID_SIZE: Final = 16


class HeldEngine:
    """An engine in this process, that also serves the socket."""

    def __init__(self, lock: VaultLock, engine: EngineApi, server: EngineServer) -> None:
        self._lock = lock
        self._engine = engine
        self._server = server

    @classmethod
    async def serve(cls, lock: VaultLock, home: Path, engine: EngineApi) -> "HeldEngine":
        """Serve an engine that was opened under the lock."""
        server = EngineServer(home, engine)
        await server.start()
        return cls(lock, engine, server)

    async def ask(self, request: AnyRequest, _shape: type[T]) -> T:
        """Do it here; `_shape` is what the method returns."""
        value: Any = await dispatch(self._engine, request)
        return cast("T", value)

    def watch(self, request: Watch) -> AsyncIterator[TimelineItem]:
        """Watch here."""
        return self._engine.watch(request.room, after=request.after, revision=request.revision)

    async def close(self) -> None:
        """Answer what runs, then leave the vault to the next."""
        await self._server.close()
        await self._engine.close()
        self._lock.release()


class SharedEngine(EngineApi):
    """``EngineApi`` on whatever engine there is, here or elsewhere."""

    def __init__(self, home: Path, passphrase: Passphrase, network: NetworkMap | None, clock: Clock) -> None:
        self._home = home
        self._passphrase = passphrase
        self._network = network
        self._clock = clock
        self._end: HeldEngine | Connection | None = None
        self._electing = asyncio.Lock()
        self._closed = False

    async def reach(self) -> None:
        """Find or become the holder.

        Raises:
            NoVault, WrongPassphrase, VaultTooNew, VaultHeld: See `yurt.client.errors`.
        """
        await self._reach()

    # --- EngineApi ----------------------------------------------------------------------------------
    @override
    async def status(self) -> Status:
        return await self._ask(protocol.GetStatus(), Status)

    @override
    async def create_room(self, name: str, *, room: bytes = b"") -> RoomView:
        return await self._ask(protocol.CreateRoom(name, room or os.urandom(ROOM_ID_SIZE)), RoomView)

    @override
    async def rooms(self) -> list[RoomView]:
        return await self._ask(protocol.GetRooms(), list[RoomView])

    @override
    async def invite(self, room: bytes, address: str) -> PersonView:
        return await self._ask(protocol.Invite(room, address), PersonView)

    @override
    async def participants(self, room: bytes) -> list[ParticipantView]:
        return await self._ask(protocol.GetParticipants(room), list[ParticipantView])

    @override
    async def remove(self, room: bytes, address: str) -> None:
        await self._ask(protocol.Remove(room, address), type(None))

    @override
    async def set_role(self, room: bytes, address: str, role: RoleName) -> None:
        await self._ask(protocol.SetRole(room, address, role), type(None))

    @override
    async def send(
        self, room: bytes, text: str, *, wait: Wait = "stored", content_id: bytes = b"", reply_to: int = 0
    ) -> Sent:
        return await self._ask(protocol.Send(room, text, wait, _name(content_id), reply_to), Sent)

    @override
    async def edit(
        self, room: bytes, item: int, text: str, *, wait: Wait = "stored", content_id: bytes = b""
    ) -> Sent:
        return await self._ask(protocol.Edit(room, item, text, wait, _name(content_id)), Sent)

    @override
    async def delete(self, room: bytes, item: int, *, wait: Wait = "stored", content_id: bytes = b"") -> Sent:
        return await self._ask(protocol.Delete(room, item, wait, _name(content_id)), Sent)

    @override
    async def react(
        self,
        room: bytes,
        item: int,
        emoji: str,
        *,
        undo: bool = False,
        wait: Wait = "stored",
        content_id: bytes = b"",
    ) -> Sent:
        return await self._ask(protocol.React(room, item, emoji, undo, wait, _name(content_id)), Sent)

    @override
    async def timeline(
        self, room: bytes, *, after: int = 0, before: int = 0, limit: int = DEFAULT_PAGE
    ) -> list[TimelineItem]:
        return await self._ask(protocol.GetTimeline(room, after, before, limit), list[TimelineItem])

    @override
    async def search(
        self, words: str, *, room: bytes | None = None, before: int = NEWEST, limit: int = DEFAULT_PAGE
    ) -> list[TimelineItem]:
        return await self._ask(protocol.Search(words, room, before, limit), list[TimelineItem])

    @override
    async def mark_read(self, room: bytes, item: int) -> None:
        await self._ask(protocol.MarkRead(room, item), type(None))

    @override
    async def person(self, address: str) -> PersonView:
        return await self._ask(protocol.GetPerson(address), PersonView)

    @override
    async def watch(
        self, room: bytes | None, *, after: int = 0, revision: int = 0
    ) -> AsyncIterator[TimelineItem]:
        while True:
            end = await self._reach()
            try:
                async for item in end.watch(Watch(room, after, revision)):
                    yield item
                    revision = item.revision  # lines come in its order: the next holder goes on here
            except (Disconnected, Closed):
                self._lost(end)

    @override
    async def verify(self, address: str, number: str) -> PersonView:
        return await self._ask(protocol.Verify(address, number), PersonView)

    @override
    async def trust(self, address: str) -> PersonView:
        return await self._ask(protocol.Trust(address), PersonView)

    @override
    async def follow(self, address: str) -> PersonView:
        return await self._ask(protocol.Follow(address), PersonView)

    @override
    async def unfollow(self, address: str) -> None:
        await self._ask(protocol.Unfollow(address), type(None))

    @override
    async def followers(self) -> list[PersonView]:
        return await self._ask(protocol.GetFollowers(), list[PersonView])

    @override
    async def following(self) -> list[PersonView]:
        return await self._ask(protocol.GetFollowing(), list[PersonView])

    @override
    async def ask_node(self, command: Command, shape: type[A]) -> A:
        return await self._ask(protocol.AskNode(command.name, encode(command)), shape)

    @override
    async def call(self, call: EngineCall, shape: type[T]) -> T:
        return await self._ask(protocol.CallPart(call.name, every_call.encode(call)), shape)

    @override
    async def sync(self, within: float = 10.0) -> bool:
        return await self._ask(protocol.Sync(within), bool)

    @override
    async def close(self) -> None:
        self._closed = True
        end, self._end = self._end, None
        if end is not None:
            await end.close()

    # --- finding the engine -------------------------------------------------------------------------
    async def _ask(self, request: AnyRequest, shape: type[T]) -> T:
        while True:
            end = await self._reach()
            try:
                return await end.ask(request, shape)
            except Disconnected:
                self._lost(end)

    def _lost(self, end: HeldEngine | Connection) -> None:
        if self._closed:
            raise Closed("engine")
        if self._end is end:
            self._end = None

    async def _reach(self) -> HeldEngine | Connection:
        async with self._electing:
            if self._closed:
                raise Closed("engine")
            if self._end is None:
                self._end = await self._elect()
            return self._end

    async def _elect(self) -> HeldEngine | Connection:
        try:
            async with asyncio.timeout(TAKE_OVER_S):
                end = await self._next()
        except TimeoutError:
            raise VaultHeld from None
        # Outside the time limit: a person may be typing a passphrase.
        return await self._hold(end) if isinstance(end, VaultLock) else end

    async def _next(self) -> VaultLock | Connection:
        """Wait until somebody serves the vault, or nobody holds it."""
        while True:
            end = await Connection.open(self._home) or self._try_lock()
            if end is not None:
                return end
            await asyncio.sleep(_RETRY_S)

    def _try_lock(self) -> VaultLock | None:
        from yurt.client.vault.open import exists  # a thin client needs no SQLCipher

        if not exists(self._home):
            raise NoVault(self._home)
        return VaultLock.acquire(self._home)

    async def _hold(self, lock: VaultLock) -> HeldEngine:
        from yurt.client.engine import Engine  # nor MLS

        try:
            passphrase = await asyncio.to_thread(self._passphrase)
            engine = await Engine.open(
                self._home, passphrase, network=self._network, clock=self._clock, lock=lock
            )
            return await HeldEngine.serve(lock, self._home, engine)
        except BaseException:
            lock.release()
            raise


async def connect(
    home: Path, *, passphrase: Passphrase, network: NetworkMap | None, clock: Clock
) -> EngineApi:
    """Use the engine of a vault, wherever it runs.

    Raises:
        NoVault, WrongPassphrase, VaultTooNew, VaultHeld: See `yurt.client.errors`.
    """
    engine = SharedEngine(home, passphrase, network, clock)
    await engine.reach()
    return engine


def _name(content_id: bytes) -> bytes:
    """Name what is said here, so that it is said once whatever holder is asked."""
    return content_id or os.urandom(_CONTENT_ID_SIZE)

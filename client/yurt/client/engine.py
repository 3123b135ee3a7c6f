"""The engine: one person's client without a screen. It puts the parts together and holds no rule.

    engine, phrase = await Engine.join(home, link, "ana", passphrase, network=network, clock=clock, ...)
    engine = await Engine.open(home, passphrase, network=network, clock=clock)

Several may run in one process, each on a vault of its own; there are no globals and no environment.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, Self, cast

from sqlcipher3.dbapi2 import Connection
from typing_extensions import override

from yurt.client import identity
from yurt.client.addresses import Addresses
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
    T,
    TimelineItem,
    Wait,
)
from yurt.client.blocking import Blocking
from yurt.client.calls import EngineCall, EngineCalls
from yurt.client.clock import Clock, SystemClock
from yurt.client.community import check_asked
from yurt.client.conversations.part import Conversations
from yurt.client.core import Core
from yurt.client.devices.from_kit import FromKit
from yurt.client.devices.part import DevicesPart
from yurt.client.errors import NoVault, VaultHeld
from yurt.client.identity import KeepPhrase
from yurt.client.intake import Intake
from yurt.client.invitations.part import Invitations
from yurt.client.links import check_name, parse_invite
from yurt.client.moving.mover import Mover
from yurt.client.outbox import Outbox
from yurt.client.people import People
from yurt.client.portability.part import PortabilityPart
from yurt.client.rooms import actions, key_package_supply, standing
from yurt.client.rooms.code import RoomCodes
from yurt.client.rooms.commit import Committer
from yurt.client.rooms.create import create_room
from yurt.client.rooms.groups import Groups
from yurt.client.rooms.heal import Healer
from yurt.client.rooms.invite import invite
from yurt.client.rooms.places import Places
from yurt.client.rooms.room_parts import RoomParts
from yurt.client.rooms.send import store_note
from yurt.client.service.lock import VaultLock
from yurt.client.session import Session
from yurt.client.stream import Stream
from yurt.client.vault import accounts, outbox, read_marks, rooms, timeline
from yurt.client.vault import open as vaults
from yurt.client.vault.accounts import Account
from yurt.client.vault.open import Vault
from yurt.client.vault.writer import Unit
from yurt.client.views import room_view, room_views, searchable, sent_view, status_view
from yurt.identity.phrase import RecoveryPhrase
from yurt.rooms.common.content import CONTENT_ID_SIZE
from yurt.wire.command import Command
from yurt.wire.frames import INBOX, room_log
from yurt.wire.network_map import NetworkMap
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.registry import ROOM_ID_SIZE

ACCEPTED_S: Final = 15.0
"""How long ``send`` waits for the hub before it says that the message is stored."""
SUPPLIED_S: Final = 10.0
"""How long ``join`` waits for the first key packages to be published."""
DECIDED: Final = frozenset({"accepted", "settled", "refused"})


class Engine(EngineApi):
    """A running client."""

    def __init__(
        self, vault: Vault, account: Account, network: NetworkMap | None, clock: Clock, lock: VaultLock
    ) -> None:
        self._lock = lock
        groups, places = Groups(), Places()
        vault.on_rollback(groups.clear)
        vault.on_rollback(places.clear)
        session = Session(account.node, network)
        self._core = Core(vault, account, identity.device_of(account), clock, session, groups)
        self._people = People(self._core)
        self._committer = Committer(self._core)
        self._outbox = Outbox(self._core, self._committer)
        self._intake = Intake(self._core, places, self._outbox)
        self._healer = Healer(self._core, self._outbox)
        self._intake.on_stopped = self._healer.kick
        self._addresses = Addresses(self._core, self._people, self._outbox)
        self._intake.on_people = self._addresses.look
        self._parts: EngineCalls = {
            **self._healer.calls(),
            **self._addresses.calls(),
            **RoomCodes(self._core).calls(),
        }
        """What else may be asked, and who answers; a part of the engine adds its own here."""
        self._blocking = Blocking(self._core)
        self._parts |= self._blocking.calls()
        self._intake.on_live.append(self._blocking.live)
        self._devices = DevicesPart(self._core, self._committer)
        self._parts |= self._devices.calls() | FromKit(self._core, self._healer).calls()
        self._intake.on_record = self._devices.heard
        self._intake.on_live.append(self._devices.live)
        self._portability = PortabilityPart(self._core)
        self._devices.on_kit = self._portability.keeper.touched
        self._parts |= self._portability.calls()
        self._invitations = Invitations(self._core, self._people, self._committer)
        self._parts |= self._invitations.calls()
        self._intake.on_live.append(self._invitations.live)
        self._intake.on_ring.append(self._invitations.ring)
        self._conversations = Conversations(self._core)
        self._parts |= self._conversations.calls()
        self._intake.on_live.append(self._conversations.live)
        self._parts |= Mover(self._core, network, self._committer, self._healer).calls()
        self._beside = RoomParts(self._core, self._outbox, places, self._people, self._committer)
        self._parts |= self._beside.calls()
        self._intake.on_live.append(self._beside.live)
        self._intake.on_ring.append(self._beside.ring)
        self._supplied = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    # --- beginnings and the end ---------------------------------------------------------------------
    @classmethod
    async def open(
        cls,
        home: Path,
        passphrase: str,
        *,
        network: NetworkMap | None = None,
        clock: Clock | None = None,
        lock: VaultLock | None = None,
    ) -> Self:
        """Open a vault and run on it; connecting goes on in the background.

        Args:
            home: The vault's folder.
            passphrase: Opens it.
            network: The network map; its CA path absolute.
            clock: The system's, if not given.
            lock: The vault's, if the caller holds it already; it stays the caller's to release.

        Raises:
            NoVault, WrongPassphrase, VaultTooNew, VaultHeld: See `yurt.client.errors`.
        """
        held = lock or _lock(home)
        try:
            vault, account = await _open(home, passphrase)
            engine = cls(vault, account, network, clock or SystemClock(), held)
            await engine._start(None)
        except BaseException:
            if lock is None:
                held.release()
            raise
        return engine

    @classmethod
    async def join(
        cls,
        home: Path,
        link: str,
        name: str,
        passphrase: str,
        *,
        keep_phrase: KeepPhrase,
        network: NetworkMap | None = None,
        clock: Clock | None = None,
    ) -> tuple[Self, str]:
        """Make an account from an invite and run on its new vault.

        Args:
            home: The vault's folder.
            link: ``https://NODE/i/CODE#SECRET``.
            name: The account's name.
            passphrase: Will open the vault.
            keep_phrase: Shows or stores the recovery phrase, before the node is asked.
            network: The network map; its CA path absolute.
            clock: The system's, if not given.

        Returns:
            The engine, and the 24 words; empty when an unfinished join was finished.

        Raises:
            ClientError, ProblemError: See `yurt.client.identity.join`; nothing half-made is left.
        """
        invitation, words = parse_invite(link), list[str]()

        def keep(phrase: RecoveryPhrase) -> None:
            words.extend(phrase.words)
            keep_phrase(phrase)

        clock, lock = clock or SystemClock(), _lock(home)
        try:
            joined = await identity.join(
                home,
                invitation,
                check_name(name),
                passphrase,
                network=network,
                clock=clock,
                keep_phrase=keep,
            )
            engine = cls(joined.vault, joined.account, network, clock, lock)
            await engine._start(joined.stream)
            await engine._can_be_added()
        except BaseException:
            if vaults.exists(home):
                lock.release()
            else:
                lock.remove()
            raise
        return engine, " ".join(words)

    async def _start(self, stream: Stream | None) -> None:
        core = self._core
        await core.session.follow(INBOX)
        for room in await core.vault.read(rooms.every):
            if room.state == "active":
                await core.session.follow(room_log(room.room))
        await self._devices.start()
        self._portability.start()
        core.session.start(self._sign_in, self._intake, stream)
        self._addresses.start()
        self._keeper = asyncio.create_task(self._keep(), name="engine keeper")

    @override
    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        self._intake.close()
        await self._invitations.close()
        await self._healer.close()
        await self._beside.close()
        await self._conversations.close()
        await self._addresses.close()
        await self._devices.close()
        await self._blocking.close()
        await self._portability.close()
        await self._outbox.close()
        await self._core.session.close()
        await self._core.vault.close()
        self._lock.release()

    async def _sign_in(self, stream: Stream) -> None:
        core = self._core
        core.account = await identity.sign_in(stream, core.vault, core.account)

    async def _can_be_added(self) -> None:
        """Wait, a little, until the node has key packages: then others can add this person to a room."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SUPPLIED_S):
                await self._supplied.wait()

    async def _keep(self) -> None:
        """After each catching up: rooms half-created, key packages; those now and then besides."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(key_package_supply.next_look_s()):
                    await self._intake.inbox_live.wait()
            self._intake.inbox_live.clear()
            for room in await self._core.vault.read(rooms.every):
                if room.state == "creating":
                    self._outbox.kick(room.room)
            await self._healer.look()
            self._addresses.look(anew=True)
            self._devices.look()
            try:
                await key_package_supply.refill(self._core, self._supplied)
            except ProblemError:
                continue  # the next stream tries again

    # --- rooms --------------------------------------------------------------------------------------
    @override
    async def create_room(self, name: str, *, room: bytes = b"") -> RoomView:
        room = room or os.urandom(ROOM_ID_SIZE)
        await create_room(self._core, name, room)
        self._outbox.kick(room)
        return await self._room(room)

    @override
    async def rooms(self) -> list[RoomView]:
        me = self._core.account.address
        return await self._core.vault.read(lambda tx: room_views(tx, me))

    @override
    async def invite(self, room: bytes, address: str) -> PersonView:
        return await invite(self._core, self._people, self._committer, room, address)

    @override
    async def participants(self, room: bytes) -> list[ParticipantView]:
        # On the writer's thread: only it touches the groups.
        return await self._core.vault.write(lambda tx: standing.participants(tx, self._core.groups, room))

    @override
    async def remove(self, room: bytes, address: str) -> None:
        await standing.remove(self._core, self._committer, room, address)

    @override
    async def set_role(self, room: bytes, address: str, role: RoleName) -> None:
        await standing.set_role(self._core, self._committer, room, address, role)

    @override
    async def send(
        self, room: bytes, text: str, *, wait: Wait = "stored", content_id: bytes = b"", reply_to: int = 0
    ) -> Sent:
        device, name = self._core.device, content_id or os.urandom(CONTENT_ID_SIZE)
        return await self._say(room, wait, lambda tx: store_note(tx, device, room, name, text, reply_to))

    @override
    async def edit(
        self, room: bytes, item: int, text: str, *, wait: Wait = "stored", content_id: bytes = b""
    ) -> Sent:
        return await self._act(room, item, actions.edit(text), wait, content_id)

    @override
    async def delete(self, room: bytes, item: int, *, wait: Wait = "stored", content_id: bytes = b"") -> Sent:
        return await self._act(room, item, actions.delete(), wait, content_id)

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
        return await self._act(room, item, actions.react(emoji, undo=undo), wait, content_id)

    async def _act(self, room: bytes, item: int, do: actions.Do, wait: Wait, content_id: bytes) -> Sent:
        core, name = self._core, content_id or os.urandom(CONTENT_ID_SIZE)
        return await self._say(
            room,
            wait,
            lambda tx: actions.store_action(tx, core.device, core.groups, room, name, item, do),
        )

    async def _say(self, room: bytes, wait: Wait, store: Unit[int]) -> Sent:
        core = self._core
        item = await core.write(store)
        self._outbox.kick(room)
        if wait == "accepted":
            await core.until(lambda tx: sent_view(tx, item).state in DECIDED, ACCEPTED_S)
        return await core.vault.read(lambda tx: sent_view(tx, item))

    @override
    async def timeline(
        self, room: bytes, *, after: int = 0, before: int = 0, limit: int = DEFAULT_PAGE
    ) -> list[TimelineItem]:
        if before:
            return await self._core.vault.read(lambda tx: timeline.page_before(tx, room, before, limit))
        return await self._core.vault.read(lambda tx: timeline.page(tx, room, after, limit))

    @override
    async def search(
        self, words: str, *, room: bytes | None = None, before: int = NEWEST, limit: int = DEFAULT_PAGE
    ) -> list[TimelineItem]:
        wanted = searchable(words)
        return await self._core.vault.read(lambda tx: timeline.search(tx, room, wanted, before, limit))

    @override
    async def mark_read(self, room: bytes, item: int) -> None:
        await self._core.write(lambda tx: read_marks.advance(tx, room, item))
        self._beside.read(room)

    @override
    async def watch(
        self, room: bytes | None, *, after: int = 0, revision: int = 0
    ) -> AsyncIterator[TimelineItem]:
        core, since = self._core, revision
        since = since or await core.vault.read(timeline.revision)
        while True:
            ring = core.bell.next()
            page = await core.vault.read(
                partial(timeline.changed, room=room, revision=revision, after=after, since=since)
            )
            for item in page:
                yield item
                revision = item.revision
            if not page:
                await ring.wait()

    async def _room(self, room: bytes) -> RoomView:
        def look(tx: Connection) -> RoomView:
            found = rooms.find(tx, room)
            if found is None:
                raise refuse("notFound", "there is no such room here: `yurt rooms` lists them")
            return room_view(tx, found, self._core.account.address)

        return await self._core.vault.read(look)

    # --- people -------------------------------------------------------------------------------------
    @override
    async def person(self, address: str) -> PersonView:
        return await self._people.known(address)

    @override
    async def verify(self, address: str, number: str) -> PersonView:
        return await self._people.verify(address, number)

    @override
    async def trust(self, address: str) -> PersonView:
        person = await self._people.trust(address)
        for room in await self._core.vault.read(rooms.every):
            self._outbox.kick(room.room)  # what was held back may go now
        return person

    @override
    async def follow(self, address: str) -> PersonView:
        person = await self._people.follow(address)
        self._portability.keeper.touched()
        return person

    @override
    async def unfollow(self, address: str) -> None:
        await self._people.unfollow(address)
        self._portability.keeper.touched()

    @override
    async def followers(self) -> list[PersonView]:
        return await self._people.followers()

    @override
    async def following(self) -> list[PersonView]:
        return await self._people.following()

    @override
    async def ask_node(self, command: Command, shape: type[A]) -> A:
        check_asked(command)
        answer = await self._core.session.call(command, shape)
        self._portability.keeper.asked(command)
        await self._blocking.asked(command)
        return answer

    @override
    async def call(self, call: EngineCall, shape: type[T]) -> T:
        handler = self._parts.get(type(call))
        if handler is None:
            return await super().call(call, shape)
        return cast("T", await handler(call))

    # --- how it stands ------------------------------------------------------------------------------
    @override
    async def status(self) -> Status:
        core = self._core
        return await core.vault.read(lambda tx: status_view(tx, core.account, core.session))

    @override
    async def sync(self, within: float = 10.0) -> bool:
        core, loop = self._core, asyncio.get_running_loop()
        deadline = loop.time() + within
        while (left := deadline - loop.time()) > 0:
            live = await core.session.wait_all_live(left)
            sent = await core.until(lambda tx: outbox.count(tx) == 0, max(0.0, deadline - loop.time()))
            if live and sent and core.session.all_live:
                return True
        return False


async def _open(home: Path, passphrase: str) -> tuple[Vault, Account]:
    vault = await asyncio.to_thread(Vault.open, home, passphrase)
    account = await vault.read(accounts.load)
    if account is None or account.state != "joined":
        await vault.close()
        raise NoVault(home)
    return vault, account


def _lock(home: Path) -> VaultLock:
    lock = VaultLock.acquire(home)
    if lock is None:
        raise VaultHeld
    return lock

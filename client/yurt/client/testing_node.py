"""One small node for stories of clients: real TLS, real WebSockets, the hub's own rules; tests only.

``FakeNode`` speaks the frames of ``yurt.wire`` and decides with ``yurt.rooms.hub``; what it leaves out is
everything that a node has besides (accounts in a database, other nodes, limits). It can misbehave: lose an
answer after it did the work, refuse, go away.
"""

import asyncio
import hashlib
import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from yurt.client.clock import SystemClock
from yurt.client.testing_beside import Beside
from yurt.client.testing_waits import PATIENCE_S
from yurt.identity.signed_record import SignedRecord, verify_first
from yurt.rooms.common.errors import EpochTooOld, Refused, WrongEpoch
from yurt.rooms.common.invite_link import link_code
from yurt.rooms.hub.effects import DeliverWelcome
from yurt.rooms.hub.open_room import open_room
from yurt.rooms.hub.order import Submission, accept, next_row
from yurt.rooms.hub.state import HubState
from yurt.wire.account_commands import Join, Login, SignedIn
from yurt.wire.command import Answer, Command, Done
from yurt.wire.commands import COMMANDS
from yurt.wire.exchange import WelcomeDelivery
from yurt.wire.frames import (
    Ack,
    Call,
    ClientFrame,
    ClientHello,
    Entries,
    Frame,
    Limits,
    NodeHello,
    ProblemFrame,
    Result,
    Ring,
    Subscribe,
    Unsubscribe,
    room_log,
)
from yurt.wire.key_package_commands import Claimed, ClaimKeyPackages, KeyPackageCount, PublishKeyPackages
from yurt.wire.link_commands import (
    Asked,
    AskToJoin,
    EndLink,
    FetchLink,
    KeepLink,
    LentRequests,
    LinkContent,
    TakeRequests,
)
from yurt.wire.network_map import Endpoint
from yurt.wire.people_commands import Block, Person, Resolve, Unblock
from yurt.wire.position import START, LogRow, Position
from yurt.wire.problems import Problem, ProblemError, refuse
from yurt.wire.registry import MAX_COMMIT_SIZE, MAX_ENTRY_SIZE, EntryKind, InboxKind
from yurt.wire.resync_commands import FetchGroupInfo, RoomGroup
from yurt.wire.room_commands import Append, Appended, CreateRoom

HARBOUR: Final = "harbour.example"
INVITE_SECRET: Final = bytes(range(16))
_clock: Final = SystemClock()


@dataclass(slots=True)
class Resident:
    """An account of the fake node."""

    join: Join
    did: str
    token: str
    packages: list[bytes] = field(default_factory=list[bytes])

    @property
    def actor(self) -> str:
        """The actor URL."""
        return f"https://{HARBOUR}/users/{self.join.account}"


@dataclass(slots=True, eq=False)
class Door:
    """One open stream."""

    socket: ServerConnection
    who: Resident | None = None
    reads: dict[str, Position] = field(default_factory=dict[str, Position])

    async def say(self, frame: Frame) -> None:
        """Send a frame."""
        await self.socket.send(msgspec.msgpack.encode(frame))


class FakeNode:
    """A node with one room hub, in memory."""

    def __init__(self, endpoint: Endpoint, certificate: Path, key: Path) -> None:
        self._endpoint = endpoint
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(certificate, key)
        self.residents: dict[str, Resident] = {}
        self.logs: dict[str, list[LogRow]] = {}
        self.rooms: dict[bytes, HubState] = {}
        self.group_infos: dict[bytes, bytes] = {}
        """The newest of each room."""
        self.receipts: dict[bytes, Appended] = {}
        self.appends: list[bytes] = []
        """Every entry that was offered, in order, repetitions included."""
        self.lose_answers = 0
        """So many answers are lost, together with their stream, after the work was done."""
        self.lose_claims = 0
        """The same for claims of key packages."""
        self.refusals: list[Problem] = []
        """What the next appends are refused with."""
        self.way: asyncio.Event | None = None
        """If there is one, messages are on their way until it is set; commits are not."""
        self.deaf: set[str] = set()
        """Commands that are refused with ``internal``."""
        self.silent_about: set[str] = set()
        """Addresses that are not told now."""
        self.blobs: dict[str, bytes] = {}
        """What lies behind links, by code."""
        self.waiting: dict[bytes, list[bytes]] = {}
        """Who asks to join, by room."""
        self.beside = Beside()
        self.misplaces = 0
        """How far from the truth receipts say that an entry stands: a node that lies."""
        self._doors: set[Door] = set()
        self._offered = asyncio.Event()
        self._server: Server | None = None

    async def start(self) -> None:
        """Listen, again with everything that was there before."""
        where = self._endpoint
        self._server = await serve(
            self._stream, where.host, where.port, ssl=self._tls, compression=None, close_timeout=0.2
        )

    async def stop(self) -> None:
        """Go away, and every stream with it."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _stream(self, socket: ServerConnection) -> None:
        door = Door(socket)
        self._doors.add(door)
        try:
            async for message in socket:
                data = message if isinstance(message, bytes) else message.encode()
                await self._frame(door, msgspec.msgpack.decode(data, type=ClientFrame))
        except ConnectionClosed:
            pass
        finally:
            self._doors.discard(door)

    async def _frame(self, door: Door, frame: ClientFrame) -> None:
        match frame:
            case ClientHello():
                await self._hello(door, frame)
            case Call():
                await self._call(door, frame)
            case Subscribe():
                door.reads[frame.log] = frame.after
                await self._push(door, frame.log, always=True)
            case Unsubscribe():
                door.reads.pop(frame.log, None)
            case Ack():
                pass

    async def _hello(self, door: Door, hello: ClientHello) -> None:
        if hello.token:
            door.who = next((r for r in self.residents.values() if r.token == hello.token), None)
            if door.who is None:
                await door.say(ProblemFrame(0, refuse("notSignedIn", "who are you?").problem))
                return
        limits = Limits(MAX_ENTRY_SIZE, MAX_COMMIT_SIZE)
        account = door.who.join.account if door.who else ""
        await door.say(NodeHello(1, HARBOUR, limits, account, time=_clock.now_ms()))

    async def _call(self, door: Door, call: Call) -> None:
        command = msgspec.msgpack.decode(call.args, type=COMMANDS[call.command])
        try:
            if call.command in self.deaf:
                raise refuse("internal", "not today")
            answer = await self._do(door, command)
        except ProblemError as error:
            await door.say(ProblemFrame(call.id, error.problem))
            return
        if isinstance(command, Append | Join | CreateRoom) and self.lose_answers:
            self.lose_answers -= 1
            await door.socket.close()
            return
        if isinstance(command, ClaimKeyPackages) and self.lose_claims:
            self.lose_claims -= 1
            await door.socket.close()
            return
        await door.say(Result(call.id, msgspec.Raw(msgspec.msgpack.encode(answer))))

    async def _push(self, door: Door, log: str, *, always: bool = False) -> None:
        if log not in door.reads:
            return
        rows = self.logs.get(self._key(door, log), [])
        head = rows[-1].position if rows else START
        new = tuple(row for row in rows if row.position > door.reads[log])
        if new or always:
            door.reads[log] = head
            await door.say(Entries(log, new, head))

    def _key(self, door: Door, log: str) -> str:
        return f"{log}/{door.who.join.account}" if log == "inbox" and door.who else log

    async def ring(self, log: str) -> None:
        """Tell everybody who reads a log."""
        for door in list(self._doors):
            try:
                await self._push(door, log)
            except ConnectionClosed:
                continue

    async def _do(self, door: Door, command: Command) -> Answer:
        match command:
            case Join():
                return self._join(command)
            case Login():
                return self._login(command)
            case PublishKeyPackages():
                packages = self._who(door).packages
                packages += command.key_packages
                return KeyPackageCount(len(packages))
            case Resolve():
                return self._resolve(command.address)
            case ClaimKeyPackages():
                target = next(r for r in self.residents.values() if r.actor == command.actor)
                return Claimed((target.packages.pop(0),), target.join.record)
            case CreateRoom():
                return self._create(door, command)
            case Append() | FetchGroupInfo():
                return await self._in_room(door, command)
            case _:
                return await self._link(command)

    async def _link(self, command: Command) -> Answer:
        """Joining by link; nothing is checked: a hub that does not care."""
        match command:
            case KeepLink():
                self.blobs[link_code(command.invite_pub)] = command.blob
                return Done()
            case EndLink():
                self.blobs.pop(link_code(command.invite_pub), None)
                return Done()
            case FetchLink():
                return LinkContent(self.blobs[command.code])
            case AskToJoin():
                return await self._ask(command)
            case TakeRequests():
                return LentRequests(tuple(self.waiting.pop(command.room, [])), 2**50)
            case Block() | Unblock():
                return Done()
            case _:
                return self.beside.answer(command)

    async def _ask(self, command: AskToJoin) -> Asked:
        """Let somebody wait, and ring everybody."""
        waiting = self.waiting.setdefault(command.room, [])
        if command.request not in waiting:
            waiting.append(command.request)
        for door in list(self._doors):
            await door.say(Ring(command.room))
        return Asked("waiting", 2**50)

    def _who(self, door: Door) -> Resident:
        if door.who is None:
            raise refuse("notSignedIn", "who are you?")
        return door.who

    def _join(self, join: Join) -> SignedIn:
        if join.secret != INVITE_SECRET:
            raise refuse("wrongInvite", "this invite is not valid; ask for a new one")
        did = verify_first(SignedRecord.decode(join.record)).did
        known = self.residents.get(join.account)
        if known is not None and known.did != did:
            raise refuse("nameTaken", f"{join.account} is taken")
        resident = known or Resident(join, did, os.urandom(8).hex())
        self.residents[join.account] = resident
        return SignedIn(join.account, resident.actor, resident.token, 2**40)

    def _login(self, login: Login) -> SignedIn:
        resident = self.residents[login.account]
        if login.login_key != resident.join.login_key:
            raise refuse("wrongLogin", "no")
        resident.token = os.urandom(8).hex()
        return SignedIn(login.account, resident.actor, resident.token, 2**40)

    def _resolve(self, address: str) -> Person:
        if address in self.silent_about:
            raise refuse("internal", "not today")
        resident = self.residents.get(address.partition("@")[0])
        if resident is None:
            raise refuse("notFound", f"nobody is called {address}")
        return Person(address, resident.actor, resident.did, resident.join.record, resident.join.statement)

    def _create(self, door: Door, command: CreateRoom) -> Done:
        try:
            state = open_room(
                command.group_info, hub=HARBOUR, did=self._who(door).did, now_ms=_clock.now_ms()
            )
        except Refused as error:
            raise refuse("refused", str(error), rule=error.code) from None
        self.rooms.setdefault(state.room_id, state)
        self.group_infos.setdefault(state.room_id, command.group_info)
        return Done()

    async def _in_room(self, door: Door, command: Append | FetchGroupInfo) -> Answer:
        if isinstance(command, Append):
            return await self._append(door, command)
        return RoomGroup(self.group_infos[command.room], self.rooms[command.room].public.tree.encode())

    async def _append(self, door: Door, command: Append) -> Appended:
        self.appends.append(command.entry)
        self._offered.set()
        if self.refusals:
            raise ProblemError(self.refusals.pop(0))
        if self.way is not None and command.kind == EntryKind.MESSAGE:
            await self.way.wait()
        digest = hashlib.sha256(command.entry).digest()
        if digest not in self.receipts:
            self.receipts[digest] = await self._accept(self._who(door), command)
        return self._receipt(self.receipts[digest])

    def _receipt(self, true: Appended) -> Appended:
        place = Position(true.position.term, true.position.seq + self.misplaces)
        return msgspec.structs.replace(true, position=place)

    async def _accept(self, who: Resident, command: Append) -> Appended:
        entry = Submission(who.did, command.kind, command.entry, command.group_info, command.welcome)
        try:
            state, accepted = accept(self.rooms[command.room], entry, _clock.now_ms())
        except (WrongEpoch, EpochTooOld) as error:
            raise refuse(error.code, str(error), epoch=error.current) from None
        except Refused as error:
            raise refuse("refused", str(error), rule=error.code) from None
        self.rooms[command.room] = state
        self.group_infos[command.room] = command.group_info or self.group_infos[command.room]
        row, log = accepted.row, room_log(command.room)
        self.logs.setdefault(log, []).append(row)
        await self.ring(log)
        for effect in accepted.effects:
            if isinstance(effect, DeliverWelcome):
                await self._welcome(command, effect, row)
        return Appended(row.position, row.accepted_at, row.hash, row.chain)

    async def _welcome(self, command: Append, effect: DeliverWelcome, row: LogRow) -> None:
        delivery = WelcomeDelivery(
            os.urandom(16),
            command.room,
            effect.did,
            effect.device_id,
            command.welcome,
            row.position,
            row.chain,
            row.accepted_at,
        )
        name = effect.actor.rpartition("/")[2]
        self.post(name, InboxKind.WELCOME, msgspec.msgpack.encode(delivery))
        await self.ring("inbox")

    async def offered(self, count: int) -> None:
        """Wait until so many entries have been offered."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.appends) < count:
                self._offered.clear()
                await self._offered.wait()

    async def inject(self, room: bytes, kind: int, entry: bytes) -> None:
        """Append an entry that no rule has looked at, with a right chain: a hub that lies."""
        state, log = self.rooms[room], room_log(room)
        row = next_row(state, cast("EntryKind", kind), entry, max(_clock.now_ms(), state.accepted_at))
        self.rooms[room] = state.after_row(row)
        self.logs.setdefault(log, []).append(row)
        await self.ring(log)

    def post(self, name: str, kind: int, body: bytes) -> None:
        """Put a row into somebody's inbox."""
        rows = self.logs.setdefault(f"inbox/{name}", [])
        position = Position(0, len(rows) + 1)
        rows.append(LogRow(position, kind, _clock.now_ms(), hashlib.sha256(body).digest(), body))

    def messages(self, room: bytes) -> list[LogRow]:
        """The content entries of a room's log."""
        return [row for row in self.logs.get(room_log(room), []) if row.kind == EntryKind.MESSAGE]

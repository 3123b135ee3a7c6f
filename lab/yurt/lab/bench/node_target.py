"""A real node with a real room as a target of the load."""

import asyncio
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

import msgspec

from yurt.client.api import RoomView
from yurt.client.paths import load_network
from yurt.lab.bench import furnish
from yurt.lab.bench.bare_target import BODY_SIZE
from yurt.lab.bench.crowd import STREAMS_PER_DEVICE, gather_crowd, names_of
from yurt.lab.bench.ears import Ear, Place, Unfit
from yurt.lab.bench.raw_socket import Frames, Listener, RawSocket, marked
from yurt.lab.world.faults import Link
from yurt.lab.world.network import Network
from yurt.lab.world.people import Person, sign_in, until
from yurt.lab.world.process import NodeProcess
from yurt.mls.framed_content import ContentType
from yurt.mls.framing import MLSMessage, PrivateMessage
from yurt.wire.command import Command
from yurt.wire.frames import (
    STREAM_VERSION,
    Call,
    ClientHello,
    Frame,
    NodeFrame,
    NodeHello,
    ProblemFrame,
    Result,
)
from yurt.wire.position import START, Position
from yurt.wire.problems import ProblemError
from yurt.wire.registry import EntryKind
from yurt.wire.room_commands import Append, Appended

NAME: Final = "harbour.example"
_AAD: Final = bytes(2)
_SENDER_DATA_SIZE: Final = 28
_encode = msgspec.msgpack.Encoder().encode
_frames = msgspec.msgpack.Decoder(NodeFrame)


@dataclass(slots=True)
class Node:
    """A real node with a plain listener, and one person with one room on it."""

    process: NodeProcess
    room: bytes
    token: str = field(repr=False)
    epoch: int
    head: Position
    """Of the room's log; listeners begin here."""

    ears: list[str] = field(repr=False)
    """Tokens of the devices that listen."""
    _next_ear: int = 0

    @classmethod
    async def start(cls, network: Network, folder: Path, listeners: int) -> Self:
        """Start a node with a room whose members' devices may open that many streams; let their engine go.

        Args:
            network: Has the node's name.
            folder: For everything.
            listeners: How many streams will be opened at once.
        """
        network.write_map(NAME)
        process = NodeProcess(NAME, network, folder / NAME, plain=True)
        await process.init()
        await process.start()
        try:
            return await cls._furnish(process, network, folder, listeners)
        except BaseException:
            await process.close()
            raise

    @classmethod
    async def _furnish(cls, process: NodeProcess, network: Network, folder: Path, listeners: int) -> Self:
        proxy = await tls_proxy(network)
        map_file = network.write_map("people", {NAME: proxy.endpoint})
        invite = await process.invite(uses=1 + listeners)
        ana = await Person.join("ana", invite, folder / f"ana@{NAME}", map_file)
        device_id = (await ana.engine.status()).device_id
        view, ears = await _room_for(process, ana, listeners, invite, map_file)
        await ana.close()
        await proxy.close()
        token = await sign_in(process, "ana", device_id)
        return cls(process, view.room, token, view.epoch, view.position, ears)

    @classmethod
    async def start_with_rooms(
        cls, network: Network, folder: Path, rooms: int, members: int
    ) -> tuple[Self, list["Node"]]:
        """Start a node with so many rooms, each with an author and so many devices that listen.

        Returns:
            The node, and each room as a target of its own.
        """
        network.write_map(NAME)
        process = NodeProcess(NAME, network, folder / NAME, plain=True)
        await process.init()
        await process.start()
        try:
            proxy = await tls_proxy(network)
            map_file = network.write_map("people", {NAME: proxy.endpoint})
            ana = await Person.join("ana", await process.invite(), folder / f"ana@{NAME}", map_file)
            made = [(await ana.engine.create_room(f"room {number}")).room for number in range(rooms)]
            for room in made:
                await ana.engine.send(room, "first", wait="accepted")
            views = [view for view in await ana.engine.rooms() if view.room in made]
            await ana.close()
            await proxy.close()
            await process.stop()
            # One device more than listens: the author's streams must not push out the listeners'.
            devices = furnish.add_readers(process.data, "ana", [view.room for view in views], members + 1)
            await process.start()
        except BaseException:
            await process.close()
            raise
        targets = [
            cls(process, view.room, tokens[0], view.epoch, view.position, tokens[1:])
            for view, tokens in zip(views, devices, strict=True)
        ]
        return targets[0], list[Node](targets)

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    async def talker(self, accepted: Callable[[int], None]) -> "NodeTalker":
        """Connect somebody who sends."""
        talker = NodeTalker(self, accepted)
        await talker.connect()
        return talker

    async def listener(self, listen: Listener) -> RawSocket:
        """Connect somebody who receives; returns when the stream is live."""
        return await self._ear(self.head).listen(listen)

    async def history(self, listen: Listener) -> RawSocket:
        """Connect somebody who receives the whole log."""
        return await self._ear(START).listen(listen, begin=True)

    def _ear(self, after: Position) -> Ear:
        token = self.ears[self._next_ear % len(self.ears)]
        self._next_ear += 1
        return Ear(self.place, token, self.room, after)

    @property
    def place(self) -> Place:
        """Where it listens."""
        return Place(NAME, self.process.endpoint)

    def entry(self, number: int) -> bytes:
        """Make an entry: a real PrivateMessage to every node, whose ciphertext opens for nobody."""
        message = PrivateMessage(
            self.room, self.epoch, ContentType.APPLICATION, _AAD, os.urandom(_SENDER_DATA_SIZE), b""
        )
        body = marked(number, BODY_SIZE - len(MLSMessage(message).encode()))
        return MLSMessage(replace(message, ciphertext=body)).encode()


class NodeTalker:
    """Appends entries over one stream."""

    def __init__(self, node: Node, accepted: Callable[[int], None]) -> None:
        self._node = node
        self._accepted = accepted
        self._greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._socket: RawSocket | None = None

    async def connect(self) -> None:
        """Open the stream and say hello."""
        self._socket = await self._node.place.connect(Frames(self._take))
        self._socket.send(_encode(ClientHello((STREAM_VERSION,), token=self._node.token)))
        await self._greeted

    def send(self, number: int) -> None:
        """Append the entry with this number."""
        append = Append(room=self._node.room, kind=EntryKind.MESSAGE, entry=self._node.entry(number))
        if self._socket is not None:
            self._socket.send(_encode(_call(number + 1, append)))

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()

    def _take(self, payload: bytes) -> None:
        frame = _frames.decode(payload)
        if isinstance(frame, Result):
            receipt = msgspec.msgpack.decode(frame.value, type=Appended)
            self._node.head = max(self._node.head, receipt.position)
            self._accepted(1)
        elif isinstance(frame, NodeHello):
            self._greeted.set_result(None)
        elif isinstance(frame, ProblemFrame):
            raise Unfit(f"{frame.problem.code}: {frame.problem.message}")


def _call(number: int, command: Command) -> Frame:
    return Call(number, command.name, msgspec.Raw(_encode(command)))


async def _room_for(
    process: NodeProcess, ana: Person, listeners: int, invite: str, map_file: Path
) -> tuple[RoomView, list[str]]:
    """Open a room, and add as many people as it takes for so many listeners."""
    network = load_network(map_file)
    if network is None:
        raise Unfit("there is no network map")
    people = -(-listeners // STREAMS_PER_DEVICE)
    ears = await gather_crowd(people, invite, ana.address, network)
    room = (await ana.engine.create_room("bench")).room
    for address in names_of(people, NAME):
        await _invite(process, ana, room, address)
    await ana.engine.send(room, "first", wait="accepted")
    return next(view for view in await ana.engine.rooms() if view.room == room), ears


async def _invite(process: NodeProcess, host: Person, room: bytes, address: str) -> None:
    """Invite somebody; if the node finds that too often, restart it: its limits of rate live in memory."""
    try:
        await host.engine.invite(room, address)
    except ProblemError as error:
        if error.problem.code != "tooMany":
            raise
        await process.restart()
        await until(lambda: _connected(host), "the engine finds its node again")
        await host.engine.invite(room, address)


async def _connected(person: Person) -> bool:
    return (await person.engine.status()).live


async def tls_proxy(network: Network) -> Link:
    """What stands before a node with a plain listener: something that has its certificate."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(network.certificate_file(NAME), network.key_file(NAME))
    return await Link.open(network.endpoints[NAME], tls=tls)

"""What goes over the socket beside the vault: the calls of ``EngineApi`` as MessagePack maps.

Each frame is a 4-byte big-endian length and a map tagged by ``t``. A request has a number; its answer,
refusal or lines carry the same. Requests that change something carry a name of their own (room id, content
id), so that whoever lost the answer may ask the next holder again.
"""

import asyncio
from contextlib import suppress
from typing import Any, Final

import msgspec

from yurt.client.api import DEFAULT_PAGE, RoleName, TimelineItem, Wait
from yurt.client.errors import Disconnected
from yurt.wire.errors import GateError
from yurt.wire.gate import decode_msgpack
from yurt.wire.problems import Problem

_LENGTH: Final = 4
MAX_FRAME: Final = 4 * 1024 * 1024
"""Bytes; a page of the longest messages."""


class Request(msgspec.Struct, frozen=True, tag_field="t", omit_defaults=True):
    """Base of all requests."""


class GetStatus(Request, frozen=True, tag="status"):
    """``EngineApi.status``."""


class CreateRoom(Request, frozen=True, tag="create_room"):
    """``EngineApi.create_room``."""

    name: str
    room: bytes


class GetRooms(Request, frozen=True, tag="rooms"):
    """``EngineApi.rooms``."""


class Invite(Request, frozen=True, tag="invite"):
    """``EngineApi.invite``."""

    room: bytes
    address: str


class GetParticipants(Request, frozen=True, tag="participants"):
    """``EngineApi.participants``."""

    room: bytes


class Remove(Request, frozen=True, tag="remove"):
    """``EngineApi.remove``."""

    room: bytes
    address: str


class SetRole(Request, frozen=True, tag="set_role"):
    """``EngineApi.set_role``."""

    room: bytes
    address: str
    role: RoleName


class Send(Request, frozen=True, tag="send"):
    """``EngineApi.send``."""

    room: bytes
    text: str
    wait: Wait
    content_id: bytes
    reply_to: int = 0


class Edit(Request, frozen=True, tag="edit"):
    """``EngineApi.edit``."""

    room: bytes
    item: int
    text: str
    wait: Wait
    content_id: bytes


class Delete(Request, frozen=True, tag="delete"):
    """``EngineApi.delete``."""

    room: bytes
    item: int
    wait: Wait
    content_id: bytes


class React(Request, frozen=True, tag="react"):
    """``EngineApi.react``."""

    room: bytes
    item: int
    emoji: str
    undo: bool
    wait: Wait
    content_id: bytes


class GetTimeline(Request, frozen=True, tag="timeline"):
    """``EngineApi.timeline``."""

    room: bytes
    after: int = 0
    before: int = 0
    limit: int = DEFAULT_PAGE


class Search(Request, frozen=True, tag="search"):
    """``EngineApi.search``."""

    words: str
    room: bytes | None
    before: int
    limit: int


class MarkRead(Request, frozen=True, tag="mark_read"):
    """``EngineApi.mark_read``."""

    room: bytes
    item: int


class GetPerson(Request, frozen=True, tag="person"):
    """``EngineApi.person``."""

    address: str


class Verify(Request, frozen=True, tag="verify"):
    """``EngineApi.verify``."""

    address: str
    number: str


class Trust(Request, frozen=True, tag="trust"):
    """``EngineApi.trust``."""

    address: str


class Watch(Request, frozen=True, tag="watch"):
    """``EngineApi.watch``: answered by lines until `Stop`."""

    room: bytes | None
    after: int = 0
    revision: int = 0


class Follow(Request, frozen=True, tag="follow"):
    """``EngineApi.follow``."""

    address: str


class Unfollow(Request, frozen=True, tag="unfollow"):
    """``EngineApi.unfollow``."""

    address: str


class GetFollowers(Request, frozen=True, tag="followers"):
    """``EngineApi.followers``."""


class GetFollowing(Request, frozen=True, tag="following"):
    """``EngineApi.following``."""


class AskNode(Request, frozen=True, tag="ask_node"):
    """``EngineApi.ask_node``."""

    command: str
    """Its name."""
    args: bytes
    """The command, MessagePack."""


class CallPart(Request, frozen=True, tag="call"):
    """``EngineApi.call``."""

    call: str
    """Its name."""
    args: bytes
    """The call, MessagePack."""


class Sync(Request, frozen=True, tag="sync"):
    """``EngineApi.sync``."""

    within: float


class Stop(Request, frozen=True, tag="stop"):
    """No more lines for the watch of this frame's number."""


AnyRequest = (
    GetStatus
    | CreateRoom
    | GetRooms
    | Invite
    | GetParticipants
    | Remove
    | SetRole
    | Send
    | Edit
    | Delete
    | React
    | GetTimeline
    | Search
    | MarkRead
    | GetPerson
    | Verify
    | Trust
    | Watch
    | Follow
    | Unfollow
    | GetFollowers
    | GetFollowing
    | AskNode
    | CallPart
    | Sync
    | Stop
)


class Ask(msgspec.Struct, frozen=True):
    """A request on its way to the holder."""

    id: int
    request: AnyRequest


class Reply(msgspec.Struct, frozen=True, tag_field="t"):
    """Base of what the holder says."""


class Answered(Reply, frozen=True, tag="answered"):
    """It was done."""

    id: int
    value: msgspec.Raw


class Failed(Reply, frozen=True, tag="failed"):
    """It was not."""

    id: int
    problem: Problem


class Line(Reply, frozen=True, tag="line"):
    """A line for a watch."""

    id: int
    item: TimelineItem


AnyReply = Answered | Failed | Line


async def read_frame(reader: asyncio.StreamReader, shape: Any) -> Any:  # noqa: ANN401  # a struct or a union of them
    """Read one frame.

    Raises:
        Disconnected: The other end went away, or does not speak this.
    """
    try:
        length = int.from_bytes(await reader.readexactly(_LENGTH), "big")
        if length > MAX_FRAME:
            raise Disconnected("the other end of the vault's socket sends too much")
        return decode_msgpack(await reader.readexactly(length), shape, limit=MAX_FRAME)
    except (asyncio.IncompleteReadError, ConnectionError):
        raise Disconnected("the engine that holds the vault went away") from None
    except GateError as error:
        raise Disconnected(f"the other end of the vault's socket is another release: {error}") from None


async def write_frame(writer: asyncio.StreamWriter, frame: Ask | Reply) -> None:
    """Write one frame.

    Raises:
        Disconnected: The other end went away.
    """
    data = msgspec.msgpack.encode(frame)
    try:
        writer.write(len(data).to_bytes(_LENGTH, "big") + data)
        await writer.drain()
    except (ConnectionError, RuntimeError):
        raise Disconnected("the engine that holds the vault went away") from None


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close an end of the socket, whatever state it is in."""
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()

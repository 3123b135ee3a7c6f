"""Rooms: opened on a hub, appended to, listed."""

from typing import ClassVar

import msgspec

from yurt.wire.command import Answer, Command, Done
from yurt.wire.position import Position


class RoomInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """A room in which this account's did has a leaf."""

    room: bytes
    hub: str
    """The hub's node name."""
    start: Position
    """This device reads what comes after this position; nothing before it is served."""
    head: Position
    epoch: int


class Rooms(Answer, frozen=True):
    """The rooms of this account."""

    rooms: tuple[RoomInfo, ...]
    as_of: Position


class ListRooms(Command, frozen=True):
    """Which rooms this account's did has a leaf in."""

    name: ClassVar[str] = "rooms"
    answer: ClassVar[type[Answer]] = Rooms


class Appended(Answer, frozen=True):
    """The hub's receipt: the entry is durable at this place."""

    position: Position
    accepted_at: int
    """Milliseconds since 1970, by the hub's clock."""
    hash: bytes
    """SHA-256 of the entry."""
    chain: bytes


class CreateRoom(Command, frozen=True):
    """Open a room whose hub is this node, from the GroupInfo (with tree) of epoch 0."""

    name: ClassVar[str] = "create_room"
    answer: ClassVar[type[Answer]] = Done

    group_info: bytes


class Append(Command, frozen=True, kw_only=True):
    """Append an entry to a room's log; the same entry twice is accepted once.

    Idempotency key: SHA-256 of ``entry``, remembered for 30 days.
    """

    name: ClassVar[str] = "append"
    answer: ClassVar[type[Answer]] = Appended

    room: bytes
    kind: int
    """An EntryKind."""
    entry: bytes
    """The MLSMessage's bytes."""
    group_info: bytes = b""
    """With a commit: the GroupInfo of its new epoch (no tree)."""
    welcome: bytes = b""
    """With a commit that adds leaves: the Welcome."""
    hub: str = ""
    """The hub's node name, for an own node that has no copy of the room (yet): coming back after a move."""

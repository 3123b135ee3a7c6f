"""What a device needs to come back into a room from outside (TRUST 7)."""

from typing import ClassVar

import msgspec

from yurt.wire.command import Answer, Command


class RoomGroup(Answer, frozen=True):
    """A room as its hub has it now."""

    group_info: bytes
    """The MLSMessage that came with the newest commit, signed by its committer."""
    tree: bytes
    """The ratchet tree of the same epoch, as RFC 9420 writes it (12.4.3.3)."""


class FetchGroupInfo(Command, frozen=True):
    """Ask a room's hub for the GroupInfo of the present epoch and its tree; for participants only."""

    name: ClassVar[str] = "group_info"
    answer: ClassVar[type[Answer]] = RoomGroup

    room: bytes
    hub: str = ""
    """The hub's node name, for an own node that has no copy of the room (yet)."""


# --- between nodes only ---------------------------------------------------------------------------------
class GroupInfoFor(msgspec.Struct, frozen=True):
    """`FetchGroupInfo` of an account of the asking node."""

    room: bytes
    did: str
    """Whose account it is, by the asking node's word; the hub has leaves and records of its own."""

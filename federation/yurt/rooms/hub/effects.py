"""What follows from an accepted entry, beside the row itself; the node's shell carries it out.

Everything named here belongs into the transaction that stores the row.
"""

from dataclasses import dataclass

from yurt.identity.did import Did
from yurt.rooms.common.room_change import RoomChange
from yurt.wire.position import LogRow
from yurt.wire.registry import EntryKind


@dataclass(frozen=True, slots=True)
class DeliverWelcome:
    """The commit's Welcome goes to the inbox of this new device, at the actor's node."""

    did: Did
    device_id: bytes
    actor: str


@dataclass(frozen=True, slots=True)
class DeviceRemoved:
    """The device reads up to and with this row, and nothing after it."""

    did: Did
    device_id: bytes


@dataclass(frozen=True, slots=True)
class NodeJoined:
    """A node has its first participant: it gets the state right after this row (a RoomStart)."""

    node: str


@dataclass(frozen=True, slots=True)
class NodeLeft:
    """A node has no participant any more: this row is the last that it gets."""

    node: str


Effect = DeliverWelcome | DeviceRemoved | NodeJoined | NodeLeft


@dataclass(frozen=True, slots=True)
class Accepted:
    """An entry has its place in the log."""

    row: LogRow
    change: RoomChange | None = None
    """What a commit did; None for a message."""
    effects: tuple[Effect, ...] = ()
    group_info: bytes = b""
    """With a commit: the GroupInfo of the new epoch, to be kept in place of the one before."""
    welcome: bytes = b""
    """With a commit that adds leaves: what `DeliverWelcome` delivers."""

    @property
    def keeps_state(self) -> bool:
        """Whether the public group changed: then the snapshot is stored with the row, not only the head."""
        return self.row.kind in (EntryKind.COMMIT, EntryKind.PROPOSAL)

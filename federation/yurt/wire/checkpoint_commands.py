"""Checkpoints on their way: from a device to its node, and on to the room's other nodes (TRUST 5).

A checkpoint is no entry of the log. Nodes keep the newest of each device; whoever reads the room hears of a
new one by the frame `checkpoint`, and asks for all of them after it was away.
"""

from typing import ClassVar, Final

from yurt.wire.command import Answer, Command, Done

MAX_CHECKPOINT: Final = 512
"""Bytes of one checkpoint."""


class GiveCheckpoint(Command, frozen=True):
    """Keep a checkpoint of the calling device, and pass it on; between nodes, the same struct is asked."""

    name: ClassVar[str] = "checkpoint"
    answer: ClassVar[type[Answer]] = Done

    room: bytes
    checkpoint: bytes
    """`yurt.rooms.common.checkpoint.Checkpoint`."""


class KeptCheckpoints(Answer, frozen=True):
    """The newest checkpoint of each device that is in the room."""

    checkpoints: tuple[bytes, ...] = ()


class FetchCheckpoints(Command, frozen=True):
    """Give what this node has of a room's checkpoints."""

    name: ClassVar[str] = "checkpoints"
    answer: ClassVar[type[Answer]] = KeptCheckpoints

    room: bytes


CHECKPOINT_COMMANDS: Final[tuple[type[Command], ...]] = (GiveCheckpoint, FetchCheckpoints)

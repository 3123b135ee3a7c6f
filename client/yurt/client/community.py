"""What a front end may ask the own node through the engine: posts, and who may follow.

The vault keeps none of this: posts are no secrets of a device, and the node has them all. So the engine only
passes the question on; it passes on no other command, whatever a front end sends it.
"""

from typing import Final

import msgspec

from yurt.wire.command import Command
from yurt.wire.errors import GateError
from yurt.wire.gate import decode_msgpack
from yurt.wire.list_commands import LIST_COMMANDS
from yurt.wire.people_commands import Accept, Block, Lock, Mute, Reject, Requests, Unblock, Unmute
from yurt.wire.portability_commands import JobRows, Jobs, JobStatus, PauseJob
from yurt.wire.post_commands import Boost, Delete, Like, Post, Timeline
from yurt.wire.problems import refuse

_EVERY: Final[tuple[type[Command], ...]] = (
    Post,
    Timeline,
    Delete,
    Like,
    Boost,
    Lock,
    Requests,
    Accept,
    Reject,
    Block,
    Unblock,
    Mute,
    Unmute,
    *LIST_COMMANDS,
    Jobs,
    JobStatus,
    JobRows,
    PauseJob,
)
ASKED: Final[dict[str, type[Command]]] = {command.name: command for command in _EVERY}
"""By the command's name."""
_LIMIT: Final = 256 * 1024


def check_asked(command: Command) -> None:
    """Refuse a command that is not for front ends.

    Raises:
        ProblemError: `unsupported`.
    """
    if ASKED.get(command.name) is not type(command):
        raise refuse("unsupported", f"{command.name} is not asked this way")


def encode(command: Command) -> bytes:
    """Write a command for the socket."""
    return msgspec.msgpack.encode(command)


def decode(name: str, args: bytes) -> Command:
    """Read a command from the socket.

    Raises:
        ProblemError: `unsupported` or `badRequest`.
    """
    kind = ASKED.get(name)
    if kind is None:
        raise refuse("unsupported", "the engine that holds the vault does not know this request")
    try:
        return decode_msgpack(args, kind, limit=_LIMIT)
    except GateError as error:
        raise error.as_problem() from error

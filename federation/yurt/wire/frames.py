"""Frames of the stream between a client and its own node: MessagePack maps, tagged by ``t``.

::

    client                                   node
    hello{versions, features, token}   ->
                                       <-    hello{version, features, limits}
    call{id, command, args}            ->
                                       <-    result{id, value}   or   problem{id, problem}
    subscribe{log, after}              ->
                                       <-    entries{log, rows, head} ...   or   gap{log, from, to, reason}
    ack{log, position}                 ->
                                       <-    ring{room}
                                       <-    checkpoint{room, checkpoint}
                                       <-    bye{reason, retry_after}

A client is *live* in a log when the last row it has equals ``head``. An unknown frame is answered with the
problem ``unsupported``, never with a closed stream. Logs are named ``inbox`` and ``room/<hex id>``.
"""

from typing import Final

import msgspec

from yurt.wire.position import LogRow, Position
from yurt.wire.problems import Problem
from yurt.wire.unshown import Unshown

STREAM_VERSION: Final = 1
INBOX: Final = "inbox"
_ROOM_PREFIX: Final = "room/"


def room_log(room: bytes) -> str:
    """Name the log of a room."""
    return _ROOM_PREFIX + room.hex()


def room_of(log: str) -> bytes | None:
    """The room whose log this is, or None for another log or a malformed name."""
    if not log.startswith(_ROOM_PREFIX):
        return None
    try:
        return bytes.fromhex(log.removeprefix(_ROOM_PREFIX))
    except ValueError:
        return None


class Frame(msgspec.Struct, frozen=True, tag_field="t", omit_defaults=True):
    """Base of all frames."""


# --- client to node ---------------------------------------------------------------------------------
class ClientHello(Unshown, Frame, frozen=True, tag="hello"):
    """First frame of a client; a second one (with a token) upgrades an open stream after join or login."""

    versions: tuple[int, ...]
    features: tuple[str, ...] = ()
    token: str = ""


class Call(Unshown, Frame, frozen=True, tag="call"):
    """Ask for a command; answers may come in another order."""

    id: int
    command: str
    args: msgspec.Raw
    """The command's struct, MessagePack."""


class Subscribe(Frame, frozen=True, tag="subscribe"):
    """Send every row of a log after a position, and then each new one."""

    log: str
    after: Position


class Unsubscribe(Frame, frozen=True, tag="unsubscribe"):
    """Stop sending a log."""

    log: str


class Ack(Frame, frozen=True, tag="ack"):
    """This device has durably taken in everything up to a position; moves its cursor."""

    log: str
    position: Position


ClientFrame = ClientHello | Call | Subscribe | Unsubscribe | Ack


# --- node to client ---------------------------------------------------------------------------------
class Limits(msgspec.Struct, frozen=True):
    """What the node will take."""

    entry: int
    """Bytes of a content entry."""
    commit: int
    """Bytes of a commit's frame."""


class NodeHello(Frame, frozen=True, tag="hello"):
    """The node's answer to ``hello``."""

    version: int
    node: str
    """The node's name: its domain."""
    limits: Limits
    account: str = ""
    """Whose token it was; empty without one."""
    features: tuple[str, ...] = ()
    time: int = 0
    """The node's clock, milliseconds since 1970."""


class Result(Unshown, Frame, frozen=True, tag="result"):
    """A command's answer."""

    id: int
    value: msgspec.Raw


class ProblemFrame(Frame, frozen=True, tag="problem"):
    """A command failed (``id``), or a frame could not be used (``id`` 0)."""

    id: int
    problem: Problem


class Entries(Frame, frozen=True, tag="entries"):
    """Rows of a log, in order, without holes."""

    log: str
    rows: tuple[LogRow, ...]
    head: Position
    """Newest position of the log when this was sent."""


class Gap(Frame, frozen=True, tag="gap"):
    """Rows that will not come: never silent."""

    log: str
    from_: Position = msgspec.field(name="from")
    to: Position
    reason: str
    """``retention``, ``notForYou`` or ``lost``."""


class Ring(Frame, frozen=True, tag="ring"):
    """Somebody should look at a room now: people wait to be added, or a request of one's own was answered.

    Only a hint: whoever connects asks for what it would have told.
    """

    room: bytes


class CheckpointFrame(Frame, frozen=True, tag="checkpoint"):
    """A device of a room has told what it has seen (TRUST 5).

    Only a hint: whoever connects asks for the newest of each device.
    """

    room: bytes
    checkpoint: bytes
    """`yurt.rooms.common.checkpoint.Checkpoint`; to be verified."""


class Bye(Frame, frozen=True, tag="bye"):
    """The node is about to close the stream."""

    reason: str
    retry_after: float = 0.0


NodeFrame = NodeHello | Result | ProblemFrame | Entries | Gap | Ring | CheckpointFrame | Bye

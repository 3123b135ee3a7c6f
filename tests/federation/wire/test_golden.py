"""Golden files: a release reads what the one before it sent."""

from collections.abc import Callable

import msgspec

from yurt.wire.frames import Call, ClientFrame, Entries, NodeFrame
from yurt.wire.gate import decode_msgpack, decode_scanned_msgpack
from yurt.wire.look import Looked
from yurt.wire.position import LogRow, Position
from yurt.wire.registry import EntryKind
from yurt.wire.room_commands import Append

Golden = Callable[[str, bytes], None]

COMMAND = Append(room=bytes(range(32)), kind=EntryKind.MESSAGE, entry=b"an MLSMessage")
FRAME = Entries(
    log="room/" + bytes(range(32)).hex(),
    rows=(
        LogRow(
            position=Position(1, 7),
            kind=EntryKind.MESSAGE,
            accepted_at=1_795_244_862_944,
            hash=bytes([1]) * 32,
            body=b"an MLSMessage",
            chain=bytes([2]) * 32,
        ),
    ),
    head=Position(1, 9),
)


def test_a_command_stays_as_it_was(golden: Golden) -> None:
    """The call of a command is the same bytes in every release, and is read back."""
    call = Call(id=3, command=Append.name, args=msgspec.Raw(msgspec.msgpack.encode(COMMAND)))
    data = msgspec.msgpack.encode(call)

    golden("call-append.hex", data)

    read: ClientFrame = decode_msgpack(data, ClientFrame, limit=4096)
    assert isinstance(read, Call)
    assert decode_scanned_msgpack(read.args, Append) == COMMAND


def test_a_frame_stays_as_it_was(golden: Golden) -> None:
    """Entries are the same bytes in every release, and are read back."""
    data = msgspec.msgpack.encode(FRAME)

    golden("entries.hex", data)

    read: NodeFrame = decode_msgpack(data, NodeFrame, limit=4096)
    assert read == FRAME


def test_what_a_friend_saw_stays_as_it_was(golden: Golden) -> None:
    """The answer to a look is the same bytes in every release, and is read back."""
    looked = Looked(200, bytes([3]) * 32)
    data = msgspec.msgpack.encode(looked)

    golden("looked.hex", data)

    assert decode_msgpack(data, Looked, limit=4096) == looked

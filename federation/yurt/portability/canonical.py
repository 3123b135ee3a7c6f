"""RFC 8785 JSON, one text for one value, and lines of it for what is long.

Our structs hold texts, integers, booleans and maps with ASCII keys; for those, msgspec's sorted encoding
*is* RFC 8785, thirty times faster than the general encoder (a test compares the two). Long things (a
roster of 20,000 ties) are lines, each a JSON object of its own, so that reading stays within the gate.
"""

from collections.abc import Iterator
from typing import Annotated, Final, TypeVar

import msgspec

from yurt.wire.errors import GateError
from yurt.wire.gate import decode_json

Integer = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
"""An integer that every JSON reader understands."""
Short = Annotated[str, msgspec.Meta(max_length=2048)]
"""A text of one line: a URL, a name, a key."""
MAX_JSON_LINE: Final = 256 * 1024
"""Bytes of one line: a room with 500 people has 35 KiB."""

T = TypeVar("T", bound=msgspec.Struct)


def encode(value: msgspec.Struct) -> bytes:
    """Write RFC 8785 JSON."""
    return msgspec.json.encode(value, order="sorted")


def decode(data: bytes, shape: type[T], *, limit: int) -> T:
    """Read what `encode` wrote, and nothing else: another spelling of the same value is refused.

    Raises:
        GateError: Not strict JSON, not of this shape, or not canonical (``notCanonical``).
    """
    value = decode_json(data, shape, limit=limit)
    if encode(value) != data:
        raise GateError("notCanonical", "not the canonical form of what it says")
    return value


def lines(data: bytes) -> Iterator[bytes]:
    """Cut into lines; each, and so the last, must end with a line feed.

    Raises:
        GateError: The end is missing.
    """
    start = 0
    while start < len(data):
        end = data.find(b"\n", start, start + MAX_JSON_LINE + 1)
        if end < 0:
            raise GateError("malformed", "a line without end")
        yield data[start:end]
        start = end + 1

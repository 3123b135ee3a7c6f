"""Look through MessagePack before it is decoded: one pass over the structure, nothing is copied but texts.

This runs for every frame of every stream, so it is one flat loop over a table of lead bytes; binaries are
stepped over by their length. A container's size costs nothing until its items really come.
"""

import math
import struct
from typing import Final, NamedTuple

from yurt.wire.errors import GateError
from yurt.wire.limits import MAX_DEPTH, MAX_INTEGER, MAX_KEYS, MAX_PACKED_VALUES

_SKIP: Final = 0
"""nil, booleans, small integers, binaries: nothing to check but the length."""
_TEXT: Final = 1
_WIDE: Final = 2
"""64-bit integers and floats: the value matters."""
_ARRAY: Final = 3
_MAP: Final = 4
_NEVER: Final = 5
"""Extension types, and the one unused byte."""


class _Shape(NamedTuple):
    """What a lead byte says."""

    kind: int
    width: int
    """Bytes of length that follow."""
    size: int
    """Length or count, if `width` is 0."""


def _shape_of(lead: int) -> _Shape:
    if lead <= 0x7F or lead >= 0xE0:
        return _Shape(_SKIP, 0, 0)
    if lead <= 0x8F:
        return _Shape(_MAP, 0, lead & 0x0F)
    if lead <= 0x9F:
        return _Shape(_ARRAY, 0, lead & 0x0F)
    if lead <= 0xBF:
        return _Shape(_TEXT, 0, lead & 0x1F)
    return _OTHERS.get(lead, _Shape(_NEVER, 0, 0))


_OTHERS: Final = {
    0xC0: _Shape(_SKIP, 0, 0),  # nil
    0xC2: _Shape(_SKIP, 0, 0),  # false
    0xC3: _Shape(_SKIP, 0, 0),  # true
    0xC4: _Shape(_SKIP, 1, 0),  # bin 8, 16, 32
    0xC5: _Shape(_SKIP, 2, 0),
    0xC6: _Shape(_SKIP, 4, 0),
    0xCA: _Shape(_WIDE, 0, 4),  # float 32, 64
    0xCB: _Shape(_WIDE, 0, 8),
    0xCC: _Shape(_SKIP, 0, 1),  # uint 8, 16, 32, 64
    0xCD: _Shape(_SKIP, 0, 2),
    0xCE: _Shape(_SKIP, 0, 4),
    0xCF: _Shape(_WIDE, 0, 8),
    0xD0: _Shape(_SKIP, 0, 1),  # int 8, 16, 32, 64
    0xD1: _Shape(_SKIP, 0, 2),
    0xD2: _Shape(_SKIP, 0, 4),
    0xD3: _Shape(_WIDE, 0, 8),
    0xD9: _Shape(_TEXT, 1, 0),  # str 8, 16, 32
    0xDA: _Shape(_TEXT, 2, 0),
    0xDB: _Shape(_TEXT, 4, 0),
    0xDC: _Shape(_ARRAY, 2, 0),  # array 16, 32
    0xDD: _Shape(_ARRAY, 4, 0),
    0xDE: _Shape(_MAP, 2, 0),  # map 16, 32
    0xDF: _Shape(_MAP, 4, 0),
}
_SHAPES: Final = tuple(_shape_of(lead) for lead in range(256))
_SHORT_TEXTS: Final = tuple(lead - 0xA0 if 0xA0 <= lead <= 0xBF else -1 for lead in range(256))
"""Length of a text by its lead byte, where that holds it: nearly every key. -1: anything else."""
_WIDE_FORMATS: Final = {0xCA: ">f", 0xCB: ">d", 0xCF: ">Q", 0xD3: ">q"}

_Keys = set[bytes] | None
"""The keys so far of the map that is open, or None in an array."""


def scan_msgpack(data: bytes) -> None:  # noqa: C901  # one flat loop: with a call for each key it takes a quarter longer
    """Look through one MessagePack value.

    Raises:
        GateError: Not strict MessagePack: truncated, trailing bytes, too deep, a key that is no text or
            comes twice, extension types, NaN, integers beyond 2**53 - 1, texts with NUL or not UTF-8.
    """
    shapes, short_texts = _SHAPES, _SHORT_TEXTS
    outer: list[tuple[int, _Keys]] = []
    keys: _Keys = None
    left = 1  # values that the open container still needs; in a map, a key when this is even
    at = announced = 0
    try:
        while left or outer:
            if not left:
                left, keys = outer.pop()
                continue
            left -= 1
            if keys is not None and left & 1 and (size := short_texts[data[at]]) > 0:
                # The same as below, without a call: every frame has a dozen of these.
                at += 1
                key = data[at : at + size]
                if key in keys or b"\0" in key or not key.isascii():
                    _key(_TEXT, key, keys)
                keys.add(key)
                at += size
                continue
            kind, width, size = shapes[data[at]]
            at += 1
            if width:
                size = int.from_bytes(data[at : at + width], "big")
                at += width
            if keys is not None and left & 1:
                _key(kind, data[at : at + size], keys)
            elif kind >= _ARRAY:
                _check_container(kind, size, len(outer))
                outer.append((left, keys))
                left, keys = size, None
                if kind == _MAP:
                    left, keys = 2 * size, set[bytes]()
                announced = _count(announced, left)
                continue
            elif kind:
                _leaf(data[at - 1], kind, data[at : at + size])
            at += size
    except IndexError:
        raise GateError("malformed", "the MessagePack ends early") from None
    _finish(len(data) - at)


def _key(kind: int, key: bytes, keys: set[bytes]) -> None:
    if kind != _TEXT:
        raise GateError("keyType", "a key that is no text")
    _text(key)
    if key in keys:
        raise GateError("duplicateKey", "a map names a key twice")
    keys.add(key)


def _leaf(lead: int, kind: int, raw: bytes) -> None:
    if kind == _TEXT:
        _text(raw)
    else:
        _wide(lead, raw)


def _text(text: bytes) -> None:
    if b"\0" in text:
        raise GateError("nul", "a text with a NUL character")
    if not text.isascii():
        try:
            text.decode("utf-8")
        except UnicodeDecodeError:
            raise GateError("notUtf8", "a text that is not UTF-8") from None


def _wide(lead: int, raw: bytes) -> None:
    try:
        value: float = struct.unpack(_WIDE_FORMATS[lead], raw)[0]
    except struct.error:
        raise GateError("malformed", "the MessagePack ends early") from None
    if lead in (0xCF, 0xD3):
        if abs(value) > MAX_INTEGER:
            raise GateError("numberRange", "an integer beyond 2**53 - 1")
    elif not math.isfinite(value):
        raise GateError("notFinite", "a number that is not finite")


def _check_container(kind: int, size: int, depth: int) -> None:
    if kind == _NEVER:
        raise GateError("extension", "an extension type")
    if depth >= MAX_DEPTH:
        raise GateError("tooDeep", f"more than {MAX_DEPTH} levels")
    if kind == _MAP and size > MAX_KEYS:
        raise GateError("tooManyKeys", f"a map of more than {MAX_KEYS} keys")


def _count(announced: int, more: int) -> int:
    """Bound the loop: what a container announces is looked at one by one, or is missing."""
    if announced + more > MAX_PACKED_VALUES:
        raise GateError("tooManyValues", f"more than {MAX_PACKED_VALUES} values")
    return announced + more


def _finish(rest: int) -> None:
    if rest < 0:
        raise GateError("malformed", "the MessagePack ends early")
    if rest:
        raise GateError("trailingData", f"{rest} bytes after the value")

"""The TLS presentation language as RFC 9420 uses it, strict in both directions.

Every structure has exactly one encoding: lengths are minimal, flags are 0 or 1, nothing trails. So a
decoded structure encodes to the bytes it came from, and signatures and hashes can be computed from the
structure itself.

    data = Writer().u16(1).opaque(b"group").bytes()
    r = Reader(data)
    r.u16(), r.opaque()
    r.finish()
"""

import re
import struct
from collections.abc import Callable, Iterable
from typing import Final, Protocol, Self, TypeVar

from yurt.mls.errors import DecodeError, ValueTooLarge

T = TypeVar("T")

MAX_LENGTH: Final = (1 << 30) - 1
"""The longest vector in bytes (RFC 9420, 2.1.2)."""


BYTES_PER_ITEM: Final = 40
"""How long an item of a long input is at least, on average. The shortest honest ones are those of a tree
of thousands of leaves with short basic credentials and three empty extensions: 45 bytes each."""

ITEMS_AT_LEAST: Final = 1024
"""What every input may hold, however short."""

NUMBERS_PER_ITEM: Final = 8
"""How many numbers in a list cost as much as one item."""

_ZEROS: Final = re.compile(rb"\0*")


class Encodable(Protocol):
    """What can write itself."""

    def encode_to(self, w: "Writer") -> None:
        """Write the structure."""
        ...


class Writer:
    """Builds an encoding; every method returns the writer, so that calls chain."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = bytearray()

    def u8(self, value: int) -> Self:
        """Write one byte."""
        return self._uint(value, 1)

    def u16(self, value: int) -> Self:
        """Write two bytes, big-endian."""
        return self._uint(value, 2)

    def u32(self, value: int) -> Self:
        """Write four bytes, big-endian."""
        return self._uint(value, 4)

    def u64(self, value: int) -> Self:
        """Write eight bytes, big-endian."""
        return self._uint(value, 8)

    def _uint(self, value: int, size: int) -> Self:
        try:
            self._data += value.to_bytes(size, "big")
        except OverflowError:
            raise ValueTooLarge(f"{value} does not fit in {size} bytes") from None
        return self

    def raw(self, data: bytes) -> Self:
        """Write bytes as they are, without a length."""
        self._data += data
        return self

    def varint(self, value: int) -> Self:
        """Write a length in as few bytes as it needs (RFC 9420, 2.1.2)."""
        if value < 0x40:  # the two top bits of the first byte say the size
            return self._uint(value, 1)
        if value < 0x4000:
            return self._uint(value | 0x4000, 2)
        if value > MAX_LENGTH:
            raise ValueTooLarge(f"a vector of {value} bytes is longer than the codec can say")
        return self._uint(value | 0x8000_0000, 4)

    def opaque(self, data: bytes | bytearray) -> Self:
        """Write `opaque data<V>`: the length, then the bytes."""
        self.varint(len(data))
        self._data += data
        return self

    def vector(self, items: Iterable[Encodable]) -> Self:
        """Write `T items<V>`: the length in bytes of all items, then the items."""
        inner = Writer()
        for item in items:
            item.encode_to(inner)
        return self.opaque(inner._data)

    def u16_vector(self, values: Iterable[int]) -> Self:
        """Write `uint16 values<V>`."""
        inner = Writer()
        for value in values:
            inner.u16(value)
        return self.opaque(inner._data)

    def u32_vector(self, values: Iterable[int]) -> Self:
        """Write `uint32 values<V>`."""
        inner = Writer()
        for value in values:
            inner.u32(value)
        return self.opaque(inner._data)

    def optional(self, item: Encodable | None) -> Self:
        """Write `optional<T>`: a byte that says whether an item follows."""
        if item is None:
            return self.u8(0)
        self.u8(1)
        item.encode_to(self)
        return self

    def bytes(self) -> bytes:
        """Give what was written."""
        return bytes(self._data)


class Reader:
    """Reads an encoding from its start; whatever is wrong with it is a `DecodeError`.

    Small items in long vectors would make a message cost many times its size. So an input may only hold as
    many items as its length can honestly need: see `BYTES_PER_ITEM`.

    Args:
        data: The whole input.
        limit: The most bytes the caller takes from this peer, or None where it was checked before.
    """

    __slots__ = ("_data", "_end", "_items_left", "_position")

    def __init__(self, data: bytes, *, limit: int | None = None) -> None:
        if limit is not None and len(data) > limit:
            raise DecodeError(f"{len(data)} bytes, the limit is {limit}")
        self._data = data
        self._position = 0
        self._end = len(data)
        self._items_left = max(ITEMS_AT_LEAST, len(data) // BYTES_PER_ITEM)

    @property
    def position(self) -> int:
        """How many bytes were read."""
        return self._position

    @property
    def remaining(self) -> int:
        """How many bytes are left."""
        return self._end - self._position

    @property
    def at_end(self) -> bool:
        """Whether everything was read."""
        return self._position == self._end

    def u8(self) -> int:
        """Read one byte."""
        position = self._position
        if position >= self._end:
            raise DecodeError("1 byte expected, 0 left")
        self._position = position + 1
        return self._data[position]

    def u16(self) -> int:
        """Read two bytes, big-endian."""
        position = self._position
        if position + 2 > self._end:
            raise DecodeError(f"2 bytes expected, {self._end - position} left")
        self._position = position + 2
        return self._data[position] << 8 | self._data[position + 1]

    def u32(self) -> int:
        """Read four bytes, big-endian."""
        return int.from_bytes(self.raw(4), "big")

    def u64(self) -> int:
        """Read eight bytes, big-endian."""
        return int.from_bytes(self.raw(8), "big")

    def raw(self, size: int) -> bytes:
        """Read `size` bytes."""
        start = self._position
        end = start + size
        if end > self._end:
            raise DecodeError(f"{size} bytes expected, {self._end - start} left")
        self._position = end
        return self._data[start:end]

    def since(self, position: int) -> bytes:
        """Give the bytes read since an earlier `position`."""
        return self._data[position : self._position]

    def varint(self) -> int:
        """Read a length; one that could be shorter is refused (RFC 9420, 2.1.2)."""
        first = self.u8()
        if first < 0x40:  # the two top bits say the size
            return first
        prefix = first >> 6
        if prefix == 3:  # the RFC leaves this prefix out
            raise DecodeError("a vector length has an invalid prefix")
        size = 1 << prefix
        value = ((first & 0x3F) << (8 * (size - 1))) | int.from_bytes(self.raw(size - 1), "big")
        if value < (0x40 if prefix == 1 else 0x4000):
            raise DecodeError("a vector length is not minimal")
        return value

    def opaque(self) -> bytes:
        """Read `opaque data<V>`."""
        size = self.varint()
        start = self._position  # here and above not in terms of `raw`: most of decoding a tree is this
        end = start + size
        if end > self._end:
            raise DecodeError(f"{size} bytes expected, {self._end - start} left")
        self._position = end
        return self._data[start:end]

    def vector(self, decode: "Callable[[Reader], T]") -> tuple[T, ...]:
        """Read `T items<V>`."""
        outer = self._enter_vector()
        items: list[T] = []
        while self._position < self._end:
            self._count(1)
            items.append(decode(self))
        self._end = outer
        return tuple(items)

    def optional_vector(self, decode: "Callable[[Reader], T]", *, most: int) -> "list[T | None]":
        """Read `optional<T> items<V>`, of at most `most` items; absent ones cost next to nothing."""
        outer = self._enter_vector()
        items: list[T | None] = []
        while self._position < self._end:
            absent = self._skip_zeros()
            if len(items) + absent >= most:
                raise DecodeError(f"more than {most} items")
            items.extend([None] * absent)
            if self._position < self._end and self.flag():
                self._count(1)
                items.append(decode(self))
        self._end = outer
        return items

    def _enter_vector(self) -> int:
        """Read a vector's length and end the input with it; gives the end of what is around it."""
        length = self.varint()
        if length > self.remaining:
            raise DecodeError(f"a vector of {length} bytes, {self.remaining} left")
        self._count(1)
        outer, self._end = self._end, self._position + length
        return outer

    def _skip_zeros(self) -> int:
        start = self._position
        run = _ZEROS.match(self._data, start, self._end)
        self._position = start if run is None else run.end()
        return self._position - start

    def _count(self, items: int) -> None:
        self._items_left -= items
        if self._items_left < 0:
            raise DecodeError("too many items for so few bytes")

    def u16_vector(self) -> tuple[int, ...]:
        """Read `uint16 values<V>`."""
        return self._numbers(2, "H")

    def u32_vector(self) -> tuple[int, ...]:
        """Read `uint32 values<V>`."""
        return self._numbers(4, "I")

    def _numbers(self, size: int, code: str) -> tuple[int, ...]:
        data = self.opaque()
        if not data:
            return ()
        if len(data) % size:
            raise DecodeError(f"{len(data)} bytes are no numbers of {size}")
        count = len(data) // size
        if count >= NUMBERS_PER_ITEM:
            self._count(count // NUMBERS_PER_ITEM)
        return struct.unpack(f">{count}{code}", data)

    def optional(self, decode: "Callable[[Reader], T]") -> T | None:
        """Read `optional<T>`."""
        return decode(self) if self.flag() else None

    def flag(self) -> bool:
        """Read the byte before an optional item: 0 or 1, nothing else."""
        value = self.u8()
        if value > 1:
            raise DecodeError(f"an optional's flag is {value}")
        return value == 1

    def finish(self) -> None:
        """Refuse bytes behind the structure."""
        if self._position != self._end:
            raise DecodeError(f"{self.remaining} bytes trail")


class Structure:
    """What every structure of the RFC shares: whole-input encoding and decoding from its two halves."""

    __slots__ = ()

    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        raise NotImplementedError

    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure, and leave what follows it."""
        raise NotImplementedError

    def encode(self) -> bytes:
        """Encode the structure."""
        w = Writer()
        self.encode_to(w)
        return w.bytes()

    @classmethod
    def decode(cls, data: bytes, *, limit: int | None = None) -> Self:
        """Decode the whole input.

        Raises:
            DecodeError: It is not exactly one such structure, or longer than `limit` bytes.
        """
        r = Reader(data, limit=limit)
        value = cls.decode_from(r)
        r.finish()
        return value

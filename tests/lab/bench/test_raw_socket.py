"""The benchmark's own ears: they count every entry once, however the bytes come."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from yurt.lab.bench.raw_socket import MARKER, Frames, Listener, marked

SIZE = 40


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The data in pieces, cut at these places."""
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)]


@given(st.integers(min_value=1, max_value=30), st.lists(st.integers(min_value=0), max_size=40))
def test_every_entry_is_counted_once(entries: int, places: list[int]) -> None:
    """However the stream is cut, all entries are counted, and the last number is right."""
    counted, lasts = [0], [-1]

    def came(count: int, last: int) -> None:
        counted[0] += count
        lasts.append(last)

    listener = Listener(came)
    for piece in cut(b"".join(b"head" + marked(number, SIZE) for number in range(entries)), places):
        listener(piece)

    assert counted[0] == entries
    assert lasts == sorted(lasts)
    assert lasts[-1] == entries - 1


@given(st.lists(st.integers(min_value=0, max_value=70_000), max_size=6), st.lists(st.integers(min_value=0)))
def test_frames_come_whole(sizes: list[int], places: list[int]) -> None:
    """However the stream is cut, each binary message comes out whole; others are passed over."""
    wire, wanted = b"", list[bytes]()
    for size in sizes:
        body = bytes(size)
        wanted.append(body)
        wire += b"\x89\x02hi" + b"\x82" + length_of(size) + body
    got: list[bytes] = []

    frames = Frames(got.append)
    for piece in cut(wire, places):
        frames(piece)

    assert got == wanted


def length_of(size: int) -> bytes:
    """The length field of a server's frame (RFC 6455 5.2)."""
    if size < 126:
        return bytes((size,))
    return b"\x7e" + size.to_bytes(2) if size < 0x10000 else b"\x7f" + size.to_bytes(8)


def test_marked() -> None:
    """An entry of a benchmark has one marker and the size that was asked for."""
    body = marked(7, SIZE)

    assert len(body) == SIZE
    assert body.count(MARKER) == 1

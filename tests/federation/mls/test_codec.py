"""One value, one encoding: whatever else arrives is refused as malformed."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yurt.mls.codec import ITEMS_AT_LEAST, Reader, Writer
from yurt.mls.errors import DecodeError, LocalMlsError


def test_official_length_headers(vectors: Callable[[str], list[dict[str, Any]]]) -> None:
    """Each official header says the length it should."""
    cases = vectors("deserialization")

    for case in cases:
        header, length = bytes.fromhex(case["vlbytes_header"]), case["length"]

        assert Reader(header).varint() == length
        assert Writer().varint(length).bytes() == header

    assert len(cases) == 14


@pytest.mark.parametrize("data", ["4001", "403f", "80000001", "80003fff", "c0", "ff", "40", "8000", ""])
def test_non_minimal_and_cut_lengths(data: str) -> None:
    """A length that could be shorter, or is cut, or has the forbidden prefix, is malformed."""
    with pytest.raises(DecodeError):
        Reader(bytes.fromhex(data)).varint()


@given(st.integers(0, (1 << 30) - 1))
def test_every_length_comes_back(length: int) -> None:
    """A length is read as it was written."""
    r = Reader(Writer().varint(length).bytes())

    assert r.varint() == length
    assert r.at_end


@given(st.binary(max_size=300), st.lists(st.integers(0, 65535)), st.binary(max_size=40))
def test_values_come_back(opaque: bytes, values: list[int], fixed: bytes) -> None:
    """What was written is read, and nothing trails."""
    data = Writer().opaque(opaque).u16_vector(values).raw(fixed).u64(7).bytes()

    r = Reader(data)

    assert (r.opaque(), list(r.u16_vector()), r.raw(len(fixed)), r.u64()) == (opaque, values, fixed, 7)
    r.finish()


def test_a_vector_ends_inside_its_item() -> None:
    """An item may not reach over the end of its vector, even if bytes follow."""
    r = Reader(bytes.fromhex("03000100ff"))

    with pytest.raises(DecodeError):
        r.u16_vector()


def test_a_vector_longer_than_the_input() -> None:
    """A length beyond the input is refused before anything is read."""
    with pytest.raises(DecodeError):
        Reader(bytes.fromhex("0500")).opaque()
    with pytest.raises(DecodeError):
        Reader(bytes.fromhex("0500")).u16_vector()


def test_an_optional_is_zero_or_one() -> None:
    """Another flag would be a second encoding of the same value."""
    assert Reader(b"\0").optional(Reader.u8) is None
    assert Reader(b"\1\7").optional(Reader.u8) == 7
    with pytest.raises(DecodeError):
        Reader(b"\2\7").optional(Reader.u8)


def test_trailing_bytes() -> None:
    """Bytes behind a structure are refused."""
    r = Reader(b"\0\0")
    r.u8()

    with pytest.raises(DecodeError):
        r.finish()


def test_the_callers_limit() -> None:
    """An input over the caller's limit is not looked at."""
    with pytest.raises(DecodeError):
        Reader(bytes(11), limit=10)


def test_a_value_that_does_not_fit() -> None:
    """A number too large for its field is our bug, not a wrapped value."""
    with pytest.raises(LocalMlsError):
        Writer().u8(256)
    with pytest.raises(LocalMlsError):
        Writer().u16(-1)
    with pytest.raises(LocalMlsError):
        Writer().varint(1 << 30)


def test_more_items_than_bytes_can_need() -> None:
    """A long vector of tiny items would cost many times its size; it is refused before it is built."""
    few, many = bytes(ITEMS_AT_LEAST - 1), bytes(1 << 20)

    assert len(Reader(Writer().opaque(few).bytes()).vector(Reader.u8)) == ITEMS_AT_LEAST - 1
    with pytest.raises(DecodeError, match="too many items"):
        Reader(Writer().opaque(many).bytes()).vector(Reader.u8)


def test_more_numbers_than_anybody_has() -> None:
    """The same goes for lists of numbers, which are cheaper."""
    with pytest.raises(DecodeError, match="too many items"):
        Reader(Writer().opaque(bytes(1 << 20)).bytes()).u16_vector()


def test_nested_vectors_share_their_allowance() -> None:
    """Many short vectors are no way around."""
    inner = Writer().opaque(bytes(3)).bytes()

    with pytest.raises(DecodeError, match="too many items"):
        Reader(Writer().opaque(inner * 2000).bytes()).vector(lambda r: r.vector(Reader.u8))


def test_absent_items_are_cheap() -> None:
    """A tree may be mostly blank, up to a limit; items that are there count as any."""
    blank = Writer().opaque(bytes(5000) + b"\1\7" + bytes(2)).bytes()

    assert Reader(blank).optional_vector(Reader.u8, most=6000) == [None] * 5000 + [7, None, None]
    with pytest.raises(DecodeError, match="more than 5000"):
        Reader(blank).optional_vector(Reader.u8, most=5000)
    with pytest.raises(DecodeError, match="flag is 2"):
        Reader(b"\2\2\0").optional_vector(Reader.u8, most=10)


@pytest.mark.parametrize("data", ["03000000", "0100"])
def test_half_a_number(data: str) -> None:
    """A list of numbers ends with a whole one."""
    with pytest.raises(DecodeError):
        Reader(bytes.fromhex(data)).u16_vector()

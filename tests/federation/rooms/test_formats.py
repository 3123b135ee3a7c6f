"""Commit data, cards and content: what is written is read, and nothing else is."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yurt.rooms.common.card import RoomCard
from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.content import (
    Bucket,
    Create,
    Header,
    Note,
    Plaintext,
    Room,
    UnknownContent,
    Update,
    content_hash,
    decode_aad,
    decode_content,
    encode_aad,
    encode_content,
)
from yurt.rooms.common.errors import ContentError, Refused
from yurt.rooms.common.padding import padded_length
from yurt.rooms.common.rules import Rule
from yurt.wire.position import Position

ID = bytes(range(16))
TEXT = st.characters(codec="utf-8", exclude_characters="\0")
HEADER = Header(0, b"", Position(1, 7), bytes(32))


# --- commit data ---
def test_commit_data(golden: Callable[[str, bytes], None]) -> None:
    """The time, the records and the place for join proofs come back."""
    data = CommitData(1_795_000_000_000, records=(b"record",), join_proofs=(b"proof",))

    assert CommitData.decode(data.encode()) == data
    golden("commit_data.hex", data.encode())


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", Rule.COMMIT_DATA),
        (b"\2", Rule.COMMIT_DATA_VERSION),
        (CommitData(1).encode() + b"\0", Rule.COMMIT_DATA),
        (CommitData(1).encode()[:-1], Rule.COMMIT_DATA),
        (CommitData(1, records=(b"",) * 17).encode(), Rule.COMMIT_DATA),
        (bytes(200_000), Rule.COMMIT_DATA),
    ],
)
def test_commit_data_that_cannot_be_judged(data: bytes, rule: Rule) -> None:
    """No data, an unknown version, too much of it: refused."""
    with pytest.raises(Refused) as caught:
        CommitData.decode(data)

    assert caught.value.rule is rule


# --- card ---
def test_card(golden: Callable[[str, bytes], None]) -> None:
    """Name and topic come back, in any script."""
    card = RoomCard("茶 and tea", "harbour stories")

    assert RoomCard.decode(card.encode()) == card
    golden("room_card.hex", card.encode())


@pytest.mark.parametrize("data", [b"", b"\2\0\0", b"\1\0", b"\1\1\xff\0", b"\1\0\0\0"])
def test_broken_card(data: bytes) -> None:
    """A card from elsewhere is refused by name."""
    with pytest.raises(ContentError):
        RoomCard.decode(data)


def test_cards_have_limits() -> None:
    """A name is short."""
    with pytest.raises(ContentError):
        RoomCard("n" * 257)
    with pytest.raises(ContentError):
        RoomCard("n", "ü" * 1025)


# --- content ---
def test_message(golden: Callable[[str, bytes], None]) -> None:
    """What is sent is what is read, header and all."""
    content = Create(ID, Note("hello"))
    plaintext = Plaintext(HEADER, encode_content(content))

    arrived = Plaintext.decode(plaintext.encode())

    assert arrived == plaintext
    assert decode_content(arrived.content) == content
    golden("plaintext.hex", plaintext.encode())
    golden("content_room.hex", encode_content(Update(ID, Room("tea", "harbour"))))


@settings(max_examples=40)
@given(st.text(TEXT), st.integers(1, 2**53 - 1), st.integers(0, 2**53 - 1))
def test_any_message_comes_back(text: str, counter: int, seq: int) -> None:
    """Every text and every number."""
    header = Header(counter, bytes(32), Position(1, seq), bytes(32))
    plaintext = Plaintext(header, encode_content(Create(ID, Note(text))))

    assert Plaintext.decode(plaintext.encode()) == plaintext
    assert decode_content(plaintext.content) == Create(ID, Note(text))


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_nobody_says_what_others_refuse(text: str) -> None:
    """A text that no receiver would read is refused where it is written."""
    with pytest.raises(ContentError):
        encode_content(Create(ID, Note(text)))


def test_unknown_content_is_kept() -> None:
    """What a newer client says is not lost, only not shown; keys it adds to a note are ignored."""
    poll = msgspec.msgpack.encode({"type": "Create", "id": ID, "object": {"type": "Question", "n": 2}})
    wave = msgspec.msgpack.encode({"type": "Wave", "id": ID})
    note = msgspec.msgpack.encode(
        {"type": "Create", "id": ID, "object": {"type": "Note", "content": "x", "lang": "en"}, "new": 1}
    )

    assert decode_content(poll) == UnknownContent(ID, "Create", "Question", poll)
    assert decode_content(wave) == UnknownContent(ID, "Wave", "", wave)
    assert decode_content(note) == Create(ID, Note("x"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x91" * 5000,
        msgspec.msgpack.encode([]),
        msgspec.msgpack.encode({"type": "Create"}),
        msgspec.msgpack.encode({"type": "Create", "id": b"short"}),
        msgspec.msgpack.encode({"type": "Create", "id": ID, "object": {"type": "Note"}}),
        msgspec.msgpack.encode({"type": "Create", "id": ID, "object": {"type": "Note", "content": 1}}),
        msgspec.msgpack.encode({"type": "Update", "id": ID, "object": {"type": "Room", "name": None}}),
    ],
)
def test_malformed_content(data: bytes) -> None:
    """A hostile member gets an error code, not our traceback."""
    with pytest.raises(ContentError) as caught:
        decode_content(data)

    assert caught.value.code == "malformedContent"


def wire(**change: object) -> bytes:
    """Write a plaintext by hand, with something changed."""
    header = {"counter": 0, "previous": b"", "seen": {"term": 1, "seq": 7}, "chain": bytes(32)}
    inside = {key: value for key, value in change.items() if key in header}
    outside = {key: value for key, value in change.items() if key not in header}
    return msgspec.msgpack.encode({"v": 1, "header": header | inside, "content": b""} | outside)


def test_hand_written_plaintext() -> None:
    """The map of the module docstring is the format."""
    assert Plaintext.decode(wire()) == Plaintext(HEADER, b"")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (wire(v=2), "contentVersion"),
        (wire(counter=-1), "malformedContent"),
        (wire(counter=1), "malformedContent"),
        (wire(counter=2**60, previous=bytes(32)), "malformedContent"),
        (wire(previous=bytes(32)), "malformedContent"),
        (wire(chain=b""), "malformedContent"),
        (wire(seen=None), "malformedContent"),
        (wire(content="text"), "malformedContent"),
        (wire(extra=1), "malformedContent"),
        (wire(content=bytes(40_000)), "contentTooLarge"),
        (b"\x80", "malformedContent"),
    ],
)
def test_malformed_plaintext(data: bytes, code: str) -> None:
    """Versions and numbers out of bounds are named."""
    with pytest.raises(ContentError) as caught:
        Plaintext.decode(data)

    assert caught.value.code == code


def test_too_much_to_say() -> None:
    """The limit holds for the sender as well."""
    with pytest.raises(ContentError):
        Plaintext(HEADER, bytes(33_000)).encode()


def test_hash_is_of_the_bytes() -> None:
    """The next header names these bytes, whatever they mean."""
    assert content_hash(b"") != content_hash(encode_content(Create(ID, Note(""))))


@pytest.mark.parametrize("bucket", Bucket)
def test_aad(bucket: Bucket) -> None:
    """Nodes read how long to keep a message, and nothing else."""
    assert decode_aad(encode_aad(bucket)) is bucket
    assert (bucket.seconds is None) == (bucket is Bucket.NEVER_EXPIRES)


@pytest.mark.parametrize("data", [b"", b"\1", b"\2\0", b"\1\5", b"\1\0\0"])
def test_aad_that_is_not_ours(data: bytes) -> None:
    """Another length, version or bucket is refused."""
    with pytest.raises(ContentError):
        decode_aad(data)


# --- padding ---
@given(st.integers(0, 100_000))
def test_padding(length: int) -> None:
    """It always fits, at most doubles, and takes few values."""
    padded = padded_length(length)

    assert length <= padded <= max(256, 2 * length)
    assert padded in {256, 512, 768, 1024} or (padded > 1024 and padded.bit_count() == 1)


def test_padding_steps() -> None:
    """The steps of TRUST 4."""
    steps = {0: 256, 256: 256, 257: 512, 1024: 1024, 1025: 2048, 2048: 2048, 2049: 4096}

    assert {length: padded_length(length) for length in steps} == steps

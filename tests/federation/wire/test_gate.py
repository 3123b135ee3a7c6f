"""The strict gate: what passes means one thing, and what does not pass is refused by name."""

import contextlib
import json
import math
import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yurt.wire.command import Done
from yurt.wire.errors import GateError
from yurt.wire.frames import Ack, Call, ClientFrame, Subscribe
from yurt.wire.gate import (
    decode_json,
    decode_msgpack,
    decode_scanned_msgpack,
    parse_json,
    parse_object,
)
from yurt.wire.limits import MAX_DEPTH, MAX_INTEGER, MAX_KEYS
from yurt.wire.position import Position
from yurt.wire.room_commands import Append

LIMIT = 1024 * 1024
pack = msgspec.msgpack.encode

HOSTILE_JSON = [
    ("malformed", b""),
    ("malformed", b"{"),
    ("malformed", b'{"a":1,}'),
    ("malformed", b"[1 2]"),
    ("malformed", b"\xef\xbb\xbf{}"),
    ("malformed", b'"\n"'),
    ("malformed", b'"\\x41"'),
    ("malformed", b'"never closed'),
    ("malformed", b"'a'"),
    ("trailingData", b"01"),
    ("malformed", b"{1:2}"),
    ("trailingData", b"{} {}"),
    ("trailingData", b"1\x00"),
    ("notUtf8", b'"\xff"'),
    ("notUtf8", b'"\xed\xa0\x80"'),
    ("notUtf8", b'"\xc0\x80"'),
    ("notUtf8", '{"a":1}'.encode("utf-16")),
    ("duplicateKey", b'{"a":1,"a":2}'),
    ("duplicateKey", b'{"a":1,"\\u0061":2}'),
    ("duplicateKey", b'[{"x":{"id":1,"id":1}}]'),
    ("numberRange", b"9007199254740992"),
    ("numberRange", b"-9007199254740992"),
    ("numberRange", b"1" * 10_000),
    ("numberRange", b"1e999"),
    ("numberRange", b"0." + b"1" * 100),
    ("notFinite", b"NaN"),
    ("notFinite", b'{"a":-Infinity}'),
    ("nul", b'"\\u0000"'),
    ("nul", b'{"\\u0000":1}'),
    ("surrogate", b'"\\ud800"'),
    ("surrogate", b'["\\udc00\\ud800"]'),
    ("tooDeep", b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)),
    ("tooDeep", b'{"a":' * 100_000),
    ("tooDeep", b"[" * 90_000),
    ("tooManyValues", b"[" * 500_000),
    ("tooManyValues", b"[" + b"[]," * 200_000 + b"[]]"),
    ("tooManyKeys", json.dumps({str(n): 0 for n in range(MAX_KEYS + 1)}).encode()),
    ("tooLarge", b" " * (LIMIT + 1)),
]

HOSTILE_MSGPACK = [
    ("malformed", b""),
    ("malformed", b"\x81"),
    ("malformed", b"\x81\xa1a"),
    ("malformed", b"\xa5abc"),
    ("malformed", b"\xc4\x05abc"),
    ("malformed", b"\xc6\xff\xff\xff\xff"),
    ("malformed", b"\xdc\xff\xff"),
    ("malformed", b"\xcb\x00"),
    ("malformed", b"\xdb\xff"),
    ("trailingData", b"\x80\x80"),
    ("extension", b"\xc1"),
    ("extension", b"\xd4\x01\x00"),
    ("extension", b"\xd6\xff\x00\x00\x00\x00"),
    ("extension", b"\xc7\x00\x01"),
    ("keyType", b"\x81\x01\x01"),
    ("keyType", b"\x81\xc4\x01a\x01"),
    ("keyType", b"\x81\x81\xa1a\x01\x01"),
    ("duplicateKey", b"\x82\xa1a\x01\xa1a\x02"),
    ("duplicateKey", b"\x82\xa1a\x01\xd9\x01a\x02"),
    ("duplicateKey", b"\x91\x82\xdb\x00\x00\x00\x01a\x01\xda\x00\x01a\x02"),
    ("numberRange", b"\xcf" + struct.pack(">Q", MAX_INTEGER + 1)),
    ("numberRange", b"\xd3" + struct.pack(">q", -MAX_INTEGER - 1)),
    ("notFinite", b"\xcb" + struct.pack(">d", math.nan)),
    ("notFinite", b"\xca" + struct.pack(">f", math.inf)),
    ("nul", b"\xa1\x00"),
    ("nul", b"\x81\xa1\x00\x01"),
    ("notUtf8", b"\xa1\xff"),
    ("notUtf8", b"\xa3\xed\xa0\x80"),
    ("notUtf8", b"\x81\xa1\xff\x01"),
    ("tooDeep", b"\x91" * (MAX_DEPTH + 1) + b"\xc0"),
    ("tooDeep", b"\x81\xa1a" * 100_000),
    ("tooManyKeys", b"\xdf\x00\x00\xff\xff"),
    ("tooManyValues", b"\xdd\xff\xff\xff\xff"),
    ("tooManyValues", b"\x9f" + (b"\xdc\xff\xff" + b"\xc0" * 0xFFFF) * 15),
    ("tooLarge", b"\xc0" * (LIMIT + 1)),
]


@pytest.mark.parametrize(("rule", "data"), HOSTILE_JSON)
def test_hostile_json_is_refused_by_name(rule: str, data: bytes) -> None:
    """Whatever is wrong with JSON has a name, and is never a traceback."""
    with pytest.raises(GateError) as caught:
        parse_json(data, limit=LIMIT)

    assert caught.value.rule == rule
    assert caught.value.status == (413 if rule == "tooLarge" else 400)
    assert caught.value.as_problem().problem.detail["rule"] == rule


@pytest.mark.parametrize(("rule", "data"), HOSTILE_MSGPACK)
def test_hostile_msgpack_is_refused_by_name(rule: str, data: bytes) -> None:
    """Whatever is wrong with MessagePack has a name, and is never a traceback."""
    with pytest.raises(GateError) as caught:
        decode_msgpack(data, dict[str, object], limit=LIMIT)

    assert caught.value.rule == rule


def test_honest_json_passes() -> None:
    """What people write passes: escapes, emoji as surrogate pairs, large integers, brackets in texts."""
    text = rb'{"a":"\ud83d\ude00 \\u0000 [[[","b":[9007199254740991,-1.5e3,true,null],"":"\u007f"}'

    value = parse_object(text, limit=LIMIT)

    assert value == {"a": "\U0001f600 \\u0000 [[[", "b": [MAX_INTEGER, -1500.0, True, None], "": "\x7f"}


def test_brackets_in_texts_do_not_count() -> None:
    """Depth is of the structure, not of what people say."""
    assert parse_json(json.dumps(["[" * 5000, '"{' * 5000]).encode(), limit=LIMIT)


def test_only_an_object_is_an_object() -> None:
    """A list where an object belongs is refused like any other shape."""
    with pytest.raises(GateError, match="object"):
        parse_object(b"[]", limit=LIMIT)


def test_commands_come_through_both_doors() -> None:
    """The same struct is read from JSON (bytes as base64) and from MessagePack; unknown keys are ignored."""
    command = Append(room=bytes(32), kind=2, entry=b"entry")
    as_json = json.dumps({**json.loads(msgspec.json.encode(command)), "later": [1]}).encode()

    assert decode_json(as_json, Append, limit=LIMIT) == command
    assert decode_msgpack(pack(command), Append, limit=LIMIT) == command


@pytest.mark.parametrize(
    "body", [b"{}", b'{"room":1}', b"[]", b'{"room":"!","kind":2,"entry":""}', b'{"room":"","kind":2.5}']
)
def test_another_shape_is_refused(body: bytes) -> None:
    """Strict JSON of the wrong shape is the sender's fault, and the answer says where."""
    with pytest.raises(GateError) as caught:
        decode_json(body, Append, limit=LIMIT)

    assert caught.value.rule == "shape"


def test_frames_are_told_apart_by_their_tag() -> None:
    """A union of frames decodes to the one that was sent; the arguments inside are scanned with it."""
    arguments = pack(Append(room=bytes(32), kind=2, entry=b"entry"))
    frames: list[ClientFrame] = [
        Call(id=1, command="append", args=msgspec.Raw(arguments)),
        Subscribe(log="inbox", after=Position(0, 4)),
        Ack(log="inbox", position=Position(0, 5)),
    ]

    for sent in frames:
        got: ClientFrame = decode_msgpack(pack(sent), ClientFrame, limit=LIMIT)
        assert type(got) is type(sent)

    call: Call = decode_msgpack(pack(frames[0]), ClientFrame, limit=LIMIT)
    assert decode_scanned_msgpack(call.args, Append).entry == b"entry"
    with pytest.raises(GateError):
        decode_msgpack(b"\x81\xa1t\xa5never", ClientFrame, limit=LIMIT)
    with pytest.raises(GateError):
        decode_scanned_msgpack(b"\x90", Done)


def test_a_duplicate_key_cannot_hide_in_arguments() -> None:
    """What is decoded later was already looked at."""
    call = pack(Call(id=1, command="append", args=msgspec.Raw(b"\x82\xa1a\x01\xa1a\x02")))

    with pytest.raises(GateError) as caught:
        decode_msgpack(call, ClientFrame, limit=LIMIT)

    assert caught.value.rule == "duplicateKey"


def test_big_binaries_are_only_stepped_over() -> None:
    """A NUL in bytes is nothing; only texts are looked into."""
    entry = bytes(200_000)

    assert decode_msgpack(pack({"entry": entry}), dict[str, bytes], limit=LIMIT) == {"entry": entry}


VALUES: st.SearchStrategy[object] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text("ab\U0001f600é"), inner, max_size=5),
    max_leaves=20,
)


@given(VALUES)
def test_whatever_is_strict_comes_back_unchanged(value: object) -> None:
    """The gate changes nothing: both formats give back what was written."""
    assert parse_json(json.dumps(value).encode(), limit=LIMIT) == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode(), limit=LIMIT) == value
    assert decode_msgpack(pack({"value": value}), dict[str, object], limit=LIMIT) == {"value": value}


@given(VALUES, st.data())
def test_damaged_bytes_are_refused_or_read_never_crash(value: object, data: st.DataObject) -> None:
    """One changed byte, or a cut: a refusal or another value, nothing else."""
    for body in (json.dumps(value).encode(), pack({"value": value})):
        at = data.draw(st.integers(0, len(body) - 1))
        changed = body[:at] + bytes([data.draw(st.integers(0, 255))]) + body[at + 1 :]
        for damaged in (changed, body[:at]):
            _survive(damaged)


@given(st.binary(max_size=200))
def test_noise_is_refused_or_read_never_crashes(noise: bytes) -> None:
    """Random bytes end in a value or a refusal."""
    _survive(noise)


def _survive(body: bytes) -> None:
    for read in (
        lambda: parse_json(body, limit=LIMIT),
        lambda: decode_msgpack(body, dict[str, object], limit=LIMIT),
        lambda: decode_json(body, Append, limit=LIMIT),
        lambda: decode_msgpack(body, ClientFrame, limit=LIMIT),
    ):
        with contextlib.suppress(GateError):
            read()

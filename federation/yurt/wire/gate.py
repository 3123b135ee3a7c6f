"""The strict gate: every byte of JSON or MessagePack from outside is read here and nowhere else.

Lenient readers disagree with each other, and what two readers understand differently can be forged: the
same key twice, numbers past 2**53, lone surrogates, NaN. A fast decoder alone does not refuse these, so
the gate looks at the structure first and decodes only what passed. Nothing hostile ends in a recursion
error, and nothing is allocated that the sender did not pay for in bytes.

    command = decode_json(body, Append, limit=limits.COMMAND_BODY)
    frame: ClientFrame = decode_msgpack(message, ClientFrame, limit=limits.STREAM_FRAME)
    activity = parse_object(body, limit=limits.ACTIVITY_BODY)

All refusals are `GateError`, always the sender's fault; ``rule`` says which rule was broken.
"""

from functools import lru_cache
from types import UnionType
from typing import Any, TypeVar, overload

import msgspec

from yurt.wire.errors import GateError
from yurt.wire.json_scan import scan_json
from yurt.wire.msgpack_scan import scan_msgpack

T = TypeVar("T")


@overload
def decode_json(data: bytes, shape: type[T], *, limit: int) -> T: ...
@overload
def decode_json(data: bytes, shape: UnionType, *, limit: int) -> Any: ...  # noqa: ANN401  # a union cannot be named by a type variable; the caller annotates
def decode_json(data: bytes, shape: Any, *, limit: int) -> Any:
    """Read JSON into a struct; bytes are base64, unknown keys are ignored.

    Args:
        data: The body.
        shape: The struct, or a union of tagged structs.
        limit: Most bytes that are looked at.

    Raises:
        GateError: Too large, not strict JSON, or not of this shape.
    """
    parse_json(data, limit=limit)
    try:
        return _json_decoder(shape).decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _misshapen(error) from None


def parse_json(data: bytes, *, limit: int) -> object:
    """Read JSON of any shape, for documents whose vocabulary is open (ActivityPub).

    Returns:
        Dicts, lists, texts, numbers, booleans and None.

    Raises:
        GateError: Too large, or not strict JSON.
    """
    _cap(data, limit)
    return scan_json(data)


def parse_object(data: bytes, *, limit: int) -> dict[str, object]:
    """Read JSON that must be one object.

    Raises:
        GateError: Too large, not strict JSON, or another kind of value.
    """
    value = parse_json(data, limit=limit)
    if not isinstance(value, dict):
        raise GateError("shape", "a JSON object belongs here")
    return value  # pyright: ignore[reportUnknownVariableType]  # JSON keys are texts


@overload
def decode_msgpack(data: bytes, shape: type[T], *, limit: int) -> T: ...
@overload
def decode_msgpack(data: bytes, shape: UnionType, *, limit: int) -> Any: ...  # noqa: ANN401  # as above
def decode_msgpack(data: bytes, shape: Any, *, limit: int) -> Any:
    """Read MessagePack into a struct; unknown keys are ignored.

    Raises:
        GateError: Too large, not strict MessagePack, or not of this shape.
    """
    _cap(data, limit)
    scan_msgpack(data)
    return decode_scanned_msgpack(data, shape)


@overload
def decode_scanned_msgpack(data: bytes | msgspec.Raw, shape: type[T]) -> T: ...
@overload
def decode_scanned_msgpack(data: bytes | msgspec.Raw, shape: UnionType) -> Any: ...  # noqa: ANN401  # as above
def decode_scanned_msgpack(data: Any, shape: Any) -> Any:
    """Read a part (`msgspec.Raw`) of what already went through `decode_msgpack`, without a second look.

    Raises:
        GateError: Not of this shape.
    """
    try:
        return _msgpack_decoder(shape).decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _misshapen(error) from None


@lru_cache(maxsize=256)
def _json_decoder(shape: type[T]) -> "msgspec.json.Decoder[T]":
    return msgspec.json.Decoder(shape)


@lru_cache(maxsize=256)
def _msgpack_decoder(shape: type[T]) -> "msgspec.msgpack.Decoder[T]":
    return msgspec.msgpack.Decoder(shape)


def _cap(data: bytes, limit: int) -> None:
    if len(data) > limit:
        raise GateError("tooLarge", f"{len(data)} bytes where at most {limit} are read")


def _misshapen(error: Exception) -> GateError:
    # Its text says where ("at `$.after.seq`"), and may quote a little of what was sent.
    return GateError("shape", str(error)[:200])

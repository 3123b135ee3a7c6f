r"""Read JSON strictly: one meaning for every reader, or none (RFC 8259, and RFC 7493 "I-JSON").

The depth is measured on the bytes before anything recursive sees them. Keys are compared after unescaping,
so that ``"a"`` and ``"\u0061"`` are the same key.
"""

import json
import math
import re
from typing import Final, NoReturn, cast

from yurt.wire.errors import GateError
from yurt.wire.limits import MAX_DEPTH, MAX_INTEGER, MAX_KEYS, MAX_NUMBER_LENGTH, MAX_VALUES

# The closing quote is optional: a text without an end is skipped to the end at once. Were it not, each
# escaped quote inside would be tried as another beginning, in quadratic time.
_TEXT: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+', re.DOTALL)
_BRACKET: Final = re.compile(rb"[\[\]{}]")
_SUSPECT: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
"""The only ways in which a NUL or a lone surrogate can pass the parser."""
_LONGEST_INTEGER: Final = len(str(-MAX_INTEGER))


def scan_json(data: bytes) -> object:
    """Read one JSON value.

    Raises:
        GateError: Not strict JSON.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise GateError("notUtf8", "the JSON is not UTF-8") from None
    _measure(_TEXT.sub(b"", data))
    try:
        value: object = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        rule = "trailingData" if error.msg == "Extra data" else "malformed"
        raise GateError(rule, f"not JSON: {error.msg} at character {error.pos}") from None
    if _SUSPECT.search(data):
        _check_texts(value)
    return value


def _measure(skeleton: bytes) -> None:
    """Refuse what is too deep or too much; `skeleton` is the JSON without its texts."""
    if skeleton.count(b",") + skeleton.count(b"[") + skeleton.count(b"{") > MAX_VALUES:
        raise GateError("tooManyValues", f"more than {MAX_VALUES} values")
    depth = 0
    for bracket in _BRACKET.findall(skeleton):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise GateError("tooDeep", f"more than {MAX_DEPTH} levels")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(pairs) > MAX_KEYS:
        raise GateError("tooManyKeys", f"an object of more than {MAX_KEYS} keys")
    value = dict(pairs)
    if len(value) != len(pairs):
        raise GateError("duplicateKey", "an object names a key twice")
    return value


def _integer(text: str) -> int:
    # By length first: turning a million digits into a number is work that nobody should get for free.
    if len(text) > _LONGEST_INTEGER or abs(value := int(text)) > MAX_INTEGER:
        raise GateError("numberRange", "an integer beyond 2**53 - 1")
    return value


def _float(text: str) -> float:
    value = float(text) if len(text) <= MAX_NUMBER_LENGTH else math.inf
    if not math.isfinite(value):
        raise GateError("numberRange", "a number that is too long or too large")
    return value


def _constant(text: str) -> NoReturn:
    raise GateError("notFinite", f"{text} is no JSON number")


def _check_texts(value: object) -> None:
    """Refuse NUL and lone surrogates in any text of a value."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        match item:
            case str():
                _check_text(item)
            case list():
                waiting.extend(cast("list[object]", item))
            case dict():
                pairs = cast("dict[str, object]", item)
                waiting += [*pairs.keys(), *pairs.values()]
            case _:
                pass


def _check_text(text: str) -> None:
    if "\0" in text:
        raise GateError("nul", "a text with a NUL character")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise GateError("surrogate", "a text with half of a surrogate pair") from None


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)

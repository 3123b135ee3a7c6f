"""Header values: structured dictionaries, parameter lists, dates, and the text that a signature is over.

Structured dictionaries are RFC 9651's, without duplicates; parameter lists (``keyId="..",created=1``) are
those of draft-cavage, which FEP-8fcf uses too; dates are RFC 9110 5.6.7.
"""

import base64
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import http_sf
from http_sf.types import DictionaryType, ItemType, ParamsType

from yurt.activitypub.errors import SignatureMalformed
from yurt.wire.limits import MAX_SIGNATURE_HEADER, MAX_SIGNATURE_PARAMETERS

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE: Final = re.compile(
    rf"(?:{'|'.join(_DAYS)}), ([0-9]{{2}}) ({'|'.join(_MONTHS)}) ([0-9]{{4}}) "
    r"([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)

# One member of a structured dictionary as nearly everybody writes it: bytes, or a list of plain texts with
# plain texts and whole seconds as parameters.
_KEY: Final = r"[a-z*][a-z0-9_.*-]*"
_TEXT: Final = r'"[ !#-\[\]-~]*"'
_BYTES: Final = re.compile(rf"({_KEY})=:([A-Za-z0-9+/]*={{0,2}}):")
_LIST: Final = re.compile(
    rf"({_KEY})=\(((?:{_TEXT}(?: {_TEXT})*)?)\)((?:;{_KEY}=(?:{_TEXT}|[0-9]{{1,15}}))*)"
)
_LIST_PARAMETER: Final = re.compile(rf';({_KEY})=(?:"([^"]*)"|([0-9]+))')

_PARAMETER: Final = re.compile(r'[ \t]*([A-Za-z]+)[ \t]*=[ \t]*(?:"([^"\\]*)"|([0-9]{1,15}))[ \t]*(,|$)')
_LINE: Final = re.compile(r"[\t -~]*")


def read_dictionary(name: str, value: str) -> DictionaryType:
    """Read a structured dictionary whose keys and parameters all come once.

    RFC 9651 lets the last of two equal keys win; a signature must not depend on that.

    Raises:
        SignatureMalformed: Not a dictionary, a key twice, or too long.
    """
    if len(value) > MAX_SIGNATURE_HEADER:
        raise SignatureMalformed("tooLarge", f"the header {name} is too long")
    if (plain := _read_plainly(value)) is not None:
        return plain
    twice: list[str] = []
    try:
        fields = http_sf.parse(
            value.encode("ascii"),
            tltype="dictionary",
            on_duplicate_key=lambda key, _where: twice.append(key),
        )
    except (http_sf.StructuredFieldError, UnicodeEncodeError):
        raise SignatureMalformed(
            "malformedHeader", f"the header {name} is no structured dictionary"
        ) from None
    if twice or not isinstance(fields, dict):
        raise SignatureMalformed("duplicateParameter", f"the header {name} names something twice")
    return fields


def _read_plainly(value: str) -> DictionaryType | None:
    """Read a dictionary of one member in its usual form, as `http_sf` does but in a tenth of the time.

    Returns:
        None for whatever is not in that form, valid or not: then the whole grammar decides.
    """
    if (match := _BYTES.fullmatch(value)) is not None:
        return {match[1]: (base64.b64decode(match[2]), {})} if len(match[2]) % 4 == 0 else None
    if (match := _LIST.fullmatch(value)) is None:
        return None
    pairs = _LIST_PARAMETER.findall(match[3])
    parameters: ParamsType = {key: int(number) if number else text for key, text, number in pairs}
    if len(parameters) != len(pairs):
        return None
    items: list[ItemType] = [(text, {}) for text in match[2].split('"')[1::2]]
    return {match[1]: (items, parameters)}


def read_parameters(name: str, value: str) -> dict[str, str]:
    """Read ``name="text",name=123`` as draft-cavage 4.1 has it; names are compared without case.

    Returns:
        Values by name in lower case.

    Raises:
        SignatureMalformed: Not in the grammar, a name twice, too many, or too long.
    """
    if len(value) > MAX_SIGNATURE_HEADER:
        raise SignatureMalformed("tooLarge", f"the header {name} is too long")
    found: dict[str, str] = {}
    at = 0
    more = True
    while more:
        match = _PARAMETER.match(value, at)
        if match is None or len(found) >= MAX_SIGNATURE_PARAMETERS:
            raise SignatureMalformed(
                "malformedHeader", f"the header {name} is not in the grammar of draft-cavage"
            )
        key = match[1].lower()
        if key in found:
            raise SignatureMalformed("duplicateParameter", f"the header {name} has {key} twice")
        found[key] = match[2] if match[2] is not None else match[3]
        at, more = match.end(), match[4] == ","
    return found


def join_lines(lines: Iterable[str]) -> bytes:
    """Make the text that is signed of its lines.

    Raises:
        SignatureMalformed: A line is not printable ASCII. A line feed inside a value would be two lines, so
            that one text could stand for two requests.
    """
    checked = list(lines)
    if not all(_LINE.fullmatch(line) for line in checked):
        raise SignatureMalformed("malformedHeader", "a covered value is not printable ASCII")
    return "\n".join(checked).encode("ascii")


@lru_cache(maxsize=16)
def write_date(seconds: int) -> str:
    """Write a time as IMF-fixdate; names of days are English in every locale."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{_DAYS[at.weekday()]}, {at:%d} {_MONTHS[at.month - 1]} {at:%Y %H:%M:%S} GMT"


def read_date(text: str) -> int:
    """Read an IMF-fixdate as seconds since 1970; older forms of dates are not used by anybody who signs.

    Raises:
        SignatureMalformed: Another form, or no such day.
    """
    match = _DATE.fullmatch(text)
    if match is None:
        raise SignatureMalformed("malformedDate", "the Date is not in the form of RFC 9110")
    day, month, year, hour, minute, second = match.groups()
    try:
        at = datetime(
            int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC
        )
    except ValueError:
        raise SignatureMalformed("malformedDate", "there is no such Date") from None
    return int(at.timestamp())

"""Header values: structured dictionaries (RFC 9651) without duplicates, and dates (RFC 9110 5.6.7)."""

import re
from datetime import UTC, datetime
from typing import Final

import http_sf
from http_sf.types import DictionaryType

from yurt.activitypub.errors import SignatureMalformed
from yurt.wire.limits import MAX_SIGNATURE_HEADER

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE: Final = re.compile(
    rf"(?:{'|'.join(_DAYS)}), ([0-9]{{2}}) ({'|'.join(_MONTHS)}) ([0-9]{{4}}) "
    r"([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)


def read_dictionary(name: str, value: str) -> DictionaryType:
    """Read a structured dictionary whose keys and parameters all come once.

    RFC 9651 lets the last of two equal keys win; a signature must not depend on that.

    Raises:
        SignatureMalformed: Not a dictionary, a key twice, or too long.
    """
    if len(value) > MAX_SIGNATURE_HEADER:
        raise SignatureMalformed("tooLarge", f"the header {name} is too long")
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

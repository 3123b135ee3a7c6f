"""Times as documents write them: ``2026-11-21T07:07:42Z`` (RFC 3339), seconds since 1970 inside."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_TIME: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]{1,9})?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
_LATEST: Final = 253_402_300_799
"""The end of the year 9999."""


def write_time(seconds: int) -> str:
    """Write a time, in UTC and whole seconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_time(text: str) -> int | None:
    """Read a time; fractions of a second are dropped. None if it is none, or before 1970."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    try:
        at = datetime(*(int(part) for part in match.groups()[:6]), tzinfo=UTC)  # type: ignore[arg-type,misc]  # six numbers
        hours, minutes = int(match[8] or 0), int(match[9] or 0)
        offset = timedelta(hours=hours, minutes=minutes)
        seconds = int((at + offset if match[7] == "-" else at - offset).timestamp())
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds <= _LATEST else None

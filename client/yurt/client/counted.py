"""Numbers in sentences: ``1 tie``, ``2 ties``; ``3 hours``. One place, so that no line says "1 ties"."""

from typing import Final

_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60))


def counted(number: int, one: str, more: str = "") -> str:
    """Say how many there are.

    Args:
        number: How many.
        one: What one of them is called.
        more: What several are called, if it is not `one` and an s.
    """
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def lasting(seconds: float) -> str:
    """Say a span of time as people do, in its largest whole unit."""
    for unit, size in _UNITS:
        if (number := int(seconds // size)) >= 1:
            return counted(number, unit)
    return "less than a minute"

"""Numbers as people say them."""

from yurt.client.counted import counted, lasting


def test_one_is_singular() -> None:
    """One tie, two ties; where there is no s, the caller says what several are called."""
    assert [counted(number, "tie") for number in (0, 1, 2, 12_345)] == [
        "0 ties",
        "1 tie",
        "2 ties",
        "12,345 ties",
    ]
    assert (counted(1, "person", "people"), counted(3, "person", "people")) == ("1 person", "3 people")


def test_spans_are_whole() -> None:
    """Nobody reads that something is 0 h or 720 h old."""
    assert [lasting(seconds) for seconds in (5, 60, 7_300, 86_400, 30 * 86_400)] == [
        "less than a minute",
        "1 minute",
        "2 hours",
        "1 day",
        "30 days",
    ]

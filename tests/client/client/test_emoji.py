"""What may be put under a message by hand."""

import pytest

from yurt.client.emoji import checked_emoji
from yurt.wire.problems import ProblemError


@pytest.mark.parametrize(
    "text",
    [
        "👍",
        "👍🏽",
        "❤",
        "❤️",
        "👨‍👩‍👧‍👦",
        "🏳️‍🌈",
        "🇩🇪",
        "1️⃣",
        "☕",
        "↔️",
        "‼️",
        "\u2139\ufe0f",
        "\U0001fae8",
        ":wave:",
        ":+1:",
    ],
)
def test_one_emoji_is_taken_however_it_is_made(text: str) -> None:
    """A skin tone, a family, a flag, a keycap: all are one emoji; a name between colons stands for one."""
    assert checked_emoji(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "notemoji",
        "",
        "x",
        "+1",
        "7",
        "👍👍",
        "👍 ",
        "👍x",
        "::",
        ":no name:",
        "\u200d",
        "\x1b[2J",
        "a\ufe0f",
        "é\ufe0f",
        "漢",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """A word is a message, and two emoji are two reactions."""
    with pytest.raises(ProblemError, match="no emoji"):
        checked_emoji(text)

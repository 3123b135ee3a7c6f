"""What a person may put under a message: one emoji, or the name of one between colons.

The rules of content take any short text there (other clients may know more), so this is asked by what people
type into, before anything is said. One emoji is one grapheme: a sign with its variation and skin tone, a
flag, a keycap, or several signs that joiners make one (Unicode UTS 51, 1.4.9).
"""

import re
import unicodedata
from typing import Final

from yurt.wire.problems import refuse

_VARIATION: Final = "\ufe0f"
_SIGN: Final = (
    r"[\U0001F1E6-\U0001F1FF]{2}"  # a flag
    r"|[0-9#*]\ufe0f?\u20e3"  # a keycap
    r"|(?P<sign>.)\ufe0f?[\U0001F3FB-\U0001F3FF]?[\U000E0020-\U000E007F]*"
)
_EMOJI: Final = re.compile(_SIGN)
_NAME: Final = re.compile(r":[a-z0-9_+-]{1,30}:")
_NEWER: Final = ("\U0001f000", "\U0001faff")
"""Blocks of emoji, also of a Unicode that this Python does not know yet."""
_OLDER: Final = ("\u203c", "\u303d")
"""Where signs and letters lie that are emoji once the variation says so, such as U+2139 and U+2194."""


def checked_emoji(text: str) -> str:
    """Give back what is one emoji or :name:.

    Raises:
        ProblemError: ``badRequest``: it is something else.
    """
    if _NAME.fullmatch(text) or all(_is_sign(part) for part in text.split("\u200d")):
        return text
    raise refuse("badRequest", f"{text!r} is no emoji: give one, such as \N{THUMBS UP SIGN}, or a :name:")


def _is_sign(text: str) -> bool:
    found = _EMOJI.fullmatch(text)
    if found is None:
        return False
    sign = found["sign"]
    if sign is None:
        return True
    is_picture = unicodedata.category(sign) == "So" or _NEWER[0] <= sign <= _NEWER[1]
    return is_picture or (_VARIATION in text and _OLDER[0] <= sign <= _OLDER[1])

"""Make text from outside safe to show: in a terminal, in a log, on a line beside other people's names.

A terminal obeys escape sequences, a bidi override turns ``gpj.exe`` into a picture, invisible characters
make two names one. Both functions are idempotent, keep what people write in any script, and never fail.

    clean_line(name)     one line; bidi controls are shown as ⟨RLO⟩
    clean_body(message)  several lines; bidi controls are kept inside their own line
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Final

MAX_COMBINING: Final = 4
"""Marks on one character; stacks of a hundred cover the lines above."""
_MAX_BIDI_DEPTH: Final = 16

_ESCAPE: Final = "\x1b"
_ESCAPE_SHOWN: Final = "␛"
_ZWJ: Final = "\u200d"
_VARIATION_16: Final = "\ufe0f"
_FSI: Final = "\u2068"
_PDI: Final = "\u2069"
_PDF: Final = "\u202c"
_EMBEDDINGS: Final = "\u202a\u202b\u202d\u202e"
_ISOLATES: Final = "\u2066\u2067\u2068"
_MARKS: Final = {"\u200e": "LRM", "\u200f": "RLM", "\u061c": "ALM"}
_BIDI: Final = {
    **_MARKS,
    "\u202a": "LRE",
    "\u202b": "RLE",
    "\u202c": "PDF",
    "\u202d": "LRO",
    "\u202e": "RLO",
    "\u2066": "LRI",
    "\u2067": "RLI",
    "\u2068": "FSI",
    "\u2069": "PDI",
}
_BREAK: Final = re.compile("\r\n|[\r\x85\u2028\u2029]")
# Format characters (Cf) that have a shape of their own; all the others are invisible.
_VISIBLE_FORMAT: Final = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2")
# Letters by category, blank by shape: names made of them look empty.
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0")
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})

_Bidi = Callable[[str], str]


def clean_line(text: str) -> str:
    """Make one line of a name or another short text.

    Breaks and tabs become spaces, bidi controls are spelled out, what is invisible goes.
    """
    if _is_plain(text):
        return text
    line = _BREAK.sub(" ", text).replace("\n", " ").replace("\t", " ")
    return _normal(_keep_visible(line, lambda control: f"⟨{_BIDI[control]}⟩"))


def clean_body(text: str) -> str:
    """Make safe a text of several lines; line feeds and tabs stay.

    Each line with text from right to left is isolated, so that it cannot reach what stands beside it.
    """
    if _is_plain(text):
        return text
    lines = _BREAK.sub("\n", text).split("\n")
    return "\n".join(_isolate("".join(_keep_visible(line, lambda control: control))) for line in lines)


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _normal(characters: Iterable[str]) -> str:
    """Compose, then limit marks: what was dropped before may have stood between two of them."""
    return "".join(_limit_marks(unicodedata.normalize("NFC", "".join(characters))))


def _keep_visible(line: str, bidi: _Bidi) -> Iterator[str]:
    for at, character in enumerate(line):
        if character == _ESCAPE:
            yield _ESCAPE_SHOWN
        elif character in _BIDI:
            yield bidi(character)
        elif character == _ZWJ:
            if _joins_emoji(line, at):
                yield character
        elif character == "\t" or not _is_invisible(character):
            yield "\ufffd" if unicodedata.category(character) == "Cs" else character


def _is_invisible(character: str) -> bool:
    """Controls, format characters, tags, fillers and non-characters."""
    if character in _FILLERS or ord(character) & 0xFFFE == 0xFFFE:
        return True
    category = unicodedata.category(character)
    return category == "Cc" or (category == "Cf" and character not in _VISIBLE_FORMAT)


def _joins_emoji(line: str, at: int) -> bool:
    """Tell whether the joiner stands between two emoji, like in a family or a flag."""
    before = line[max(at - 2, 0) : at].removesuffix(_VARIATION_16)[-1:]
    after = line[at + 1 : at + 2]
    return _is_emoji(before) and _is_emoji(after)


def _is_emoji(character: str) -> bool:
    if not character:
        return False
    return unicodedata.category(character) == "So" or "\U0001f3fb" <= character <= "\U0001f3ff"


def _limit_marks(characters: str) -> Iterator[str]:
    run = 0
    for character in characters:
        run = run + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if run <= MAX_COMBINING:
            yield character


def _isolate(line: str) -> str:
    """Balance the bidi controls of a line, and wrap the line if its direction could leak (UAX 9)."""
    inner, closers = _unwrapped(line), list[str]()
    kept = [_balanced(character, closers) for character in inner]
    text = _normal([*kept, *reversed(closers)])
    return f"{_FSI}{text}{_PDI}" if _leaks(text) else text


def _unwrapped(line: str) -> str:
    """Take off the isolate around all of a line, if there is one: our own must not count as depth."""
    depth = 0
    for at, character in enumerate(line):
        if character in _ISOLATES:
            depth += 1
        elif character == _PDI:
            depth -= 1
        if depth <= 0:
            return line[1:-1] if at == len(line) - 1 and line.startswith(_FSI) else line
    return line


def _balanced(character: str, closers: list[str]) -> str:
    """One character, or nothing if it would close what this line did not open, or open too much."""
    if character in _EMBEDDINGS or character in _ISOLATES:
        if len(closers) >= _MAX_BIDI_DEPTH:
            return ""
        closers.append(_PDI if character in _ISOLATES else _PDF)
    elif character == _PDF:
        if closers[-1:] != [_PDF]:
            return ""
        closers.pop()
    elif character == _PDI:
        return _close_isolate(closers)
    return character


def _close_isolate(closers: list[str]) -> str:
    if _PDI not in closers:
        return ""
    closing = ""
    while (closer := closers.pop()) != _PDI:
        closing += closer
    return closing + _PDI


def _leaks(text: str) -> bool:
    return any(
        character in _BIDI or unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text
    )

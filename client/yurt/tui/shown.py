r"""The one way of remote text to the screen: clean, and of a width on which every terminal agrees.

``yurt.wire.sanitise`` takes away what a terminal obeys. What is left can still move the borders of a pane,
because terminals measure emoji sequences differently: a joined family is two cells here and eight there.
So sequences are shown as their parts, each of a certain width. Nothing here is ever read as markup.

    line("bo\x1b[2J")             one line
    rows("a long text ...", 40)    rows of at most 40 cells
"""

import re
import unicodedata
from typing import Final

from rich.cells import cell_len

from yurt.wire.sanitise import clean_body, clean_line

MAX_CHARACTERS: Final = 8_000
"""Of one text on the screen: who sends more cannot make everybody's terminal wrap it. Copying gets all."""
_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""Where the sanitiser ends a line."""
_TAB: Final = 4
_BLANK: Final = "\N{DOTTED CIRCLE}"
"""Carries a mark that has no letter of its own to stand on."""
_UNKNOWN: Final = "\N{REPLACEMENT CHARACTER}"
_UNSTEADY: Final = {
    **dict.fromkeys((0x200D, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), *range(0x1F3FB, 0x1F400))),
    **{0x1F1E6 + number: chr(ord("A") + number) for number in range(26)},
}
"""Joiners, variation selectors and skin tones go; a flag becomes its two letters."""


def line(text: str) -> str:
    """Make one safe line of a name or another short text."""
    return isolated(_steady(clean_line(text[:MAX_CHARACTERS])))


def label(text: str, width: int) -> str:
    """Make a safe line of exactly `width` cells, cut or filled with spaces."""
    shown = crop(_steady(clean_line(text[:MAX_CHARACTERS])), width)
    return isolated(shown) + " " * (width - cell_len(shown))


def rows(text: str, width: int) -> list[str]:
    """Wrap a message into safe rows of at most `width` cells; at least one."""
    found = list[str]()
    for part in _BREAK.split(text[:MAX_CHARACTERS]):
        found += line_rows(part.expandtabs(_TAB), width)
    if len(text) > MAX_CHARACTERS:
        found += wrap(f"(and {len(text) - MAX_CHARACTERS:,} characters more: y copies all)", width)
    return found


def line_rows(text: str, width: int) -> list[str]:
    """Wrap a short text into safe rows; its own breaks count for nothing."""
    return [isolated(row) for row in wrap(_steady(clean_line(text[:MAX_CHARACTERS])), width)]


def copied(text: str) -> str:
    """Make a message safe to paste: its lines, without what a terminal obeys."""
    return clean_body(text)


def wrap(text: str, width: int) -> list[str]:
    """Break one line at spaces, or where it must be, into rows of at most `width` cells."""
    found = list[str]()
    while cell_len(text) > width:
        head = crop(text, width) or text[:1]
        space = head.rstrip(" ").rfind(" ")
        rest = text[len(head) :]
        if not rest.startswith(" ") and space > 0 and head[:space].strip(" "):
            head, rest = head[:space], text[space + 1 :]
        found.append(head)
        text = rest.removeprefix(" ")
    return [*found, text] if text or not found else found


def crop(text: str, width: int) -> str:
    """Give the longest beginning of at most `width` cells, marks included."""
    if cell_len(text) <= width:
        return text
    cells = 0
    for at, character in enumerate(text):
        cells += cell_len(character)
        if cells > width:
            return text[:at]
    return text


def isolated(row: str) -> str:
    """Keep text from right to left within its own place on a row (UAX 9)."""
    return row if row.isascii() else clean_body(row)


def _steady(text: str) -> str:
    """Take away what terminals measure differently."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text.translate(_UNSTEADY))
    known = "".join(_UNKNOWN if unicodedata.category(c) in ("Cn", "Co") else c for c in text)
    return _BLANK + known if known and not cell_len(known[0]) else known

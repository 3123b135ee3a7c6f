"""Five hundred hostile strings in every place that shows remote text, in a real terminal."""

import re
import time
import unicodedata
from collections.abc import Callable
from typing import Final

from rich.cells import cell_len
from wcwidth import wcwidth

from yurt.tui import shown
from yurt.tui.hostile import COUNT, GENUINE, HOSTILE
from yurt.tui.lines import Gutter
from yurt.tui.notifications import notification
from yurt.tui.pty_terminal import Terminal

PAGE_DOWN, PAGE_UP, F2, F3, F5 = "\x1b[6~", "\x1b[5~", "\x1bOQ", "\x1bOR", "\x1b[15~"
F6, F7 = "\x1b[17~", "\x1b[18~"
CTRL_K, ESC = "\x0b", "\x1b"
# What Textual itself writes: styles, places, modes, questions about modes, the Kitty keyboard.
_OURS: Final = re.compile(rb"\x1b\[(?:[0-9;]*[mH]|\?[0-9]+[hl]|\?[0-9]+\$p|[<>?]?[0-9]*u)")
# The clipboard that was asked for by a key, and the pointer's shape.
_ASKED: Final = re.compile(rb"\x1b\](?:52;c;[A-Za-z0-9+/=]*|22;[a-z-]+)\x07")
_BORDERS: Final = (0, 25, 26, 111, 112, 139)
"""Columns of the panes' borders at 140 columns."""
_FIRST, _LAST, _BOTTOM = 27, 110, 74
"""Cells of the timeline: columns, without the scrollbar's, and the row of its lower border at 80 rows."""
_UNSEEN: Final = frozenset(
    "\u200b\u200d\u200e\u202a\u202b\u202c\u202d\u202e\u2028\u2066\u2067\ufe0f\ufeff\U000e0041"
)
_ISOLATES: Final = {0x2068: None, 0x2069: None}

_STILL: Final = 5
"""Presses of a key without effect after which one is at the end; a page may be on its way."""

_PATIENCE_S: Final = 120

Cells = list[list[str]]


def _assert_obeys_nobody(output: bytes) -> None:
    """Every control byte is one that the client's own screen needs."""
    text = _ASKED.sub(b"", _OURS.sub(b"", output)).decode()
    controls = {c for c in text if (ord(c) < 32 and c not in "\r\n") or 0x7F <= ord(c) <= 0x9F}

    assert controls == set()
    assert not _UNSEEN.intersection(text)


def _assert_shape(cells: Cells) -> None:
    """No text has moved the border of a pane."""
    for number, row in enumerate(cells[1:-2]):
        for column in _BORDERS:
            assert row[column] in "│╭╮╰╯", (number, column, "".join(row))


def _assert_gutter(cells: Cells) -> None:
    """What stands in the gutter is ours, and what claims to be the room's own is."""
    gutter = Gutter.of(_LAST - _FIRST)
    at = _FIRST + gutter.time + gutter.name
    for row in cells[1:_BOTTOM]:
        line, mark, words = (
            "".join(row[_FIRST:_LAST]),
            "".join(row[at : at + 3]),
            "".join(row[at + 3 : _LAST]).lstrip("\u25cc"),
        )
        if row[_FIRST] == "─":
            assert re.fullmatch(r"─+ (\d{4}-\d\d-\d\d|new) ─+ *", line), line
        elif mark in ("── ", "!─ ", "?─ "):
            assert not "".join(row[_FIRST + gutter.time : at]).strip(), line
            assert words.startswith((GENUINE, "(")), line
        else:
            assert mark in (" │ ", "~│ ", " ┃ ", "~┃ ", " x ", " ┌ ", " └ ", " ? ", "   "), line
            assert mark.strip() or not "".join(row[_FIRST:at]).strip(), line


def test_steady_widths() -> None:
    """Every terminal measures a row as we do, character by character."""
    for text in HOSTILE:
        rows = shown.rows(text, 40)
        for row in (*rows, shown.label(text, 20), shown.line(text)):
            bare = row.translate(_ISOLATES)
            assert cell_len(row) == sum(max(0, wcwidth(character)) for character in bare), ascii(row)
            assert "\x1b" not in row

        assert len(set(HOSTILE)) > COUNT - 10
        assert max(cell_len(row) for row in rows) <= 40
        assert cell_len(shown.label(text, 20)) == 20


def test_hostile_notifications() -> None:
    """A name cannot end the sequence in which a terminal is told of it."""
    for environ in ({"TERM_PROGRAM": "WezTerm"}, {"TERM": "foot"}, {"TMUX": "1"}, {}):
        for text in HOSTILE:
            written = notification(f"{text} mentions you", environ)

            words = written.removeprefix("\x1b]9;").removeprefix("\x1b]777;notify;yurt;").rstrip("\a")
            unseen = {c for c in words.removesuffix("\x1b\\") if unicodedata.category(c) in ("Cc", "Cf")}
            assert unseen <= set("\u2068\u2069"), ascii(written)


def test_hostile_strings_everywhere(terminal: Callable[..., Terminal]) -> None:
    """Whatever people, rooms and messages are called, the screen stays ours."""
    screen = terminal("-m", "yurt.tui.hostile", rows=80)
    screen.sees("offline")
    screen.press(F5)  # the first room has a hostile name: it stands in a title
    screen.sees("invite into")
    _leave(screen, "invite into")
    screen.press(CTRL_K)
    screen.sees("jump to")
    screen.press("messages\r")
    screen.sees("─ messages ─")
    screen.press(ESC)
    screen.settle()

    # All messages, from the last to the first.
    seen = _page_through(screen, PAGE_UP, _assert_gutter, to="␛[2J␛[H")
    screen.press(CTRL_K)
    screen.sees("jump to")
    screen.press("own lines\r")
    screen.sees("─ own lines ─")
    screen.press(ESC)
    screen.settle()
    # All lines of a room's own.
    seen += _page_through(screen, PAGE_UP, _assert_gutter, to=f"{GENUINE} ␛[2J␛[H")
    for pane in (F2, F3):
        screen.press(pane)
        seen += _page_through(screen, PAGE_DOWN, lambda _: None)
    screen.press("\r")
    screen.sees("safety number")
    _leave(screen, "safety number")
    screen.press(F6)
    screen.sees("─ posts ─")
    screen.settle()
    seen += _page_through(screen, PAGE_UP, lambda _: None, shape=False)
    screen.press(F7)
    screen.sees("who asks to follow")
    screen.settle()
    screen.press(PAGE_DOWN + "a")  # the engine refuses, with a hostile reason
    screen.settle()
    _leave(screen, "who asks to follow")
    _leave(screen, "─ posts ─")
    screen.sees("─ rooms")
    screen.press("yi")
    screen.press("hello\r")  # the engine refuses, with a hostile reason
    screen.settle()
    screen.press("\x11")
    screen.until(lambda terminal: terminal.process.poll() is not None)

    assert seen > 10
    assert screen.process.returncode == 0
    _assert_obeys_nobody(screen.output)


def _leave(screen: Terminal, title: str) -> None:
    """Close what has a title, and wait for it: a key that overtakes Esc would be closed with it."""
    screen.press(ESC)
    screen.until(lambda terminal: title not in terminal.text)
    screen.settle(0.3)


def _page_through(
    screen: Terminal, key: str, check: Callable[[Cells], None], *, shape: bool = True, to: str = ""
) -> int:
    """Press a key until nothing changes any more, and `to` is to be seen; returns how often."""
    pages, still, before = 0, 0, Cells()
    deadline = time.monotonic() + _PATIENCE_S
    while still < _STILL or to not in screen.text:
        assert time.monotonic() < deadline, screen.text
        still = still + 1 if screen.cells == before else 0
        before = screen.cells
        if shape:
            _assert_shape(before)
        check(before)
        screen.press(key)
        screen.settle(0.03)
        pages += not still
    return pages

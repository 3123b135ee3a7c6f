"""How a terminal is asked to tell its person something: OSC 9, OSC 777, or the bell.

There is no way to ask which one a terminal knows, and some would show both: so it goes by what the
terminal says of itself in the environment, and the bell is for all others.
"""

from collections.abc import Mapping
from typing import Final

from yurt.tui.shown import line

_OSC9: Final = frozenset({"iTerm.app", "WezTerm", "ghostty", "kitty"})
_OSC777: Final = frozenset({"foot", "foot-extra", "rxvt-unicode", "rxvt-unicode-256color"})
_BELL: Final = "\a"
MOST: Final = 120
"""Characters of a notification."""


def notification(text: str, environ: Mapping[str, str]) -> str:
    """Give what to write to the terminal.

    Args:
        text: What happened, one line; names in it may come from anybody.
        environ: The terminal's environment.
    """
    # Semicolons part the fields of an OSC; ConEmu obeys an OSC 9 that begins with a digit.
    words = "yurt: " + line(text).replace(";", ",")[:MOST]
    if "TMUX" in environ or "STY" in environ:
        return _BELL  # a multiplexer shows the bell in its own way, and drops the others
    if environ.get("TERM_PROGRAM") in _OSC9 or environ.get("TERM") == "xterm-kitty":
        return f"\x1b]9;{words}\x1b\\"
    if environ.get("TERM") in _OSC777 or "VTE_VERSION" in environ:
        return f"\x1b]777;notify;yurt;{words}\x1b\\{_BELL}"
    return _BELL

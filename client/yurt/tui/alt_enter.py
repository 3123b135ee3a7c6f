"""Alt-Enter in every terminal.

Terminals with the Kitty protocol name the key; all others send Escape and a carriage return, which Textual
8.2 takes for a plain Enter, and that would send half a message. Here its table of keys learns the sequence
as Ctrl-J, which is the same key to the composer.
"""

from typing import cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.keys import Keys


def teach() -> None:
    """Let Textual know Alt-Enter; again changes nothing."""
    table = cast("dict[str, tuple[Keys, ...]]", ANSI_SEQUENCES_KEYS)
    table["\x1b\r"] = (Keys.ControlJ,)

"""Being looked at from outside: what a node asks a friend, to know how others see it (`yurt node doctor`).

The friend looks at one place only, the node actor of the domain that signed the question, and not often; what
it finds is told to nobody else.
"""

from typing import Final

import msgspec

from yurt.wire.command import Answer

LOOK: Final = "look"


class Look(msgspec.Struct, frozen=True, omit_defaults=True):
    """Fetch my node actor, as you would at first contact."""


class Looked(Answer, frozen=True, omit_defaults=True):
    """What was found there."""

    status: int = 0
    """HTTP status; 0: no answer."""
    key: bytes = b""
    """The Ed25519 key of exchanges, 32 bytes; empty if there was none to read."""
    problem: str = ""
    """Why not, one line; sanitised before it is shown."""

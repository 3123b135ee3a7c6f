"""What a front end may ask for a device that was restored with the phrase."""

from typing import ClassVar

import msgspec

from yurt.client.calls import EngineCall
from yurt.wire.unshown import Unshown


class EnterFromKit(Unshown, EngineCall, frozen=True, kw_only=True):
    """Enter the rooms that the newest kit remembers; answered by `EnteredFromKit`. Again is no error."""

    name: ClassVar[str] = "enter_from_kit"

    phrase: str
    """The 24 words: they open the kit."""
    buddies: tuple[str, ...] = ()
    """Nodes that may keep a copy, beside those of the person record and the own one."""
    files: tuple[bytes, ...] = ()
    """Kit files from a disk."""


class EnteredFromKit(msgspec.Struct, frozen=True, kw_only=True):
    """In how many rooms of this person the device is now."""

    age_s: int = -1
    """How old the kit is; -1: there is none that counts."""
    problem: str = ""
    """Why there is none, for people."""
    done: int = 0
    left: int = 0
    """Rooms in which the own node knows this person, and this device is not."""
    notes: tuple[str, ...] = ()
    """One line for each room of the kit that could not be entered."""

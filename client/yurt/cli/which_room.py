"""Which room a person means: by its name, or by the beginning of its id."""

import re
from typing import Final

from yurt.client.api import EngineApi, RoomView
from yurt.wire.problems import refuse

SHORT_ID: Final = 8
"""Hexadecimal characters of a room id that people are shown."""
_ID: Final = re.compile(r"[0-9a-f]{4,64}")


def short_id(room: bytes) -> str:
    """Give the part of a room id that people are shown."""
    return room.hex()[:SHORT_ID]


async def find_room(engine: EngineApi, text: str) -> RoomView:
    """Find the room that a name or the beginning of an id means.

    Raises:
        ProblemError: ``notFound``, or ``badRequest`` if it could be several.
    """
    return pick_room(await engine.rooms(), text)


def pick_room(rooms: list[RoomView], text: str) -> RoomView:
    """Pick the room that is meant; a name goes before an id."""
    found = [room for room in rooms if room.name == text]
    if not found and _ID.fullmatch(text.lower()):
        found = [room for room in rooms if room.room.hex().startswith(text.lower())]
    if not found:
        raise refuse("notFound", f"there is no room {text!r} here: `yurt rooms` lists them")
    if len(found) > 1:
        ids = ", ".join(short_id(room.room) for room in found)
        raise refuse("badRequest", f"{text!r} could be several rooms: use one of the ids {ids}")
    return found[0]

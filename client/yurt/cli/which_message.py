"""Which message a person means: by its number (``yurt tail --numbers``), or by its content id's beginning."""

import re
from typing import Final

from yurt.client.api import NEWEST, EngineApi
from yurt.wire.problems import refuse

HELP: Final = "its number (`yurt tail --numbers`), or the beginning of its content id"
_CONTENT_ID: Final = re.compile(r"[0-9a-f]{8,32}")
_MAX_DIGITS: Final = 7
"""From eight characters on it is a content id."""


async def find_message(engine: EngineApi, room: bytes, text: str) -> int:
    """Find the local id of the message that is meant.

    Raises:
        ProblemError: ``notFound``, or ``badRequest`` if it can be none, or several.
    """
    if text.isdecimal() and text.isascii() and len(text) <= _MAX_DIGITS:
        return int(text)
    if not _CONTENT_ID.fullmatch(text.lower()):
        raise refuse("badRequest", f"{text!r} is no message: give {HELP}")
    found, before = list[int](), NEWEST
    while page := await engine.timeline(room, before=before):
        found += [item.item for item in page if item.content_id.hex().startswith(text.lower())]
        before = page[0].item
    if not found:
        raise refuse("notFound", f"there is no message {text!r} in this room")
    if len(found) > 1:
        raise refuse("badRequest", f"{text!r} could be several messages: give more of its content id")
    return found[0]

"""The newest chain hashes of each room: to compare what a message's author had seen with what we saw.

Kept in memory only. After a restart it begins with the vault's own place, and is full again after a few
rows; an author who had read less than that is simply not compared.
"""

from collections import OrderedDict
from typing import Final

from yurt.rooms.common.log_copy import LogCopy
from yurt.wire.position import Position

KEPT: Final = 512
"""Rows of a room."""


class Places:
    """Chain hashes by room and position; only for the vault's writer thread."""

    def __init__(self) -> None:
        self._rooms: dict[bytes, OrderedDict[Position, bytes]] = {}

    def note(self, room: bytes, copy: LogCopy) -> None:
        """Remember the chain hash at a place."""
        places = self._rooms.setdefault(room, OrderedDict())
        places[copy.head] = copy.chain
        while len(places) > KEPT:
            places.popitem(last=False)

    def chain_at(self, room: bytes, position: Position) -> bytes | None:
        """Give our chain hash at a place, if it is remembered."""
        places = self._rooms.get(room)
        return None if places is None else places.get(position)

    def clear(self) -> None:
        """Forget, after a rollback."""
        self._rooms.clear()

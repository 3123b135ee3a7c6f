"""Where something waits to be read."""

from collections.abc import Sequence

from yurt.client.api import RoomView


def next_unread(rooms: Sequence[RoomView], here: bytes, by: int) -> RoomView | None:
    """Find the next (1) or previous (-1) room with unread messages, all around the list; never `here`."""
    ids = [room.room for room in rooms]
    start = ids.index(here) if here in ids else (-1 if by > 0 else len(rooms))
    around = [rooms[(start + by * step) % len(rooms)] for step in range(1, len(rooms) + 1)] if rooms else []
    return next((room for room in around if room.unread and room.room != here), None)

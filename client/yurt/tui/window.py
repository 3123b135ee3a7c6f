"""The part of a room's history that the screen holds: some pages, never all of it.

Pages come and go by local id, which never changes. They are shown in the room's own order, which a line
learns when the hub has accepted it: whoever wrote while others did sees the same order as they do.
"""

from collections.abc import Sequence
from typing import Final

from yurt.client.api import TimelineItem
from yurt.wire.position import START, Position

MOST: Final = 1_000
"""Lines held; with pages of 200 that is two pages of margin on either side of a screen."""
_LAST: Final = Position(2**53 - 1, 2**53 - 1)


class Window:
    """Some consecutive lines of one room."""

    def __init__(self) -> None:
        self._items: list[TimelineItem] = []
        """By local id."""
        self.has_older = False
        """Whether the vault may have lines before these."""
        self.has_newer = False
        """Whether the vault has lines after these: new ones are not for this window then."""

    def __len__(self) -> int:
        return len(self._items)

    @property
    def first(self) -> int:
        """Local id of the oldest line held; 0 if there is none."""
        return self._items[0].item if self._items else 0

    @property
    def last(self) -> int:
        """Local id of the newest line held; 0 if there is none."""
        return self._items[-1].item if self._items else 0

    def show(self, items: Sequence[TimelineItem], *, older: bool, newer: bool) -> None:
        """Begin with a page."""
        self._items = list(items)
        self.has_older, self.has_newer = older, newer

    def prepend(self, items: Sequence[TimelineItem], *, older: bool) -> None:
        """Put the page before in front; the newest lines go if there are too many."""
        self._items = [item for item in items if item.item < self.first] + self._items
        self.has_older = older
        if len(self._items) > MOST:
            del self._items[MOST:]
            self.has_newer = True

    def append(self, items: Sequence[TimelineItem], *, newer: bool) -> None:
        """Put the page after at the end; the oldest lines go if there are too many."""
        self._items += [item for item in items if item.item > self.last]
        self.has_newer = newer
        if len(self._items) > MOST:
            del self._items[:-MOST]
            self.has_older = True

    def merge(self, item: TimelineItem) -> bool:
        """Take in a line that is new or has changed; returns whether it is for this window."""
        if self._items and item.item < self.first:
            self.has_older = True  # somebody told of what was said before this device came
            return False
        if item.item > self.last:
            if self.has_newer:
                return False
            self.append([item], newer=False)
            return True
        for at in range(len(self._items) - 1, -1, -1):
            known = self._items[at]
            if known.item == item.item and known.revision < item.revision:
                self._items[at] = item
                return True
            if known.item <= item.item:
                break
        return False

    def in_order(self) -> list[TimelineItem]:
        """Give the lines as the room has them; what the hub has not accepted yet comes last."""
        keys = dict[int, Position]()
        before = START
        for item in self._items:
            # A line that is only this device's own stays behind the one after which it was learned of.
            before = item.position or before
            keys[item.item] = _LAST if _waits(item) else before
        return sorted(self._items, key=lambda item: (keys[item.item], item.item))


def _waits(item: TimelineItem) -> bool:
    return item.own and item.position is None and item.state in ("queued", "sealed")

"""One log that one stream reads, and the states of that.

::

    state     meaning                                    left by
    LAGGING   gets pages from the store, when it has     read to the newest head known -> LIVE
              room for them                              read to the end of its window -> OVER
    LIVE      gets each committed batch                  too many bytes wait, or the batch is not
                                                         in memory any more -> LAGGING
    OVER      gets nothing: its device was removed       (subscribe again)

Every subscription begins LAGGING: the first page may be empty and tells the client that it is live.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from yurt.node.store.rooms import STILL
from yurt.node.streams.raw_write import Outlet
from yurt.wire.position import START, Position


class State(Enum):
    """See the table above."""

    LAGGING = 1
    LIVE = 2
    OVER = 3


@dataclass(frozen=True, slots=True)
class Reader:
    """The device that reads a room."""

    did: str
    device: bytes


class CatchUp(Protocol):
    """Brings the subscriptions of one stream back to the head."""

    def lag(self, subscription: "Subscription") -> None:
        """Begin to send pages."""
        ...


@dataclass(slots=True, eq=False)
class Subscription:
    """One log on one stream."""

    log: str
    """Internal name."""
    name: str
    """Name on the wire."""
    outlet: Outlet
    catch_up: CatchUp
    position: Position
    """The last row that was sent."""
    reader: Reader | None = None
    """Who reads a room; None for the own inbox."""
    state: State = State.LAGGING
    known: Position = START
    """Newest head heard of."""
    end: Position = STILL
    """The last row that it may get; `STILL`: no end."""

    def hear(self, head: Position) -> None:
        """Note a newer head."""
        self.known = max(self.known, head)

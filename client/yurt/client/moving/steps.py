"""The steps of a move and of a rescue, as tables: what comes after what, and what it is called.

A step is written into the vault after it was done, and may be done twice, so whoever is stopped anywhere
goes on there. Before ``confirmed`` nobody hears that somebody moves; whom they follow sees a new follower.

======== planned move ========================================== ===========================================
prepared statement and next record are signed, keys are made     the phrase is not needed any more
arrived  an account on the new node, which names the old one     the record still names the old actor
carried  blocks first, then mutes and follows, by the new node   waits here for the confirmation
confirmed                                                        from here on it cannot be taken back
recorded the next person record is at both nodes
moved    the old node has said Update and Move
rooms    the device's leaves name the new actor
told     people who must be asked have a message
switched this vault lives at the new node
watched  arrivals are counted at 1 h, 1 d, 7 d, 30 d             the end
======== ======================================================= ===========================================

A rescue has one more reason for each: the old node is dead, so the confirmation comes before the account,
the record goes from the new node to the nodes that the kit's roster names, and the Move is signed with the
old actor key, which the new node holds at most thirty days.
"""

from collections.abc import Mapping
from typing import Final

from yurt.client.vault.moves import MoveKind

PREPARED: Final = "prepared"
ARRIVED: Final = "arrived"
CARRIED: Final = "carried"
CONFIRMED: Final = "confirmed"
RECORDED: Final = "recorded"
MOVED: Final = "moved"
ROOMS: Final = "rooms"
TOLD: Final = "told"
SWITCHED: Final = "switched"
WATCHED: Final = "watched"
CANCELLED: Final = "cancelled"
"""Nobody moves; what the account on that node was made with is kept, for whoever thinks again."""

NEXT: Final[Mapping[MoveKind, Mapping[str, str]]] = {
    "move": {
        PREPARED: ARRIVED,
        ARRIVED: CARRIED,
        CARRIED: CONFIRMED,
        CONFIRMED: RECORDED,
        RECORDED: MOVED,
        MOVED: ROOMS,
        ROOMS: TOLD,
        TOLD: SWITCHED,
        SWITCHED: WATCHED,
    },
    "rescue": {
        CONFIRMED: ARRIVED,
        ARRIVED: CARRIED,
        CARRIED: RECORDED,
        RECORDED: MOVED,
        MOVED: ROOMS,
        ROOMS: TOLD,
        TOLD: WATCHED,
    },
}
SAID: Final[Mapping[str, str]] = {
    ARRIVED: "make the account on the new node",
    CARRIED: "carry blocks, mutes and follows",
    CONFIRMED: "your confirmation",
    RECORDED: "publish the next person record",
    MOVED: "send Update and Move",
    ROOMS: "take the rooms along",
    TOLD: "write to those who must be asked",
    SWITCHED: "live at the new node",
    WATCHED: "begin to count who arrives",
}
"""What is done next, for people, by the step that it leads to."""


def after(kind: MoveKind, step: str) -> str:
    """Name the step that follows; empty at the end."""
    return NEXT[kind].get(step, "")


def waits(kind: MoveKind, step: str) -> bool:
    """Tell whether a person must confirm before it goes on."""
    return after(kind, step) == CONFIRMED


def is_final(kind: MoveKind, step: str) -> bool:
    """Tell whether the move cannot be taken back any more."""
    return not (kind == "move" and step in (PREPARED, ARRIVED, CARRIED, CANCELLED))

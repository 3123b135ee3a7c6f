"""The life of a post or a reaction as a table: whatever arrives first, twice or late, the end is the same.

    life, effects = arrive(life, Arrival.MADE, version)

``unseen`` - nothing came yet; ``live`` - it is kept; ``gone`` - it was deleted or undone, for ever. A life
that was ``gone`` before it was ever live (its Undo or Delete came first) may be forgotten after
`yurt.activitypub.follow.UNDO_MEMORY_S`; a post that was live leaves a tombstone. Keep lives by *(actor, id)*:
so nobody can delete beforehand what somebody else is about to post.

A Block lives so too; what it does to follows is `yurt.activitypub.follow.block`.
"""

import enum
from dataclasses import dataclass
from typing import Final


class ObjectState(enum.Enum):
    """Where it stands; the values are stored."""

    UNSEEN = "unseen"
    LIVE = "live"
    GONE = "gone"


class Arrival(enum.Enum):
    """What arrives."""

    MADE = "made"
    """Create, Like, Announce, Block; or a fetch of something that was named."""
    CHANGED = "changed"
    """Update."""
    WITHDRAWN = "withdrawn"
    """Delete or Undo; 410 or a Tombstone where it was."""


class ObjectEffect(enum.Enum):
    """What to do, in the transaction that keeps the new state."""

    KEEP = "keep"
    """Store it, and tell those whom it is for."""
    REPLACE = "replace"
    """Store this version in place of the one before."""
    ERASE = "erase"
    """Take its content away, and tell those who saw it."""


@dataclass(frozen=True, slots=True)
class ObjectLife:
    """One post or reaction of one actor."""

    state: ObjectState = ObjectState.UNSEEN
    version: int = 0
    """Of what is kept: `Note.version`; 0 for reactions."""


ObjectEffects = tuple[ObjectEffect, ...]

_U, _L, _G = ObjectState

OBJECT_LIFE: Final[dict[tuple[ObjectState, Arrival], tuple[ObjectState, ObjectEffects]]] = {
    (_U, Arrival.MADE): (_L, (ObjectEffect.KEEP,)),
    (_L, Arrival.MADE): (_L, ()),  # again, or after its own Update
    (_G, Arrival.MADE): (_G, ()),  # overtaken by its own Delete or Undo
    (_U, Arrival.CHANGED): (_L, (ObjectEffect.KEEP,)),  # the Create is late, or was for others
    (_L, Arrival.CHANGED): (_L, (ObjectEffect.REPLACE,)),  # if it is newer: see `arrive`
    (_G, Arrival.CHANGED): (_G, ()),
    (_U, Arrival.WITHDRAWN): (_G, ()),  # remember it
    (_L, Arrival.WITHDRAWN): (_G, (ObjectEffect.ERASE,)),
    (_G, Arrival.WITHDRAWN): (_G, ()),
}


def arrive(life: ObjectLife, arrival: Arrival, version: int = 0) -> tuple[ObjectLife, ObjectEffects]:
    """Take in what arrived.

    Args:
        life: As it was.
        arrival: What arrived, from its own actor.
        version: Of what arrived.

    Returns:
        As it is now, and what to do.
    """
    if life.state is ObjectState.LIVE and arrival is Arrival.CHANGED and version <= life.version:
        return life, ()  # an older version that was slow
    state, effects = OBJECT_LIFE[life.state, arrival]
    return ObjectLife(state, version if effects and state is ObjectState.LIVE else life.version), effects

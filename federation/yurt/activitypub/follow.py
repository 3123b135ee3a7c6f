"""The life of a follow, seen from both its ends, as two tables.

A follow is a wish, an answer, and an end; each message may come twice, late, or before the one that it is
about. Whatever the order, both ends come to agree, and nothing is told or sent twice.

    life, effects = as_follower(life, Event.ACCEPTED)                   # their answer to my Follow
    life, effects = receive_follow(life, follow.id, locked=False)       # somebody's Follow of me

States: ``none`` - nobody asked; ``pending`` - asked, not answered; ``accepted``; ``refused`` - also: removed
later by the followed; ``undone`` - taken back by the follower. Between states nothing times out, but a
follow that was ``undone`` before it was ever seen may be forgotten after `UNDO_MEMORY_S`.
"""

import enum
from dataclasses import dataclass
from typing import Final

UNDO_MEMORY_S: Final = 6 * 3600
"""How long an Undo is kept for a Follow that it overtook; Mastodon's figure."""


class FollowState(enum.Enum):
    """Where a follow stands; the values are stored."""

    NONE = "none"
    PENDING = "pending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNDONE = "undone"


class Event(enum.Enum):
    """What moves a follow."""

    SENT = "sent"
    """Follower's end: the account follows."""
    RECEIVED = "received"
    """Followed's end: a Follow arrives."""
    ACCEPTED = "accepted"
    """An Accept arrives at the follower's end; the account accepts at the followed's."""
    REJECTED = "rejected"
    """Likewise with Reject."""
    UNDONE = "undone"
    """The account stops following; at the followed's end an Undo arrives."""


class Effect(enum.Enum):
    """What to do, in the same transaction that keeps the new state."""

    SEND_FOLLOW = "sendFollow"
    SEND_ACCEPT = "sendAccept"
    SEND_REJECT = "sendReject"
    SEND_UNDO = "sendUndo"
    TELL = "tell"
    """Tell the account's devices (an inbox row)."""


@dataclass(frozen=True, slots=True)
class FollowLife:
    """One follow at one of its ends."""

    state: FollowState = FollowState.NONE
    follow_id: str = ""
    """Id of the newest Follow (at the followed's end: as its sender named it)."""


Effects = tuple[Effect, ...]
_Table = dict[tuple[FollowState, Event], tuple[FollowState, Effects]]

_N, _P, _A, _R, _U = FollowState
_TELL: Final = Effect.TELL

FOLLOWER: Final[_Table] = {
    (_N, Event.SENT): (_P, (Effect.SEND_FOLLOW,)),
    (_P, Event.SENT): (_P, (Effect.SEND_FOLLOW,)),  # the first may be lost; receivers take it once
    (_A, Event.SENT): (_A, ()),
    (_R, Event.SENT): (_P, (Effect.SEND_FOLLOW,)),
    (_U, Event.SENT): (_P, (Effect.SEND_FOLLOW,)),
    (_N, Event.ACCEPTED): (_N, ()),  # nobody is followed because somebody else says so
    (_P, Event.ACCEPTED): (_A, (_TELL,)),
    (_A, Event.ACCEPTED): (_A, ()),
    (_R, Event.ACCEPTED): (_R, ()),
    (_U, Event.ACCEPTED): (_U, (Effect.SEND_UNDO,)),  # they crossed: they may believe that we follow
    (_N, Event.REJECTED): (_N, ()),
    (_P, Event.REJECTED): (_R, (_TELL,)),
    (_A, Event.REJECTED): (_R, (_TELL,)),  # removed as a follower
    (_R, Event.REJECTED): (_R, ()),
    (_U, Event.REJECTED): (_U, ()),
    (_N, Event.UNDONE): (_N, ()),
    (_P, Event.UNDONE): (_U, (Effect.SEND_UNDO,)),
    (_A, Event.UNDONE): (_U, (Effect.SEND_UNDO,)),
    (_R, Event.UNDONE): (_U, ()),
    (_U, Event.UNDONE): (_U, ()),
}
"""The end of who follows."""

FOLLOWED: Final[_Table] = {
    (_N, Event.RECEIVED): (_P, ()),
    (_P, Event.RECEIVED): (_P, ()),
    (_A, Event.RECEIVED): (_A, (Effect.SEND_ACCEPT,)),  # they did not get the first one
    (_R, Event.RECEIVED): (_P, ()),
    (_U, Event.RECEIVED): (_P, ()),  # another Follow than the undone one: see `as_followed`
    (_N, Event.ACCEPTED): (_N, ()),
    (_P, Event.ACCEPTED): (_A, (Effect.SEND_ACCEPT, _TELL)),
    (_A, Event.ACCEPTED): (_A, ()),
    (_R, Event.ACCEPTED): (_R, ()),
    (_U, Event.ACCEPTED): (_U, ()),
    (_N, Event.REJECTED): (_N, ()),
    (_P, Event.REJECTED): (_R, (Effect.SEND_REJECT,)),
    (_A, Event.REJECTED): (_R, (Effect.SEND_REJECT,)),
    (_R, Event.REJECTED): (_R, ()),
    (_U, Event.REJECTED): (_U, ()),
    (_N, Event.UNDONE): (_U, ()),  # the Undo came first: remember it
    (_P, Event.UNDONE): (_U, (_TELL,)),
    (_A, Event.UNDONE): (_U, (_TELL,)),
    (_R, Event.UNDONE): (_U, ()),
    (_U, Event.UNDONE): (_U, ()),
}
"""The end of who is followed."""

_OPEN: Final = (_P, _A)


def as_follower(life: FollowLife, event: Event, follow_id: str = "") -> tuple[FollowLife, Effects]:
    """Move a follow at the follower's end.

    Args:
        life: As it was.
        event: What happened; `Event.RECEIVED` is our own bug here.
        follow_id: With `Event.SENT`: the id for a new Follow. A pending one keeps its id.

    Returns:
        As it is now, and what to do.
    """
    state, effects = FOLLOWER[life.state, event]
    is_new = event is Event.SENT and life.state is not FollowState.PENDING and bool(effects)
    return FollowLife(state, follow_id if is_new else life.follow_id), effects


def as_followed(life: FollowLife, event: Event, follow_id: str = "") -> tuple[FollowLife, Effects]:
    """Move a follow at the followed's end.

    Args:
        life: As it was.
        event: What happened; `Event.SENT` is our own bug here.
        follow_id: With `Event.RECEIVED` and `Event.UNDONE`: the id of the Follow that it is about; empty
            if it has none.

    Returns:
        As it is now, and what to do.
    """
    named_both = bool(follow_id) and bool(life.follow_id)
    if event is Event.RECEIVED and life.state is FollowState.UNDONE and follow_id == life.follow_id != "":
        return life, ()  # its Undo overtook it
    if event is Event.UNDONE and life.state in _OPEN and named_both and follow_id != life.follow_id:
        return life, ()  # a late Undo of an older Follow
    state, effects = FOLLOWED[life.state, event]
    return FollowLife(state, follow_id or life.follow_id), effects


def receive_follow(
    life: FollowLife, follow_id: str, *, locked: bool, refused: bool = False
) -> tuple[FollowLife, Effects]:
    """Take in somebody's Follow; accept it at once unless the account is locked.

    Args:
        life: As it was.
        follow_id: As its sender named it.
        locked: The account decides itself.
        refused: Nobody is asked: the account blocks the sender, the node its domain, or the account moved.

    Returns:
        As it is now, and what to do. A locked account's devices are told of the request.
    """
    after, effects = as_followed(life, Event.RECEIVED, follow_id)
    if refused and after.state in _OPEN:
        return as_followed(after, Event.REJECTED)
    if after.state is not FollowState.PENDING:
        return after, effects
    if locked:
        return after, (*effects, _TELL) if life.state is not FollowState.PENDING else effects
    accepted, more = as_followed(after, Event.ACCEPTED)
    return accepted, (*effects, *more)


def block(mine: FollowLife, theirs: FollowLife, *, by_them: bool) -> tuple[FollowLife, FollowLife, Effects]:
    """End the follows between two actors, both ways, because one of them blocks the other.

    Args:
        mine: The account's follow of the other actor.
        theirs: The other actor's follow of the account.
        by_them: A Block arrived; else the account blocks, and a Block is sent beside these effects.

    Returns:
        Both follows as they are now, and what to do. After a Block that arrived nothing is sent.
    """
    mine, first = as_follower(mine, Event.REJECTED if by_them else Event.UNDONE)
    theirs, second = as_followed(theirs, Event.UNDONE if by_them else Event.REJECTED, theirs.follow_id)
    return mine, theirs, (*first, *second)

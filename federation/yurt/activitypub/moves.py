"""Move, received: when a follow goes along to another actor, as a table and a plain function.

    decision = decide_move(move, signer, origin, target, now)
    life, effects = after_move(life, decision, move.target, now)       # then `refollow` for each tie

A stock server's Move is believed as Mastodon believes it: the old actor signs it, and the new one names the
old as an alias. (Pulled by the new actor, as FEP-7628 has it, both must name each other.) A person whom we
know by did moves only with the next person record and the statement at the new actor; until both are here
the Move waits, and completes by itself (TRUST 9). Cooldowns are for actors without a did: an old node must
not be able to burn them.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from yurt.activitypub.activities import Other
from yurt.activitypub.references import Json, host_of, id_of
from yurt.activitypub.vocabulary import AS_CONTEXT

COOLDOWN_S: Final = 7 * 86_400
"""After a Move that was honoured; one that failed costs nothing. Mastodon's and GoToSocial's figure."""

CHAIN_S: Final = 30 * 86_400
"""How long honoured Moves count as links of a chain."""
MAX_CHAIN: Final = 5
"""Links; whoever moves on after so many is sending followers around."""


@dataclass(frozen=True, slots=True)
class Move:
    """`object` is now to be found at `target`."""

    id: str
    actor: str
    object: str
    target: str


@dataclass(frozen=True, slots=True)
class Origin:
    """What we know of who moves."""

    id: str
    did: str = ""
    """As pinned; empty for actors of stock servers."""
    record_actor: str = ""
    """``actor`` of the highest valid person record of this did; empty if there is no record."""
    record_frozen: bool = False
    """Two records claim one place: no new actor is accepted (TRUST 1)."""
    moved_to: str | None = None
    """``movedTo`` of its document as fetched now; None if that failed: the old server may be dead."""
    also_known_as: tuple[str, ...] = ()
    """Likewise."""
    last_move: int | None = None
    """When a Move of this actor was honoured here; seconds since 1970."""
    followed_to: str = ""
    """Where that Move led."""
    came_by: tuple[str, ...] = ()
    """The actors from which honoured Moves of the last `CHAIN_S` led here, nearest first."""


@dataclass(frozen=True, slots=True)
class Target:
    """The new actor, fetched freshly."""

    id: str
    also_known_as: tuple[str, ...] = ()
    moved_to: str = ""
    did: str = ""
    """Who its verified FEP-c390 statement says that it is; empty if it has none."""
    is_blocked: bool = False
    """Blocked or suspended by this node."""


class Verdict(enum.Enum):
    """What becomes of a Move."""

    GO = "go"
    """The ties go along."""
    WAIT = "wait"
    """Unconfirmed: to be decided again when a record arrives."""
    IGNORE = "ignore"
    """Nothing new."""
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class MoveDecision:
    """A verdict, and the rule that gave it (for log and metrics)."""

    verdict: Verdict
    rule: str


@dataclass(frozen=True, slots=True)
class _Case:
    move: Move
    signer: str
    origin: Origin
    target: Target
    now: int

    @property
    def is_push(self) -> bool:
        return self.move.actor == self.move.object

    @property
    def is_pull(self) -> bool:
        return self.move.actor == self.move.target

    @property
    def has_cooldown(self) -> bool:
        last = self.origin.last_move
        return not self.origin.did and last is not None and self.now < last + COOLDOWN_S


_Rule = tuple[str, Verdict, Callable[[_Case], bool]]

MOVE_RULES: Final[tuple[_Rule, ...]] = (
    ("notTheirs", Verdict.REFUSE, lambda case: case.signer != case.move.actor),
    ("notTheirs", Verdict.REFUSE, lambda case: not (case.is_push or case.is_pull)),
    ("otherActors", Verdict.REFUSE, lambda case: case.origin.id != case.move.object),
    ("otherActors", Verdict.REFUSE, lambda case: case.target.id != case.move.target),
    ("selfMove", Verdict.REFUSE, lambda case: case.move.object == case.move.target),
    ("repeated", Verdict.IGNORE, lambda case: case.origin.followed_to == case.target.id),
    # Links of a chain are counted only where nobody signs for the person: a record names one place.
    ("circle", Verdict.REFUSE, lambda case: not case.origin.did and case.target.id in case.origin.came_by),
    ("chain", Verdict.REFUSE, lambda case: not case.origin.did and len(case.origin.came_by) >= MAX_CHAIN),
    ("targetBlocked", Verdict.REFUSE, lambda case: case.target.is_blocked),
    # A chain is followed link by link, each by its own Move.
    ("targetMoved", Verdict.REFUSE, lambda case: bool(case.target.moved_to)),
    ("noAlias", Verdict.REFUSE, lambda case: case.origin.id not in case.target.also_known_as),
    # Of a person the record says it, which the old node cannot hold back.
    ("noAliasBack", Verdict.REFUSE,
     lambda case: case.is_pull and not case.origin.did and case.target.id not in case.origin.also_known_as),
    # An old node may say what it likes of a person; the record says where they are.
    ("movedElsewhere", Verdict.REFUSE,
     lambda case: not case.origin.did and case.origin.moved_to not in (None, "", case.target.id)),
    ("cooldown", Verdict.REFUSE, lambda case: case.has_cooldown),
    ("otherPerson", Verdict.REFUSE,
     lambda case: bool(case.origin.did and case.target.did) and case.origin.did != case.target.did),
    ("frozen", Verdict.WAIT, lambda case: bool(case.origin.did) and case.origin.record_frozen),
    ("noRecord", Verdict.WAIT,
     lambda case: bool(case.origin.did) and case.origin.record_actor != case.target.id),
    ("noStatement", Verdict.WAIT, lambda case: bool(case.origin.did) and not case.target.did),
)  # fmt: skip
"""The first rule that holds gives the verdict; if none does, the ties go along."""


def decide_move(move: Move, signer: str, origin: Origin, target: Target, now: int) -> MoveDecision:
    """Decide about a Move; the same facts always give the same verdict.

    Args:
        move: What was sent.
        signer: The actor that owns the key which signed it: the cached key, if the old server is dead.
        origin: Who moves.
        target: Where to.
        now: Seconds since 1970.
    """
    case = _Case(move, signer, origin, target, now)
    return next(
        (MoveDecision(verdict, rule) for rule, verdict, holds in MOVE_RULES if holds(case)),
        MoveDecision(Verdict.GO, "moved"),
    )


# --- what becomes of the actor ----------------------------------------------------------------------
class MoveEffect(enum.Enum):
    """What to do, in the transaction that keeps the new state."""

    REFOLLOW = "refollow"
    """`refollow` for each of our accounts that follows the old actor."""
    TELL_UNCONFIRMED = "tellUnconfirmed"
    """Tell these accounts that somebody says so, and that it is not confirmed."""


@dataclass(frozen=True, slots=True)
class MoveLife:
    """What we keep of an actor's moves."""

    moved_to: str = ""
    moved_at: int | None = None
    waiting: str = ""
    """Target of a Move that is unconfirmed; decided again when a record of the did arrives."""


def after_move(
    life: MoveLife, decision: MoveDecision, target: str, now: int
) -> tuple[MoveLife, tuple[MoveEffect, ...]]:
    """Take in a decision. A Move that is refused changes nothing, also not one that waits."""
    match decision.verdict:
        case Verdict.GO:
            return MoveLife(target, now), (MoveEffect.REFOLLOW,)
        case Verdict.WAIT if life.waiting != target:
            return replace(life, waiting=target), (MoveEffect.TELL_UNCONFIRMED,)
        case _:
            return life, ()


# --- what becomes of one tie ------------------------------------------------------------------------
class TieState(enum.Enum):
    """Where one account's tie to the old actor stands; the values are stored."""

    STAYS = "stays"
    REFOLLOWING = "refollowing"
    """The new actor is asked; the old tie is still there."""
    LEFT = "left"
    """The new actor is followed, the old one no longer."""


class TieEvent(enum.Enum):
    """What moves a tie."""

    MOVED = "moved"
    ALREADY_FOLLOWS = "alreadyFollows"
    """Moved, and the account follows the new actor already."""
    DELIVERED = "delivered"
    """The new actor's node took the Follow (2xx), or it lives here."""
    FAILED = "failed"
    """The Follow can finally not be delivered, was refused, or the account blocks the new actor."""
    VETOED = "vetoed"
    """The person does not want to go along."""


class TieEffect(enum.Enum):
    """What to do, in the same transaction."""

    FOLLOW_NEW = "followNew"
    """As the account itself would, with its lists and settings, past any limit on follows."""
    UNDO_NEW = "undoNew"
    UNDO_OLD = "undoOld"
    TELL = "tell"


_S, _R, _L = TieState
_UNDO: Final = (TieEffect.UNDO_OLD, TieEffect.TELL)

TIES: Final[dict[tuple[TieState, TieEvent], tuple[TieState, tuple[TieEffect, ...]]]] = {
    (_S, TieEvent.MOVED): (_R, (TieEffect.FOLLOW_NEW,)),
    (_R, TieEvent.MOVED): (_R, ()),
    (_L, TieEvent.MOVED): (_L, ()),
    (_S, TieEvent.ALREADY_FOLLOWS): (_L, _UNDO),
    (_R, TieEvent.ALREADY_FOLLOWS): (_L, _UNDO),
    (_L, TieEvent.ALREADY_FOLLOWS): (_L, ()),
    (_S, TieEvent.DELIVERED): (_S, ()),  # vetoed meanwhile
    (_R, TieEvent.DELIVERED): (_L, _UNDO),  # first the new tie, then the end of the old one
    (_L, TieEvent.DELIVERED): (_L, ()),
    (_S, TieEvent.FAILED): (_S, ()),
    (_R, TieEvent.FAILED): (_S, (TieEffect.TELL,)),  # nothing is given up for nothing
    (_L, TieEvent.FAILED): (_L, ()),
    (_S, TieEvent.VETOED): (_S, ()),
    (_R, TieEvent.VETOED): (_S, (TieEffect.UNDO_NEW,)),
    (_L, TieEvent.VETOED): (_L, ()),  # too late: unfollow the new actor like anybody
}
"""Refollow, then unfollow: at no moment is there no tie."""


def refollow(state: TieState, event: TieEvent) -> tuple[TieState, tuple[TieEffect, ...]]:
    """Move one tie."""
    return TIES[state, event]


# --- Deletes of actors, and documents ---------------------------------------------------------------
class GoneEffect(enum.Enum):
    """What a Delete of an actor by itself does here."""

    HIDE_POSTS = "hidePosts"
    END_TIES = "endTies"


def after_self_delete(did: str) -> tuple[GoneEffect, ...]:
    """Decide what goes when an actor says that it is gone.

    Of a person with a did only the posts: the old node may say it in spite, and the person move on.
    """
    return (GoneEffect.HIDE_POSTS,) if did else (GoneEffect.HIDE_POSTS, GoneEffect.END_TIES)


def read_move(activity: Other) -> Move | None:
    """Read a Move; None if it is another activity.

    Raises:
        DocumentRefused: It does not name two actors.
    """
    if activity.type != "Move":
        return None
    origin, target = id_of(activity.document.get("object")), id_of(activity.document.get("target"))
    host_of(origin)
    host_of(target)
    return Move(activity.id, activity.actor, origin, target)


def move_document(move: Move, followers: str) -> Json:
    """Write a Move of an actor of ours (or of one whose key we hold for a rescue), for its followers."""
    return {
        "@context": AS_CONTEXT,
        "id": move.id,
        "type": "Move",
        "actor": move.actor,
        "object": move.object,
        "target": move.target,
        "to": [followers],
    }

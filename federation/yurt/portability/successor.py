"""Where somebody is now: following ``movedTo`` from actor to actor, a few steps and never in a circle.

end_of_chain("https://a/u", {"https://a/u": "https://b/u"}) == Successor("https://b/u", ("https://a/u",))
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MAX_HOPS: Final = 5


@dataclass(frozen=True, slots=True)
class Successor:
    """The actor at which a chain ends."""

    actor: str
    through: tuple[str, ...] = ()
    """The actors that were left on the way, first to last; empty if nobody moved."""


@dataclass(frozen=True, slots=True)
class BrokenChain:
    """A chain that leads nowhere."""

    rule: str
    """``moveLoop`` or ``moveChainTooLong``."""
    through: tuple[str, ...]


def end_of_chain(actor: str, moved_to: Mapping[str, str]) -> Successor | BrokenChain:
    """Follow ``movedTo`` to its end.

    Args:
        actor: Where to begin.
        moved_to: What each actor's document says, as far as it is known; whether the next one agrees
            (``alsoKnownAs``) was checked where the documents were fetched.
    """
    through: list[str] = []
    while (onward := moved_to.get(actor)) is not None:
        through.append(actor)
        if onward in through:
            return BrokenChain("moveLoop", tuple(through))
        if len(through) > MAX_HOPS:
            return BrokenChain("moveChainTooLong", tuple(through))
        actor = onward
    return Successor(actor, tuple(through))

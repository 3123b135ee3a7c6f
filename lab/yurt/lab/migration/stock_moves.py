"""What a stock server remembers of Moves, and so the case that its rules are asked about."""

from collections.abc import Mapping

from yurt.activitypub.actors import ActorDocument
from yurt.lab.migration.stock_rules import AFTER_SUCCESS, BEFORE_ATTEMPT, Case, Target, Times

_Pair = tuple[str, str]
"""The old actor and the new one."""


class MoveBook:
    """When Moves were tried and honoured, by who moved and where to; seconds since 1970."""

    def __init__(self) -> None:
        self._attempts = dict[_Pair, float]()
        self._successes = dict[_Pair, float]()

    def case(
        self,
        pair: _Pair,
        signer: str,
        now: float,
        *,
        cavage: bool,
        suspended: bool,
        followed: bool,
        kept: ActorDocument | None,
        fetched: ActorDocument | None,
    ) -> Case:
        """Put together what the rules ask about.

        Args:
            pair: Object and target of the Move.
            signer: Whose key signed it: also the actor that it names.
            now: Seconds since 1970.
            cavage: Signed as draft-cavage has it.
            suspended: The signer was deleted, and that was kept in mind.
            followed: Somebody here follows the old actor.
            kept: The new actor as it was kept.
            fetched: The new actor as it was fetched for this Move.
        """
        return Case(
            actor=signer,
            object=pair[0],
            target_id=pair[1],
            signer=signer,
            cavage=cavage,
            suspended=suspended,
            followed=followed,
            kept=_target(kept),
            fetched=_target(fetched),
            attempts=_times(self._attempts, pair),
            successes=_times(self._successes, pair),
            now=now,
        )

    def note(self, pair: _Pair, rule: str, now: float) -> None:
        """Remember what became of a Move: the rule that it broke, or empty.

        GoToSocial writes an attempt down when it first sees a Move, and again only when it was honoured.
        """
        is_honoured = not rule or rule in AFTER_SUCCESS
        if is_honoured:
            self._attempts[pair] = self._successes[pair] = now
        elif rule not in BEFORE_ATTEMPT:
            self._attempts.setdefault(pair, now)


def _target(document: ActorDocument | None) -> Target | None:
    return Target(document.also_known_as, document.moved_to) if document else None


def _times(book: Mapping[_Pair, float], pair: _Pair) -> Times:
    involved = set(pair)
    return Times(
        of_origin=max((at for (old, _), at in book.items() if old == pair[0]), default=None),
        of_either=max((at for one, at in book.items() if involved & set(one)), default=None),
    )

"""What a stock server asks before it honours a Move: one plain function each, named in ``profiles.toml``.

    refusal = judge(profile.rules, case)           # "" : its followers go along

None of these servers asks the old server anything: that is why a Move signed with the old actor's key works
after the old server has died, and also why whoever holds that key first wins there.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

WEEK_S: Final = 7 * 86_400
ATTEMPT_S: Final = 5 * 60


@dataclass(frozen=True, slots=True)
class Target:
    """The new actor as the server has it or gets it."""

    aliases: tuple[str, ...] = ()
    moved_to: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A Move that is to be judged; who signed it was verified."""

    actor: str
    object: str
    target_id: str
    signer: str
    """The actor whose key signed it, the key as it was kept."""
    cavage: bool
    """Signed as draft-cavage has it."""
    gone: bool
    """The signer had itself deleted."""
    target_seen: bool
    """Something that the target signed came before."""
    target: Target | None
    """None if it cannot be had."""
    last_attempt: float | None
    """Of a Move that involves either; seconds since 1970."""
    last_success: float | None
    now: float


RULES: Final[Mapping[str, tuple[Callable[[Case], bool], str]]] = {
    "gone": (lambda case: not case.gone, "the old account was deleted before the Move came"),
    "objectIsSigner": (
        lambda case: case.signer == case.object == case.actor,
        "only the old actor's own key moves it",
    ),
    "once7Days": (
        lambda case: case.last_success is None or case.now >= case.last_success + WEEK_S,
        "another Move was honoured within 7 days",
    ),
    "attempt5Minutes": (
        lambda case: case.last_attempt is None or case.now >= case.last_attempt + ATTEMPT_S,
        "another Move was tried within 5 minutes",
    ),
    "targetThere": (lambda case: case.target is not None, "the new actor cannot be fetched"),
    "targetStays": (
        lambda case: case.target is not None and not case.target.moved_to,
        "the new actor has itself moved on",
    ),
    "targetSeen": (lambda case: case.target_seen, "nothing of the new actor had come before"),
    "alias": (
        lambda case: case.target is not None and case.object in case.target.aliases,
        "the new actor does not say that it is also the old one",
    ),
    "cavageOnly": (lambda case: case.cavage, "only draft-cavage signatures are read"),
}
"""Name to what must hold, and what is said if it does not."""
BEFORE_ATTEMPT: Final = frozenset({"gone", "objectIsSigner", "attempt5Minutes", "once7Days", "cavageOnly"})
"""What breaks one of these was not even tried."""
NO_MOVE: Final = "noMove"
NOBODY_FOLLOWS: Final = "nobodyFollows"
_TEXTS: Final = {
    NO_MOVE: "the software does not know Moves",
    NOBODY_FOLLOWS: "nobody there followed the old account any more",
}


def judge(rules: Iterable[str], case: Case) -> str:
    """Name the first rule that a Move breaks; empty if followers go along."""
    return next((rule for rule in rules if not RULES[rule][0](case)), "")


def text_of(rule: str) -> str:
    """Say for people why a Move was not honoured."""
    return RULES[rule][1] if rule in RULES else _TEXTS.get(rule, rule)

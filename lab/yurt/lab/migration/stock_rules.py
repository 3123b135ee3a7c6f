"""What a stock server asks before it honours a Move: one plain function each, named in ``profiles.toml``.

    refusal = judge(profile.rules, case)           # "" : its followers go along

None of these servers asks the old server anything: that is why a Move signed with the old actor's key works
after the old server has died, and also why whoever holds that key first wins there. What a server does
otherwise (with keys, with a Delete, with what it answers) are its habits.
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
class Times:
    """When something happened last; seconds since 1970, None: never."""

    of_origin: float | None = None
    """To a Move away from the same old actor."""
    of_either: float | None = None
    """To a Move from or to one of the two actors."""


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
    suspended: bool
    """The signer had itself deleted, and the server keeps that in mind."""
    followed: bool
    """Somebody here follows the old actor."""
    kept: Target | None
    """The new actor as it was kept from before; None if it was never seen."""
    fetched: Target | None
    """The new actor as it is now; None if it cannot be had."""
    attempts: Times
    successes: Times
    now: float


def _target(case: Case) -> Target | None:
    return case.fetched or case.kept


RULES: Final[Mapping[str, tuple[Callable[[Case], bool], str]]] = {
    "notSuspended": (lambda case: not case.suspended, "the old account was deleted before the Move came"),
    "objectIsSigner": (
        lambda case: case.signer == case.object == case.actor,
        "only the old actor's own key moves it",
    ),
    "once7Days": (
        lambda case: _is_past(case.successes.of_origin, WEEK_S, case.now),
        "another Move of the old account was honoured within 7 days",
    ),
    "once7DaysEither": (
        lambda case: _is_past(case.successes.of_either, WEEK_S, case.now),
        "another Move of the old or to the new account was honoured within 7 days",
    ),
    "attempt5Minutes": (
        lambda case: _is_past(case.attempts.of_either, ATTEMPT_S, case.now),
        "another Move of the old or to the new account was tried within 5 minutes",
    ),
    "isFollowed": (lambda case: case.followed, "nobody there followed the old account any more"),
    "targetThere": (lambda case: case.fetched is not None, "the new actor cannot be fetched"),
    "targetSeen": (lambda case: case.kept is not None, "nothing of the new actor had come before"),
    "targetStays": (
        lambda case: not (found := _target(case)) or not found.moved_to,
        "the new actor has itself moved on",
    ),
    "targetFollowable": (
        lambda case: not (found := _target(case)) or not found.moved_to,
        "the new actor has itself moved on, and such are not followed",
    ),
    "alias": (
        lambda case: (found := _target(case)) is not None and case.object in found.aliases,
        "the new actor does not say that it is also the old one",
    ),
    "aliasKept": (
        lambda case: case.kept is not None and case.object in case.kept.aliases,
        "the new actor, as it was kept, does not say that it is also the old one",
    ),
    "cavageOnly": (lambda case: case.cavage, "only draft-cavage signatures are read"),
}
"""Name to what must hold, and what is said if it does not."""
BEFORE_ATTEMPT: Final = frozenset(
    {
        "notSuspended",
        "objectIsSigner",
        "attempt5Minutes",
        "once7Days",
        "once7DaysEither",
        "cavageOnly",
        "isFollowed",
    }
)
"""What breaks one of these was not even tried."""
AFTER_SUCCESS: Final = frozenset({"targetFollowable"})
"""What breaks one of these was honoured, and its week has begun, though nobody goes along."""
AT_THE_DOOR: Final[Mapping[str, int]] = {"cavageOnly": 401, "notSuspended": 403, "objectIsSigner": 400}
"""What is refused with an error before anything else, by a server that answers after the first look."""

ANSWERS_AT_ONCE: Final = "answersAtOnce"
ANSWERS_AFTER_SIGNATURE: Final = "answersAfterSignature"
ANSWERS_AFTER_RULES: Final = "answersAfterRules"
FETCHES_KEY_ANEW: Final = "fetchesKeyAnew"
DELETE_FORGETS: Final = "deleteForgets"
DELETE_SUSPENDS: Final = "deleteSuspends"
DELETE_IGNORED: Final = "deleteIgnored"
REJECT_IGNORED: Final = "rejectIgnored"
SKIPS_UNKNOWN: Final = "skipsUnknown"
UPDATES_OF_FOLLOWED: Final = "updatesOfFollowed"
LOOKS_AGAIN: Final = "looksAgain"
ONE_ID_ONCE: Final = "oneIdOnce"
APPROVES_BY_HAND: Final = "approvesByHand"
HABITS: Final[Mapping[str, str]] = {
    ANSWERS_AT_ONCE: "says 202 before it has looked at a delivery",
    ANSWERS_AFTER_SIGNATURE: "says 401 to a signature that it does not believe, and 202 to all else",
    ANSWERS_AFTER_RULES: "the same, and refuses at once what is malformed or from somebody suspended",
    FETCHES_KEY_ANEW: "fetches the signer once more if the kept key does not fit",
    DELETE_FORGETS: "after a Delete, actor, key and follows are gone; the actor may be fetched anew",
    DELETE_SUSPENDS: "after a Delete, the follows are gone and the actor stays suspended",
    DELETE_IGNORED: "an actor's Delete changes nothing",
    REJECT_IGNORED: "a Reject changes nothing",
    SKIPS_UNKNOWN: "says 202 to Delete and Update of somebody unknown, and does nothing",
    UPDATES_OF_FOLLOWED: "takes Updates only if they are to everybody, of those whom somebody here follows",
    LOOKS_AGAIN: "tries a Move again later if the new actor was not seen yet",
    ONE_ID_ONCE: "takes each activity id once",
    APPROVES_BY_HAND: "a Follow waits until a person approves it",
}
"""Name to what it means; which server has which, and where that was read, stands in ``profiles.toml``."""

NO_MOVE: Final = "noMove"
NOBODY_FOLLOWS: Final = "nobodyFollows"
SIGNATURE: Final = "signature"
KEY_UNKNOWN: Final = "keyUnknown"
REPEATED: Final = "repeated"
UNKNOWN: Final = "unknown"
NOT_SENT: Final = "notSent"
NOT_PUBLIC: Final = "notPublic"
_TEXTS: Final = {
    NO_MOVE: "the software does not know Moves",
    NOBODY_FOLLOWS: "nobody there followed the old account any more",
    SIGNATURE: "the signature was not believed",
    KEY_UNKNOWN: "the signer is not known there, and its key cannot be had",
    REPEATED: "the same activity had come before",
    UNKNOWN: "the actor is not known there",
    NOT_SENT: "the new actor's inbox took no Follow",
    NOT_PUBLIC: "the Update was not addressed to everybody",
}


def judge(rules: Iterable[str], case: Case) -> str:
    """Name the first rule that a Move breaks; empty if followers go along."""
    return next((rule for rule in rules if not RULES[rule][0](case)), "")


def text_of(rule: str) -> str:
    """Say for people why a Move was not honoured."""
    return RULES[rule][1] if rule in RULES else _TEXTS.get(rule, rule)


def _is_past(last: float | None, seconds: float, now: float) -> bool:
    return last is None or now >= last + seconds

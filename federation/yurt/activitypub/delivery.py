"""When an activity is delivered, tried again, or given up: the rules of the queue, without the queue.

    match judge(Attempt(...), Answer(status, retry_after), randomness=random()):
        case Delivered(): ...
        case TryAgain(at=at): ...
        case HostBusy(wait_s=wait_s): ...        # of the host; the activity has not failed
        case GivenUp(reason=reason): ...

    health = failed(health, now)                 # dead: only who follows anew tries it
    for stop in plan(recipients): ...            # one request for each, grouped by shared inbox

Times are seconds since 1970; a host is the name in the inbox's URL. What came from a host, or reached it,
revives it (`heard_from`), and everything that waits for it is due at once.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from yurt.activitypub.errors import DocumentRefused, SignatureMalformed
from yurt.activitypub.http_signatures.fields import read_date
from yurt.activitypub.references import host_of
from yurt.activitypub.timestamps import read_time

DELAYS_S: Final = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 21_600)
"""After the first, second, ... failure; then always the last."""
JITTER: Final = 0.2
LIFETIME_S: Final = 14 * 86_400
MAX_RETRY_AFTER_S: Final = 86_400
DEAD_DAYS: Final = 7
"""Distinct days with failures, and no success between, that mark a host as dead; Mastodon's figure."""
DAY_S: Final = 86_400

RETRIED: Final = frozenset({401, 408, 429})
"""The only 4xx that are not final: keys and clocks get well, and load passes."""
BUSY: Final = frozenset({429, 503})
"""With a time in Retry-After: the host lives, and has said when to come again."""
BELIEVED: Final = 3
"""Times in a row that a host is busy when it said it would not be; then it waits as if it had failed."""
FIRST_GAP_S: Final = 0.05
MAX_GAP_S: Final = 5.0
_TOO_MANY: Final = 429
_NOT_IMPLEMENTED: Final = 501
_DIGITS: Final = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One activity on its way to one inbox."""

    queued_at: float
    tries: int
    """Failures before this one."""
    now: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it."""

    status: int | None
    """None: there was no answer (connection, TLS, time)."""
    retry_after: str = ""
    """What `when_to_come` found, as sent."""

    @property
    def is_taken(self) -> bool:
        """Whether the host took it."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Delivered:
    """It arrived."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """It may arrive later."""

    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class HostBusy:
    """The host has too much to do and said for how long; nothing of its own is wrong with the activity."""

    wait_s: float


@dataclass(frozen=True, slots=True)
class GivenUp:
    """It never will; it is set aside with its reason."""

    reason: str


Outcome = Delivered | TryAgain | HostBusy | GivenUp


def is_final(status: int) -> bool:
    """Tell whether a refusal stays one."""
    return status == _NOT_IMPLEMENTED or (400 <= status < 500 and status not in RETRIED)


def judge(attempt: Attempt, answer: Answer, randomness: float) -> Outcome:
    """Decide what becomes of a delivery.

    Args:
        attempt: What was tried.
        answer: What was answered.
        randomness: In [0, 1): spreads the next tries of many activities.
    """
    status = answer.status
    if answer.is_taken:
        return Delivered()
    reason = "unreachable" if status is None else f"status{status}"
    if status is not None and is_final(status):
        return GivenUp(reason)
    asked = read_retry_after(answer.retry_after, attempt.now)
    at = attempt.now + max(next_delay(attempt.tries, randomness), asked)
    if at >= attempt.queued_at + LIFETIME_S:
        return GivenUp("tooOld")
    return HostBusy(asked) if asked and status in BUSY else TryAgain(at, reason)


def next_delay(tries: int, randomness: float) -> float:
    """Seconds until the next try; the table, ± 20 %.

    Args:
        tries: Failures before the one that just was.
        randomness: In [0, 1).
    """
    base = DELAYS_S[min(tries, len(DELAYS_S) - 1)]
    return base * (1 - JITTER + 2 * JITTER * randomness)


def when_to_come(status: int, headers: Mapping[str, str]) -> str:
    """Find what an answer says about when to come again, for `read_retry_after`; empty if nothing.

    That is ``Retry-After``, or with 429 a timestamp in ``X-RateLimit-Reset``, which is all that Mastodon and
    GoToSocial send. Elsewhere that header is a number of seconds since one thing or another, and is not read.

    Args:
        status: Of the answer.
        headers: Names in lower case.
    """
    reset = headers.get("x-ratelimit-reset", "") if status == _TOO_MANY else ""
    return headers.get("retry-after", "") or ("" if read_time(reset.strip()) is None else reset)


def read_retry_after(header: str, now: float) -> float:
    """Seconds that a header asks to wait, at most a day; 0 if it asks for nothing.

    Args:
        header: Seconds or a date (RFC 9110 10.2.3), or a timestamp (RFC 3339).
        now: Seconds since 1970.
    """
    text = header.strip()
    if _DIGITS.fullmatch(text):
        return min(int(text), MAX_RETRY_AFTER_S)
    at: float | None = read_time(text)
    try:
        at = read_date(text) if at is None else at
    except SignatureMalformed:
        return 0
    return min(max(0, at - now), MAX_RETRY_AFTER_S)


@dataclass(frozen=True, slots=True)
class Pace:
    """How a host is served that said that it had too much to do: one probe, then slower than before."""

    times_busy: int = 0
    """In a row: it was asked when it wanted to be, and was busy again."""
    gap_s: float = 0.0
    """Between two requests."""


def slower(pace: Pace) -> Pace:
    """The host is busy (again): half as fast as before, from when it wants to be asked."""
    return Pace(pace.times_busy + 1, min(max(2 * pace.gap_s, FIRST_GAP_S), MAX_GAP_S))


def quicker(pace: Pace) -> Pace:
    """The host took something: a little faster, until there is no gap any more."""
    gap_s = pace.gap_s * 0.8
    return Pace(0, gap_s if gap_s > FIRST_GAP_S / 8 else 0.0)


def busy_for(asked_s: float, pace: Pace, randomness: float) -> float:
    """Seconds for which a busy host is left alone: what it asks for, and up to a tenth more.

    Args:
        asked_s: What `HostBusy` says.
        pace: With this answer counted.
        randomness: In [0, 1): not everybody comes back in the same moment.
    """
    asked_s *= 1 + randomness / 10
    if pace.times_busy <= BELIEVED:
        return asked_s
    return max(asked_s, next_delay(pace.times_busy - BELIEVED - 1, randomness))


# --- hosts ------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class HostHealth:
    """What is known of a host's failures since it was last heard from."""

    failed_days: tuple[int, ...] = ()
    """Days since 1970, ascending, at most `DEAD_DAYS` of them."""

    @property
    def is_dead(self) -> bool:
        """Whether only Follows are still tried."""
        return len(self.failed_days) >= DEAD_DAYS


def failed(health: HostHealth, now: int) -> HostHealth:
    """Note that a delivery to the host failed and will be tried again."""
    days = sorted({*health.failed_days, now // DAY_S})
    return HostHealth(tuple(days[:DEAD_DAYS]))


def heard_from(_health: HostHealth) -> HostHealth:
    """Note that a delivery arrived, or that a verified request came from the host: it lives."""
    return HostHealth()


# --- where to ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody whom an activity is for, elsewhere."""

    actor: str
    inbox: str
    shared_inbox: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """One request that is to be made."""

    inbox: str
    host: str
    actors: tuple[str, ...]
    """Whom it reaches."""


def plan(recipients: Iterable[Recipient]) -> tuple[Stop, ...]:
    """Group recipients so that each node is sent an activity once.

    A shared inbox counts only on the host of the actor's own inbox: nobody can direct what is for others, or
    our traffic, to a third host. Recipients without a proper inbox are passed over.

    Returns:
        Stops in the order of their inboxes.
    """
    stops: dict[str, list[str]] = {}
    for recipient in recipients:
        inbox = _inbox_for(recipient)
        if inbox:
            stops.setdefault(inbox, []).append(recipient.actor)
    return tuple(Stop(inbox, host_of(inbox), tuple(dict.fromkeys(stops[inbox]))) for inbox in sorted(stops))


def _inbox_for(recipient: Recipient) -> str:
    try:
        host = host_of(recipient.inbox)
    except DocumentRefused:
        return ""
    try:
        return recipient.shared_inbox if host_of(recipient.shared_inbox) == host else recipient.inbox
    except DocumentRefused:
        return recipient.inbox

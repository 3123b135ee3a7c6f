"""Delivery: what is final, when to try again, which hosts are dead, where to send, and how to sign."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yurt.activitypub.delivery import (
    BELIEVED,
    DAY_S,
    DEAD_DAYS,
    DELAYS_S,
    LIFETIME_S,
    MAX_GAP_S,
    MAX_RETRY_AFTER_S,
    RETRIED,
    Answer,
    Attempt,
    Delivered,
    GivenUp,
    HostBusy,
    HostHealth,
    Pace,
    Recipient,
    Stop,
    TryAgain,
    busy_for,
    failed,
    heard_from,
    is_final,
    judge,
    next_delay,
    plan,
    quicker,
    read_retry_after,
    slower,
    when_to_come,
)
from yurt.activitypub.http_signatures.fields import write_date
from yurt.activitypub.http_signatures.knock import (
    MEMORY_S,
    Knock,
    KnownScheme,
    Scheme,
    first_knock,
    learn,
    second_knock,
)
from yurt.activitypub.timestamps import write_time

NOW = 1_795_244_862
FRESH = Attempt(queued_at=NOW, tries=0, now=NOW)
HALF = 0.5


# --- answers ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", range(200, 300))
def test_any_success_is_one(status: int) -> None:
    """2xx: it arrived."""
    assert judge(FRESH, Answer(status), HALF) == Delivered()


@pytest.mark.parametrize("status", range(400, 500))
def test_refusals_are_final_but_for_three(status: int) -> None:
    """401, 408 and 429 get well by themselves."""
    outcome = judge(FRESH, Answer(status), HALF)

    if status in (401, 408, 429):
        assert outcome == TryAgain(NOW + 1, f"status{status}")
    else:
        assert outcome == GivenUp(f"status{status}")


@pytest.mark.parametrize("status", [None, 301, 302, 500, 502, 503, 504, 507, 599])
def test_trouble_passes(status: int | None) -> None:
    """No answer, a redirect that leads nowhere, a server in need: later."""
    assert isinstance(judge(FRESH, Answer(status), HALF), TryAgain)


def test_what_is_not_implemented_never_will_be() -> None:
    """501 is the one 5xx that is final."""
    assert is_final(501)
    assert judge(FRESH, Answer(501), HALF) == GivenUp("status501")
    assert {401, 408, 429} == RETRIED


def test_tries_end_after_14_days() -> None:
    """A try that would come too late is not waited for."""
    at_the_end = Attempt(queued_at=NOW - LIFETIME_S + 21_600, tries=40, now=NOW)

    assert judge(at_the_end, Answer(None), HALF) == GivenUp("tooOld")
    assert isinstance(judge(at_the_end, Answer(None), 0.0), TryAgain)


@given(tries=st.integers(0, 200), randomness=st.floats(0, 1, exclude_max=True))
def test_waits_grow_from_a_second_to_six_hours(tries: int, randomness: float) -> None:
    """± 20 % of the table."""
    base = DELAYS_S[min(tries, len(DELAYS_S) - 1)]

    assert 0.8 * base <= next_delay(tries, randomness) <= 1.2 * base


def test_the_table_says_what_the_design_says() -> None:
    """From 1 s to 6 h, ascending, spread around the middle."""
    assert (DELAYS_S[0], DELAYS_S[-1]) == (1, 6 * 3600)
    assert list(DELAYS_S) == sorted(DELAYS_S)
    assert (next_delay(99, 0.0), next_delay(99, HALF)) == (17_280, 21_600)


def test_a_host_is_tried_for_14_days_and_some_sixty_times() -> None:
    """The whole life of an activity to a host that is gone."""
    now: float = NOW
    tries = 0
    while isinstance(outcome := judge(Attempt(NOW, tries, now), Answer(None), HALF), TryAgain):
        assert outcome.at > now
        now, tries = outcome.at, tries + 1

    assert 13 * DAY_S < now - NOW <= LIFETIME_S
    assert 50 < tries < 80


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0),
        ("120", 120),
        (" 120 ", 120),
        ("0", 0),
        ("999999999", MAX_RETRY_AFTER_S),
        ("9999999999999999999999", 0),
        ("-5", 0),
        ("1.5", 0),
        ("soon", 0),
        ("١٢", 0),
        (write_date(NOW + 90), 90),
        (write_date(NOW - 90), 0),
        (write_date(NOW + 10 * DAY_S), MAX_RETRY_AFTER_S),
        (write_time(NOW + 90), 90),
        (write_time(NOW - 90), 0),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(header: str, seconds: int) -> None:
    """At most a day; what cannot be read asks for nothing."""
    assert read_retry_after(header, NOW) == seconds


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"x-ratelimit-reset": "2026-11-21T07:12:42.000Z"}, 300),  # GoToSocial
        (429, {"x-ratelimit-reset": "2026-11-21T07:12:42.123456Z"}, 300),  # Mastodon
        (429, {"x-ratelimit-reset": "2026-11-21T07:12:42Z", "retry-after": "30"}, 30),
        (503, {"retry-after": "30"}, 30),
        (503, {"x-ratelimit-reset": "2026-11-21T07:12:42Z"}, 0),  # it stands on every answer
        (429, {"x-ratelimit-reset": "1795245162"}, 0),
        (429, {"x-ratelimit-reset": "60"}, 0),
        (429, {}, 0),
    ],
)
def test_a_limit_of_requests_says_when_it_ends(status: int, headers: dict[str, str], seconds: int) -> None:
    """Mastodon and GoToSocial send no Retry-After with 429: they name the moment in X-RateLimit-Reset."""
    told = when_to_come(status, headers)

    assert read_retry_after(told, NOW) == seconds
    assert isinstance(judge(FRESH, Answer(status, told), HALF), HostBusy if seconds else TryAgain)


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_host_says_when_and_nothing_has_failed(status: int) -> None:
    """Retry-After is about the host: the activity's own delays have no say in it."""
    late = Attempt(NOW, 13, NOW)

    assert judge(FRESH, Answer(status, "600"), HALF) == HostBusy(600)
    assert judge(late, Answer(status, "5"), HALF) == HostBusy(5)
    assert judge(late, Answer(status, "0"), HALF) == TryAgain(NOW + 21_600, f"status{status}")


def test_other_refusals_may_ask_for_time_too() -> None:
    """Retry-After lengthens a wait, and never shortens it."""
    assert judge(FRESH, Answer(500, "600"), HALF) == TryAgain(NOW + 600, "status500")
    assert judge(Attempt(NOW, 13, NOW), Answer(500, "5"), HALF) == TryAgain(NOW + 21_600, "status500")


def test_who_is_busy_for_too_long_is_given_up() -> None:
    """Two weeks are enough, also with a host that always asks for a little more."""
    old = Attempt(NOW - LIFETIME_S + 60, 0, NOW)

    assert judge(old, Answer(429, "30"), HALF) == HostBusy(30)
    assert judge(old, Answer(429, "90"), HALF) == GivenUp("tooOld")


def test_a_host_is_believed_three_times() -> None:
    """Who is always busy when it wanted to be asked is asked as seldom as one that is down."""
    pace, waits = Pace(), list[float]()
    for _ in range(BELIEVED + len(DELAYS_S)):
        pace = slower(pace)
        waits.append(busy_for(2, pace, 0.0))

    assert waits[:BELIEVED] == [2, 2, 2]
    assert waits[-1] == pytest.approx(DELAYS_S[-1] * 0.8)  # pyright: ignore[reportUnknownMemberType]  # no type
    assert waits == sorted(waits)


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 40), st.integers(1, MAX_RETRY_AFTER_S))
def test_nobody_is_asked_before_the_time(randomness: float, times: int, asked: int) -> None:
    """Chance only ever adds."""
    assert busy_for(asked, Pace(times_busy=times), randomness) >= asked


def test_after_a_pause_it_goes_slower_and_then_faster_again() -> None:
    """Each time busy halves the pace, down to one in five seconds; whatever is taken mends it."""
    pace, gaps = Pace(), list[float]()
    for _ in range(12):
        pace = slower(pace)
        gaps.append(pace.gap_s)
    assert gaps[1] == 2 * gaps[0]
    assert gaps[-1] == MAX_GAP_S

    taken = 0
    while pace.gap_s:
        pace, taken = quicker(pace), taken + 1

    assert pace == Pace()
    assert taken < 40


# --- hosts ------------------------------------------------------------------------------------------
def test_a_host_is_dead_after_failures_on_seven_days() -> None:
    """Not after seven failures on one day; days need not follow each other."""
    health = HostHealth()
    for _ in range(100):
        health = failed(health, NOW)
    assert not health.is_dead

    for day in range(1, DEAD_DAYS):
        assert not health.is_dead
        health = failed(health, NOW + 2 * day * DAY_S)

    assert health.is_dead
    assert len(failed(health, NOW + 99 * DAY_S).failed_days) == DEAD_DAYS


def test_a_dead_host_is_revived_by_a_word() -> None:
    """Anything that comes from it or arrives there."""
    dead = HostHealth(tuple(range(DEAD_DAYS)))

    assert dead.is_dead
    assert heard_from(dead) == HostHealth()


@given(st.lists(st.integers(0, 30 * DAY_S)))
def test_only_the_days_count_in_any_order(times: list[int]) -> None:
    """Failures are noted by several workers at once."""
    health = HostHealth()
    for at in times:
        health = failed(health, at)

    assert health.is_dead == (len({at // DAY_S for at in times}) >= DEAD_DAYS)


# --- where to ---------------------------------------------------------------------------------------
def person(name: str, host: str, shared: str = "") -> Recipient:
    actor = f"https://{host}/users/{name}"
    return Recipient(actor, f"{actor}/inbox", shared)


def test_each_node_is_sent_a_post_once() -> None:
    """By shared inbox where there is one, else one by one."""
    shared = "https://hilltop.example/inbox"
    people = [person(name, "hilltop.example", shared) for name in ("bo", "cy")]
    snac = [person("di", "snac.example"), person("ed", "snac.example")]

    stops = plan([*people, *snac, people[0]])

    assert stops == (
        Stop(shared, "hilltop.example", (people[0].actor, people[1].actor)),
        Stop(snac[0].inbox, "snac.example", (snac[0].actor,)),
        Stop(snac[1].inbox, "snac.example", (snac[1].actor,)),
    )


@pytest.mark.parametrize("shared", ["", "https://victim.example/inbox", "http://hilltop.example/inbox", "x"])
def test_a_shared_inbox_elsewhere_is_not_used(shared: str) -> None:
    """Nobody points our followers-only posts, or our traffic, at somebody else."""
    bo = person("bo", "hilltop.example", shared)

    assert [stop.inbox for stop in plan([bo])] == [bo.inbox]


def test_who_has_no_inbox_is_passed_over() -> None:
    """One broken recipient does not stop the others."""
    bo = person("bo", "hilltop.example")

    assert [stop.actors for stop in plan([Recipient("x", "nonsense"), bo])] == [(bo.actor,)]


@given(st.permutations([person(name, host) for host in ("a.example", "b.example") for name in "xyz"]))
def test_the_plan_does_not_depend_on_the_order(recipients: list[Recipient]) -> None:
    """The same stops for the same people."""
    assert {stop.inbox for stop in plan(recipients)} == {recipient.inbox for recipient in recipients}
    assert [stop.inbox for stop in plan(recipients)] == sorted(r.inbox for r in recipients)


# --- knocking ---------------------------------------------------------------------------------------
def send(known: KnownScheme, understood: set[Scheme], now: int = NOW) -> tuple[list[Scheme], KnownScheme]:
    """Send one request to a host that understands some schemes; which were tried, and what is known then."""
    tried: list[Scheme] = []
    knock: Knock | None = first_knock(known, now)
    while knock is not None:
        tried.append(knock.scheme)
        status = 202 if knock.scheme in understood else 401
        known = learn(known, knock, status, now)
        knock = second_knock(knock, status)
    return tried, known


def test_everybody_is_asked_in_the_old_way_first() -> None:
    """Snac answers 202 to RFC 9421 and drops it: so that comes second."""
    assert send(KnownScheme(), {Scheme.CAVAGE, Scheme.RFC9421}) == (
        [Scheme.CAVAGE],
        KnownScheme(Scheme.CAVAGE, NOW),
    )


def test_a_host_that_wants_rfc_9421_is_remembered() -> None:
    """Two requests the first time, one ever after."""
    tried, known = send(KnownScheme(), {Scheme.RFC9421})
    assert tried == [Scheme.CAVAGE, Scheme.RFC9421]

    assert send(known, {Scheme.RFC9421}, NOW + DAY_S)[0] == [Scheme.RFC9421]
    assert first_knock(known, NOW + MEMORY_S) == Knock(Scheme.CAVAGE)


def test_a_host_that_went_back_is_found_again() -> None:
    """Other software moved in at the domain."""
    tried, known = send(KnownScheme(Scheme.RFC9421, NOW), {Scheme.CAVAGE}, NOW + DAY_S)

    assert tried == [Scheme.RFC9421, Scheme.CAVAGE]
    assert known == KnownScheme(Scheme.CAVAGE, NOW + DAY_S)


def test_who_refuses_both_teaches_nothing() -> None:
    """Two knocks, no third; what was known stays."""
    before = KnownScheme(Scheme.RFC9421, NOW)

    assert send(before, set()) == ([Scheme.RFC9421, Scheme.CAVAGE], before)


@pytest.mark.parametrize("status", [200, 202, 302, 403, 404, 410, 422, 429, 500, 503])
def test_only_400_and_401_are_knocked_at_again(status: int) -> None:
    """Other answers are not about the signature."""
    assert second_knock(Knock(Scheme.CAVAGE), status) is None
    assert second_knock(Knock(Scheme.CAVAGE), 400) == Knock(Scheme.RFC9421, is_second=True)

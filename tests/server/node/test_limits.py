"""Limits: rates, pools, and connections."""

import asyncio
import threading

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from yurt.node.http import application
from yurt.node.http.body import Budget
from yurt.node.limiter import Limiter, Rate, limited_address
from yurt.node.work_pool import QUEUE, THREADS, WorkPool
from yurt.wire.problems import ProblemError


def test_a_bucket_fills_again() -> None:
    """So many at once, then one for each interval; keys do not touch each other."""
    now = 1000.0
    limiter, rate = Limiter(lambda: now), Rate(burst=3, every_s=10.0)

    for _ in range(3):
        limiter.take("x", "ana", rate)
    with pytest.raises(ProblemError):
        limiter.take("x", "ana", rate)
    with pytest.raises(ProblemError) as full:
        limiter.take("x", "ana", rate)
    limiter.take("x", "bo", rate)

    assert (full.value.problem.code, full.value.problem.retry_after) == ("tooMany", 10.0)
    now += 10.0
    limiter.take("x", "ana", rate)
    with pytest.raises(ProblemError):
        limiter.take("x", "ana", rate)
    now += 1000.0
    for _ in range(3):
        limiter.take("x", "ana", rate)


def test_a_flood_of_one_kind_forgets_nothing_of_another() -> None:
    """Naming ten thousand nodes buys no further try at ana's passphrase."""
    limiter, rate = Limiter(lambda: 1000.0), Rate(burst=1, every_s=10.0)
    limiter.take("login", "ana", rate)

    for number in range(10_001):
        limiter.take("key", f"{number}.rogue.example", rate)

    with pytest.raises(ProblemError):
        limiter.take("login", "ana", rate)


def test_a_proxy_is_not_limited_as_one_person() -> None:
    """Loopback and unix sockets have no address of their own."""
    assert limited_address("203.0.113.7") == "203.0.113.7"
    assert [limited_address(text) for text in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "unix")] == [""] * 4


def test_a_network_counts_as_one_address() -> None:
    """Who has one IPv6 address has 2**64 of them: a new one for each try buys nothing."""
    one, other = limited_address("2001:db8:1:2::1"), limited_address("2001:db8:1:2:ffff::7%eth0")

    assert one == other == "2001:db8:1:2::/64"
    assert limited_address("2001:db8:1:3::1") != one
    assert limited_address("::ffff:203.0.113.7") == limited_address("203.0.113.7")


def test_one_address_does_not_fill_the_memory_for_bodies() -> None:
    """A stranger's slow bodies leave room for everybody else's; what ends is given back."""
    budget = Budget(total=100, per_address=40)
    budget.take(40, "203.0.113.7")

    with pytest.raises(ProblemError) as full:
        budget.take(1, "203.0.113.7")
    budget.take(60, "")  # a proxy's requests are not one person's

    assert full.value.problem.code == "overloaded"
    with pytest.raises(ProblemError):
        budget.take(1, "203.0.113.8")
    budget.give_back(40, "203.0.113.7")
    budget.take(40, "203.0.113.7")


@pytest.mark.parametrize("header", ["Signature", "Authorization"])
async def test_a_header_that_nobody_verified_is_no_way_around_the_limit(header: str) -> None:
    """Strangers are counted by address whatever they write into their requests."""
    limit = application.limited(Limiter(lambda: 1000.0))
    plain = make_mocked_request("GET", "/", headers={header: "anything"})
    request = plain.clone(remote="203.0.113.7")

    async def answer(request: web.Request) -> web.StreamResponse:  # noqa: ARG001  # a handler's shape
        return web.Response()

    for _ in range(application.SIGNED_RATE.burst):
        await limit(request, answer)

    with pytest.raises(ProblemError) as refused:
        await limit(request, answer)
    assert refused.value.problem.code == "tooMany"


async def test_a_full_pool_says_so_at_once() -> None:
    """What the queue cannot hold is refused, and what was taken is done."""
    pool, gate = WorkPool(), threading.Event()
    room = THREADS + QUEUE
    tasks = [asyncio.create_task(pool.run(gate.wait)) for _ in range(room)]
    await asyncio.sleep(0)

    with pytest.raises(ProblemError) as full:
        await pool.run(gate.wait)
    gate.set()

    assert full.value.problem.code == "overloaded"
    assert await asyncio.gather(*tasks) == [True] * room
    pool.close()

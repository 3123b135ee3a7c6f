"""Limits: rates, pools, and connections."""

import asyncio
import threading

import pytest

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


def test_a_proxy_is_not_limited_as_one_person() -> None:
    """Loopback and unix sockets have no address of their own."""
    assert limited_address("203.0.113.7") == "203.0.113.7"
    assert [limited_address(text) for text in ("127.0.0.1", "::1", "", "unix")] == ["", "", "", ""]


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

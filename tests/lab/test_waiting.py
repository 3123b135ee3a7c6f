"""Whoever waits asks no more often than a node answers, or what they do next would be refused."""

from yurt.lab.world import people
from yurt.node.limiter import COMMAND_RATE, Limiter

LONG_S = 240.0


def test_a_long_wait_leaves_something_for_afterwards() -> None:
    """Four minutes, under load, of looking whether everybody is followed; and then a room is made."""
    now_s = 0.0
    limiter = Limiter(lambda: now_s)
    while now_s < LONG_S:
        limiter.take("command", "ana", COMMAND_RATE)
        now_s += people._LOOK_S  # pyright: ignore[reportPrivateUsage]  # how often it looks is inside

    limiter.take("command", "ana", COMMAND_RATE, cost=100)

"""A power cut under load loses nothing that was accepted, and repeats nothing."""

import asyncio
import random

import pytest

from yurt.lab.world.people import Person
from yurt.lab.world.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

BURST = 20
"""Messages that each person writes for each kill."""


async def write(person: Person, room: bytes, mark: str, first: int) -> None:
    """Write a burst without waiting for anybody."""
    for number in range(first, first + BURST):
        await person.engine.send(room, f"{mark} {number}")
        await asyncio.sleep(0.002)


async def cut_power_again_and_again(town: Town, times: int, mark: str) -> None:
    """Kill the hub or the member node in the middle of each burst; then look at what everybody has."""
    moments = random.Random(f"{mark} {times}")  # noqa: S311  # the same moments in every run
    for turn in range(times):
        victim = (town.harbour, town.hilltop)[turn % 2]
        writers = asyncio.gather(
            write(town.ana, town.room, f"{mark}: ana", turn * BURST),
            write(town.bo, town.room, f"{mark}: bo", turn * BURST),
        )
        await asyncio.sleep(moments.uniform(0.0, 0.15))
        await victim.kill()
        await writers
        await victim.start()

    total = times * BURST
    for person in (town.ana, town.bo):
        for author in ("ana", "bo"):
            await person.has(town.room, f"{mark}: {author} {total - 1}")
    for author in ("ana", "bo"):
        wanted = [f"{mark}: {author} {number}" for number in range(total)]
        assert await town.said(town.ana, f"{mark}: {author}") == wanted
        assert await town.said(town.bo, f"{mark}: {author}") == wanted
    assert await town.said(town.ana, mark) == await town.said(town.bo, mark)
    for person in (town.ana, town.bo):
        assert (await person.engine.status()).undecryptable == 0


async def test_killed_five_times(town: Town) -> None:
    """Five power cuts in the middle of bursts: nothing accepted is lost, nothing comes twice."""
    await cut_power_again_and_again(town, 5, "five")


@pytest.mark.long
async def test_killed_a_hundred_times(town: Town) -> None:
    """A hundred power cuts: nothing accepted is lost, nothing comes twice."""
    await cut_power_again_and_again(town, 100, "hundred")

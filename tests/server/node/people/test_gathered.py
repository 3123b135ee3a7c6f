"""Small units of work: together when many come, and each for itself when one is bad."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from typing_extensions import override

from yurt.node.people import gathered
from yurt.node.people.gathered import Gathered
from yurt.node.store import replay
from yurt.node.store.sqlite import SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.store.types import StoreClosed, Tx
from yurt.node.testing import PATIENCE_S

T = TypeVar("T")
NOW = 1_700_000_000


class Counted(SqliteStore):
    """Counts the units that it is given."""

    units = 0

    @override
    async def write(self, unit: Callable[[Tx], T]) -> T:
        """Count, and run the unit."""
        self.units += 1
        return await super().write(unit)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Counted]:
    """A node's store."""
    opened = await Counted.open(tmp_path / "node.db", STEPS)
    assert isinstance(opened, Counted)
    yield opened
    await opened.close()


def once(number: int) -> Callable[[Tx], bool]:
    """A unit that is true the first time."""
    return lambda tx: replay.first_time(tx, b"%d" % number, NOW, NOW + 60)


async def test_one_alone_does_not_wait_for_others(store: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is written at once; the pause comes behind it."""
    monkeypatch.setattr(gathered, "APART_S", 3600)

    async with asyncio.timeout(PATIENCE_S):
        assert await Gathered(store).write(once(1))


async def test_a_crowd_shares_units(store: Counted) -> None:
    """Each gets its own answer, and a second time counts as one."""
    door = Gathered(store)
    crowd = [*range(gathered.MAX_TOGETHER + 6), 3, 4]

    answers = await asyncio.gather(*(door.write(once(number)) for number in crowd))

    assert answers == [True] * (gathered.MAX_TOGETHER + 6) + [False, False]
    assert store.units == 2


async def test_a_bad_one_fails_alone(store: Counted) -> None:
    """What one raises undoes none of the others, and only its own caller gets it."""
    door = Gathered(store)

    def poison(tx: Tx) -> bool:
        once(99)(tx)
        raise KeyError("our own bug")

    first, bad, last = await asyncio.gather(
        door.write(once(1)), door.write(poison), door.write(once(2)), return_exceptions=True
    )

    assert (first, last) == (True, True)
    assert isinstance(bad, KeyError)
    assert [await door.write(once(number)) for number in (1, 2, 99)] == [False, False, True]


async def test_who_goes_away_takes_nobody_along(store: Counted) -> None:
    """A caller that is cancelled has sent what it has sent."""
    door = Gathered(store)
    gone, stays = asyncio.ensure_future(door.write(once(1))), asyncio.ensure_future(door.write(once(2)))
    await asyncio.sleep(0)
    gone.cancel()

    assert await stays
    assert not await door.write(once(1))


async def test_a_closed_store_is_everybodys_answer(store: Counted) -> None:
    """Nobody waits for ever while a node stops."""
    await store.close()
    door = Gathered(store)

    found = await asyncio.gather(door.write(once(1)), door.write(once(2)), return_exceptions=True)

    assert [type(one) for one in found] == [StoreClosed, StoreClosed]

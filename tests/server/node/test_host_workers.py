"""Work for other hosts: whatever happens to one worker, to a bell or to the node, the work is done."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from yurt.node import host_workers
from yurt.node.host_workers import Due, HostWorkers
from yurt.node.store.types import StoreBusy
from yurt.node.testing import until


@dataclass
class Town:
    """Work that waits, and who does it."""

    waiting: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    done: list[str] = field(default_factory=list[str])
    at_work: set[str] = field(default_factory=set[str])
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set, the host `slow` does not answer."""
    look_again_s: float = 60.0
    looks: int = 0
    """How often it was asked who has something to do."""
    troubles: list[Exception] = field(default_factory=list[Exception])
    """Raised by the next looks."""
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(8))
    workers: HostWorkers | None = None

    def open(self) -> HostWorkers:
        """Begin to work."""
        self.workers = HostWorkers("chores", self.look, self.serve)
        self.workers.start()
        return self.workers

    async def look(self) -> Due:
        """Who has something to do."""
        self.looks += 1
        if self.troubles:
            raise self.troubles.pop()
        return Due({host: self.slots for host, chores in self.waiting.items() if chores}, self.look_again_s)

    async def serve(self, host: str) -> bool:
        """Do one chore; whether there were more when it was begun."""
        assert host not in self.at_work
        self.at_work.add(host)
        are_more = len(self.waiting[host]) > 1
        try:
            if host == "slow":
                await self.hold.wait()
            chore = self.waiting[host].pop(0)
            if chore == "poison":
                raise KeyError(chore)
            if chore == "storeless":
                raise StoreBusy
            self.done.append(chore)
            return are_more
        finally:
            self.at_work.discard(host)


@pytest.fixture
async def town(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    """A town whose rests are short."""
    monkeypatch.setattr(host_workers, "BUSY_S", 0.01)
    town = Town()
    yield town
    if town.workers is not None:
        await town.workers.stop()


async def test_nobody_waits_for_a_slow_host(town: Town) -> None:
    """Each host has a worker of its own, one at a time, until nothing waits there."""
    town.waiting = {"slow": ["s1", "s2"], "hill": ["h1", "h2", "h3"]}
    town.open()

    await until(lambda: town.done == ["h1", "h2", "h3"])
    town.hold.set()

    await until(lambda: town.done == ["h1", "h2", "h3", "s1", "s2"])


async def test_the_next_run_goes_on_where_one_was_stopped(town: Town) -> None:
    """Stopping ends also who is at work; the work waits for the next start."""
    town.waiting = {"slow": ["s1"]}
    workers = town.open()
    await until(lambda: "slow" in town.at_work)

    await workers.stop()
    assert (town.at_work, town.done) == (set(), [])
    town.hold.set()
    town.open()

    await until(lambda: town.done == ["s1"])


async def test_a_bell_brings_what_is_new(town: Town) -> None:
    """Nobody waits a minute for what was just queued."""
    workers = town.open()
    await asyncio.sleep(0)
    town.waiting = {"hill": ["h1"]}

    workers.wake()

    await until(lambda: town.done == ["h1"])


async def test_who_did_everything_is_no_reason_to_look(town: Town) -> None:
    """A look reads what waits for all hosts: a hundred workers that are done cost none."""
    town.waiting = {f"hill{number}": ["h1"] for number in range(100)}
    town.open()

    await until(lambda: len(town.done) == 100)
    await asyncio.sleep(3 * host_workers.APART_S)

    assert town.looks == 1


async def test_what_is_queued_while_its_host_is_served_is_not_forgotten(town: Town) -> None:
    """The worker does not know of it, so whoever looked remembers it."""
    town.look_again_s = 3600.0
    town.waiting = {"slow": ["s1"]}
    workers = town.open()
    await until(lambda: "slow" in town.at_work)
    town.waiting["slow"].append("s2")
    workers.wake()
    await until(lambda: town.looks == 2)

    town.hold.set()

    await until(lambda: town.done == ["s1", "s2"])


async def test_a_lost_bell_costs_only_a_wait(town: Town) -> None:
    """The store is the queue: it is looked at again without being told to."""
    town.look_again_s = 0.01
    town.open()
    await asyncio.sleep(0)

    town.waiting = {"hill": ["h1"]}

    await until(lambda: town.done == ["h1"])


@pytest.mark.parametrize("chore", ["poison", "storeless"])
async def test_what_kills_a_worker_delays_only_its_host(town: Town, chore: str) -> None:
    """A bug or a busy store ends one turn: others go on, and so does this host a moment later."""
    town.waiting = {"odd": [chore, "o1"], "hill": ["h1"]}
    town.open()

    await until(lambda: sorted(town.done) == ["h1", "o1"])


@pytest.mark.parametrize("trouble", [KeyError("our own bug"), StoreBusy()])
async def test_a_look_that_fails_is_repeated(town: Town, trouble: Exception) -> None:
    """What is due cannot be read now: it is read a moment later, bell or not."""
    town.troubles = [trouble]
    town.waiting = {"hill": ["h1"]}
    town.open()

    await until(lambda: town.done == ["h1"])


async def test_hosts_share_their_slots(town: Town) -> None:
    """However many hosts wait, only so many are served at once."""
    town.slots = asyncio.Semaphore(1)
    town.waiting = {"slow": ["s1"], "hill": ["h1"]}
    town.open()
    await until(lambda: "slow" in town.at_work)
    assert town.done == []

    town.hold.set()

    await until(lambda: sorted(town.done) == ["h1", "s1"])

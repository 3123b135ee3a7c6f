"""Addresses of names: whoever's name server is silent holds up nobody else."""

import asyncio
import socket
from collections import Counter

import pytest

from yurt.node import lookups
from yurt.node.lookups import STRANGERS, Lookups
from yurt.node.testing import until

ADDRESS = "192.0.2.7"
THREADS = STRANGERS + 1
"""Fewer than any event loop has."""


class NameServers:
    """The names of the world, looked up by a few threads as the system does."""

    def __init__(self) -> None:
        self.asked = Counter[str]()
        self.threads = asyncio.Semaphore(THREADS)
        self.speaks = asyncio.Event()
        """Until then, no name with `silent` in it is answered."""

    async def getaddrinfo(self, host: str, _port: None, **_settings: object) -> list[object]:
        """Look a name up; whoever stops waiting does not free the thread."""
        return await asyncio.shield(asyncio.create_task(self._thread(host)))

    async def _thread(self, host: str) -> list[object]:
        self.asked[host] += 1
        async with self.threads:
            if "silent" in host:
                await self.speaks.wait()
            if "nobody" in host:
                raise socket.gaierror(socket.EAI_NONAME, "no such name")
        # A host with several kinds of sockets is answered once for each of them.
        return [(socket.AF_INET, kind, 6, "", (ADDRESS, 443)) for kind in (1, 2)]


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> NameServers:
    """What this test's event loop finds."""
    servers = NameServers()
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", servers.getaddrinfo)
    return servers


async def test_silent_name_servers_hold_up_nobody_who_was_found_before(
    world: NameServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many names hang, and whoever gave up on them, a known host is found."""
    monkeypatch.setattr(lookups, "KEPT_S", -1.0)
    found = Lookups()
    assert await found.addresses("hill.example") == [ADDRESS]
    waiting = [asyncio.create_task(found.addresses(f"silent{number}.example")) for number in range(20)]
    await until(lambda: world.asked.total() == 1 + STRANGERS)
    for one in waiting[:10]:
        one.cancel()

    assert await found.addresses("hill.example") == [ADDRESS]

    assert (world.asked["hill.example"], world.asked.total()) == (2, 2 + STRANGERS)
    world.speaks.set()
    assert [await one for one in waiting[10:]] == [[ADDRESS]] * 10
    await found.close()


async def test_a_name_is_asked_for_once(world: NameServers) -> None:
    """What is known is used for a while, and those who ask at the same time share the answer."""
    found = Lookups()

    one, other = await asyncio.gather(found.addresses("hill.example"), found.addresses("hill.example"))

    assert one == other == [ADDRESS]
    assert await found.addresses("hill.example") == [ADDRESS]
    assert world.asked["hill.example"] == 1


async def test_a_name_that_does_not_exist_is_asked_for_again(world: NameServers) -> None:
    """That there is none is told to who asked, and believed no longer than that."""
    found = Lookups()

    for _ in range(2):
        with pytest.raises(socket.gaierror):
            await found.addresses("nobody.example")

    assert world.asked["nobody.example"] == 2

"""Addresses of names: a name server that does not answer holds up nobody but whom it should name.

The system looks names up on a few threads, and one whose server is silent takes a thread for half a minute,
whoever has stopped waiting for it by then. So what was found is kept for some minutes, and names that were
never found share fewer threads than there are: known hosts are always found.
"""

import asyncio
import socket
import time
from collections import OrderedDict
from contextlib import nullcontext
from typing import Final

KEPT_S: Final = 300.0
"""How long an address is used without asking again."""
MAX_KEPT: Final = 10_000
STRANGERS: Final = 3
"""Names that were never found, looked up at once; the event loop has four threads for that."""


class Lookups:
    """Looks names up; one for all connections of a node."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, tuple[list[str], float]] = OrderedDict()
        """By name: its addresses, and until when they are used (monotonic seconds)."""
        self._running: dict[str, asyncio.Task[list[str]]] = {}
        self._strangers = asyncio.Semaphore(STRANGERS)

    async def addresses(self, host: str) -> list[str]:
        """The addresses of a name, as literals.

        Raises:
            OSError: It has none, or nobody says so.
        """
        kept = self._found.get(host)
        if kept is not None and time.monotonic() < kept[1]:
            return kept[0]
        task = self._running.get(host)
        if task is None:
            task = self._running[host] = asyncio.create_task(self._look_up(host), name=f"address of {host}")
            task.add_done_callback(lambda done: self._ended(host, done))
        # Who gives up does not end it: the thread is taken until there is an answer, and so is its place.
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Wait for nothing any more."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _look_up(self, host: str) -> list[str]:
        async with nullcontext() if host in self._found else self._strangers:
            infos = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(info[4][0]) for info in infos))
        self._found[host] = addresses, time.monotonic() + KEPT_S
        self._found.move_to_end(host)
        if len(self._found) > MAX_KEPT:
            self._found.popitem(last=False)
        return addresses

    def _ended(self, host: str, task: asyncio.Task[list[str]]) -> None:
        del self._running[host]
        if not task.cancelled():
            task.exception()  # perhaps nobody waits for it any more

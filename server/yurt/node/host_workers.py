"""Work that waits in the store for other hosts: a worker for each host, so that one never delays another.

What is due, and what is done about it, is for who uses this (`people.delivery`, `portability.runner`); here
is only when. The store is the queue: a ring of the bell is a hint, a lost one costs a wait, and whatever
stops a worker, even a bug, its host is served again a moment later. A look reads all hosts, so it is taken
only for a reason: not because a worker did all that was due.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from yurt.node.store.types import StoreError

IDLE_S: Final = 60.0
"""What was forgotten is found after so long."""
APART_S: Final = 0.01
"""Between two looks: a hundred workers that end are one reason to look, not a hundred."""
BUSY_S: Final = 1.0
"""How long a host, or everything, rests after what must not happen."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """What waits now."""

    hosts: Mapping[str, asyncio.Semaphore]
    """Hosts to be served, each with the slots that it shares."""
    wait_s: float = IDLE_S
    """How long nothing else will be due, unless the bell rings."""


Look = Callable[[], Awaitable[Due]]
Serve = Callable[[str], Awaitable[bool]]
"""Does one page of what is due at a host; whether to look again then: more waits, there or elsewhere."""


class HostWorkers:
    """Runs a worker for each host for which something is due, at most one at a time."""

    def __init__(self, what: str, look: Look, serve: Serve) -> None:
        """``what`` is done stands in the log."""
        self._what = what
        self._look = look
        self._serve = serve
        self._bell = asyncio.Event()
        self._hosts: dict[str, asyncio.Task[None]] = {}
        self._due_again: set[str] = set()
        """Hosts at which something was due (still, or anew) when they were served already."""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with what an earlier run left."""
        self._task = asyncio.create_task(self._run(), name=self._what)

    async def stop(self) -> None:
        """End, also what is under way; it waits in the store."""
        tasks = [task for task in (self._task, *self._hosts.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self) -> None:
        """Something new waits."""
        self._bell.set()

    @property
    def under_way(self) -> Collection[str]:
        """Hosts that are being served."""
        return self._hosts.keys()

    async def _run(self) -> None:
        while True:
            self._bell.clear()
            wait_s = await self._begin()
            await asyncio.sleep(APART_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, wait_s - APART_S)):
                    await self._bell.wait()

    async def _begin(self) -> float:
        """Start a worker for each host that needs one; return how long to wait then."""
        try:
            due = await self._look()
        except StoreError:
            _log.warning("%s: what is due could not be read; it is tried again", self._what)
            return BUSY_S
        except Exception:  # noqa: BLE001  # a bug must not end all deliveries of a node for good
            _log.exception("%s: what is due could not be found", self._what)
            return BUSY_S
        for host, slots in due.hosts.items():
            if host in self._hosts:
                self._due_again.add(host)
            else:
                self._hosts[host] = asyncio.create_task(self._host(host, slots), name=f"{self._what} {host}")
        return due.wait_s

    async def _host(self, host: str, slots: asyncio.Semaphore) -> None:
        looks = True
        try:
            async with slots:
                looks = await self._serve(host)
        except StoreError:
            _log.warning("%s at %s stopped: the store is not available", self._what, host)
            await asyncio.sleep(BUSY_S)
        except Exception:  # noqa: BLE001  # a bug; without the rest it would be tried again at once, for ever
            _log.exception("%s at %s stopped", self._what, host)
            await asyncio.sleep(BUSY_S)
        finally:
            del self._hosts[host]
            if looks or host in self._due_again:
                self._due_again.discard(host)
                self.wake()

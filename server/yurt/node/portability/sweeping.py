"""Once an hour: forgets jobs that ended thirty days ago, a few rows at a time, and looks after old kits."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from yurt.node.clock import Clock
from yurt.node.store import jobs
from yurt.node.store.types import Store, StoreError

Also = Callable[[], Awaitable[None]]
"""What else is looked after, as often."""
KEEP_S: Final = 30 * 86_400
"""How long somebody can look at what a job came to."""
EVERY_S: Final = 3600.0
PAGE: Final = 1_000

_log = logging.getLogger(__name__)


class Sweeping:
    """Runs beside the jobs; what it does not get done now it does an hour later."""

    def __init__(self, store: Store, clock: Clock, also: Also | None = None) -> None:
        self._also = also
        self._store = store
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="sweeping")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def sweep(self) -> None:
        """Forget what is old enough now.

        Raises:
            StoreError: not all of it was forgotten.
        """
        now_s = self._clock.now_s()
        await self._store.write(lambda tx: jobs.note_ends(tx, now_s))
        forgotten = PAGE
        while forgotten:
            forgotten = await self._store.write(lambda tx: jobs.forget_ended(tx, now_s - KEEP_S, PAGE))
        if self._also is not None:
            await self._also()

    async def _run(self) -> None:
        while True:
            try:
                await self.sweep()
            except StoreError:
                _log.warning("what is old could not be forgotten; it is tried again in an hour")
            await asyncio.sleep(EVERY_S)

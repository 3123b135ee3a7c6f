"""Forgets what nobody needs any more, once an hour: timelines, strangers and their records hold 30 days."""

import asyncio
import logging
from typing import Final

from yurt.node.clock import Clock
from yurt.node.store import moves, people, posts, records
from yurt.node.store.types import Store, StoreError

TIMELINE_S: Final = 30 * 86_400
MOVED_S: Final = 370 * 86_400
"""How much longer it is remembered that somebody moved: long after the last follower went along."""
EVERY_S: Final = 3600.0

_log = logging.getLogger(__name__)


class Tidying:
    """Runs beside everything else; what it does not get done now it does an hour later."""

    def __init__(self, domain: str, store: Store, clock: Clock) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="tidying")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def tidy(self) -> None:
        """Forget what is too old now.

        Raises:
            StoreError: nothing was forgotten.
        """
        before_ms = self._clock.now_ms() - TIMELINE_S * 1000
        await self._store.write(lambda tx: posts.forget_old(tx, self._domain, before_ms))
        await self._store.write(lambda tx: records.forget_strangers(tx, before_ms // 1000))
        await self._store.write(lambda tx: people.forget_strangers(tx, before_ms // 1000))
        await self._store.write(lambda tx: moves.forget_old(tx, before_ms // 1000 - MOVED_S))

    async def _run(self) -> None:
        while True:
            try:
                await self.tidy()
            except StoreError:
                _log.warning("old posts could not be forgotten; it is tried again in an hour")
            await asyncio.sleep(EVERY_S)

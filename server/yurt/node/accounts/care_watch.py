"""Notices what an operator did to accounts from the command line, so that open streams end at once.

The command is another process; all that it shares with the running node is the database. It leaves a number
there that grows with each suspension, reset and deletion; here it is looked at every second.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from yurt.node.store.account_care import care_count
from yurt.node.store.types import Store, StoreError

LOOK_S: Final = 1.0
_log = logging.getLogger(__name__)


class CareWatch:
    """Has tokens checked when an operator changed something."""

    def __init__(self, store: Store, check: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self._check = check
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look."""
        seen = await self._store.read(care_count)
        self._task = asyncio.create_task(self._run(seen), name="watch of operators' care")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, seen: int) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                now = await self._store.read(care_count)
            except StoreError:
                _log.warning("what an operator changed could not be read; looking again")
                continue
            if now != seen:
                seen = now
                await self._check()

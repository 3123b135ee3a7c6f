"""How stories of clients wait: for what they need to see, as long as a slow machine may take; tests only."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

PATIENCE_S: Final = 120.0
"""How long a test waits for what should take milliseconds; a machine under load is slow."""


async def until(holds: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: it does not come about.
    """
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = holds()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.01)  # a test looks from outside; there is no event to wait for

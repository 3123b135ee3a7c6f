"""The bell: something in the vault changed. Only a hint; whoever hears it looks into the vault.

while True:
    ring = bell.next()          # before looking, so that no change falls between
    ...look...
    await ring.wait()
"""

import asyncio


class Bell:
    """Wakes everybody who waits for the next change."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def next(self) -> asyncio.Event:
        """Give the event of the next change."""
        return self._next

    def ring(self) -> None:
        """Wake whoever waits."""
        self._next.set()
        self._next = asyncio.Event()

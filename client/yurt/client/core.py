"""What all parts of an engine share: one vault, one session, one person, one clock."""

import asyncio
from dataclasses import dataclass, field
from typing import TypeVar

from yurt.client.bell import Bell
from yurt.client.clock import Clock
from yurt.client.rooms.groups import Groups
from yurt.client.rooms.leaves import Device
from yurt.client.session import Session
from yurt.client.vault.accounts import Account
from yurt.client.vault.open import Vault
from yurt.client.vault.writer import Unit

T = TypeVar("T")


@dataclass(slots=True)
class Core:
    """The ground that the parts of one engine stand on."""

    vault: Vault
    account: Account
    device: Device
    clock: Clock
    session: Session
    groups: Groups
    bell: Bell = field(default_factory=Bell)
    clock_ahead: set[bytes] = field(default_factory=set[bytes])
    """Rooms whose hub is over ten minutes ahead of our clock: nothing is sent there."""
    _locks: dict[bytes, asyncio.Lock] = field(default_factory=dict[bytes, asyncio.Lock])

    @property
    def now_s(self) -> int:
        """Seconds since 1970."""
        return self.clock.now_ms() // 1000

    def lock(self, room: bytes) -> asyncio.Lock:
        """Give the lock under which one room is written to: commits and messages never cross."""
        return self._locks.setdefault(room, asyncio.Lock())

    async def write(self, unit: Unit[T]) -> T:
        """Change the vault in one transaction, then ring the bell."""
        result = await self.vault.write(unit)
        self.bell.ring()
        return result

    async def until(self, true: Unit[bool], within: float) -> bool:
        """Wait until something in the vault is so, at most `within` seconds; returns whether it is."""
        try:
            async with asyncio.timeout(within):
                while True:
                    ring = self.bell.next()
                    if await self.vault.read(true):
                        return True
                    await ring.wait()
        except TimeoutError:
            return False

"""What a device has durably taken in, noted soon and not each time: many acks of one log become one write.

A lost ack costs nothing but a later erasure (retention acts on cursors), so acks wait up to half a second.
"""

import asyncio
import logging
from typing import Final

from yurt.node.store import logs
from yurt.node.store.types import Store, StoreError, Tx
from yurt.wire.position import START, Position

_log = logging.getLogger(__name__)
WAIT_S: Final = 0.5


class Acks:
    """The acks of one stream."""

    __slots__ = ("_device", "_did", "_noted", "_store", "_task", "_wait_s")

    def __init__(self, store: Store, did: str, device: bytes, wait_s: float = WAIT_S) -> None:
        self._store = store
        self._did = did
        self._device = device
        self._wait_s = wait_s
        self._noted: dict[str, Position] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, log: str, position: Position) -> None:
        """The device has a log up to here."""
        self._noted[log] = max(position, self._noted.get(log, START))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._later(), name="acks")

    async def close(self) -> None:
        """Write what is noted, and end."""
        if self._task is not None:
            self._task.cancel()
        await self.flush()

    async def flush(self) -> None:
        """Write what is noted now."""
        noted, self._noted = self._noted, {}
        if not noted:
            return
        reader = device_reader(self._did, self._device)

        def move(tx: Tx) -> None:
            for log, position in noted.items():
                # A device cannot have more than there is; a cursor beyond the head would hide new rows.
                logs.move_cursor(tx, log, reader, min(position, logs.head(tx, log)))

        try:
            await self._store.write(move)
        except StoreError:
            _log.warning("acks could not be noted; the device says them again")

    async def _later(self) -> None:
        while self._noted:
            await asyncio.sleep(self._wait_s)
            await self.flush()


def device_reader(did: str, device: bytes) -> str:
    """The name of a device as a reader of logs; by person, for anybody may give their device the same id."""
    return f"device/{did}/{device.hex()}"

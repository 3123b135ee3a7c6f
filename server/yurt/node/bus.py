"""Hints that a log has grown: they wake whoever reads it, and may all be lost without harm.

A hint is `(log, head)`, never content. Listeners run on the event loop and only note or schedule; what a
hint announces is read from the store (or from the rows just committed). Beneath every hint lies a poll:
each 2 seconds `Poll` asks the store which logs have grown and tells the same listeners, so a bus that
drops everything costs those seconds and nothing else.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from typing_extensions import override

from yurt.node.store import logs
from yurt.node.store.types import Store, StoreError
from yurt.wire.position import Position

_log = logging.getLogger(__name__)
POLL_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Hint:
    """A log has grown up to a position."""

    log: str
    head: Position


Listener = Callable[[Sequence[Hint]], None]
"""Gets the hints of one commit together."""


class Bus(Protocol):
    """Carries hints from those who write to those who read."""

    def ring(self, hints: Sequence[Hint]) -> None:
        """Tell every listener; best effort."""
        ...

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; the answer removes it again."""
        ...

    def deliver(self, hints: Sequence[Hint]) -> None:
        """Tell the listeners of this process what the poll found; never lost."""
        ...


class LocalBus:
    """The bus of a node with one process."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def ring(self, hints: Sequence[Hint]) -> None:
        """Tell every listener."""
        self.deliver(hints)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; the answer removes it again."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def deliver(self, hints: Sequence[Hint]) -> None:
        """Tell every listener; one that fails does not keep the others from hearing."""
        for listener in tuple(self._listeners):
            try:
                listener(hints)
            except Exception:  # noqa: BLE001  # any fault of one listener stays its own
                _log.exception("a listener failed on %d hints", len(hints))


class DeafBus(LocalBus):
    """A bus that loses every hint: only the poll is left (a test double, and proof that it suffices)."""

    @override
    def ring(self, hints: Sequence[Hint]) -> None:
        """Lose them."""


class Poll:
    """Finds what the bus lost."""

    def __init__(self, store: Store, bus: Bus, every_s: float = POLL_S) -> None:
        self._store = store
        self._bus = bus
        self._every_s = every_s
        self._seen = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin: what stands now is known to whoever subscribes later."""
        self._seen = await self._store.read(logs.last_arrival)
        self._task = asyncio.create_task(self._run(), name="bus poll")

    async def stop(self) -> None:
        """End the poll."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.once()
            except StoreError:
                _log.warning("the poll could not read the store; it tries again")

    async def once(self) -> None:
        """Tell the listeners about every log that grew since the last time."""
        since = self._seen
        self._seen, heads = await self._store.read(lambda tx: logs.heads_since(tx, since))
        if heads:
            self._bus.deliver([Hint(name, position) for name, position in heads])

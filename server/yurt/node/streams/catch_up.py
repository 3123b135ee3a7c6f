"""Catching up: one task per stream, only while something of it lags, sends pages from the store.

It waits until the stream has drained, reads one page of one log, puts it into the outlet and goes on with
the next log; so a slow reader costs one page of memory whatever it missed. A stream that drains nothing for
30 s is given up (4008): its client resumes from its positions when it comes back.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

import msgspec

from yurt.node.store.rooms import STILL
from yurt.node.store.types import Store, StoreError
from yurt.node.streams.pages import Page, read_page
from yurt.node.streams.raw_write import HIGH_WATER, LOW_WATER, Outlet, framed
from yurt.node.streams.subscription import State, Subscription
from yurt.wire.frames import Entries, Gap

_log = logging.getLogger(__name__)
_encode = msgspec.msgpack.Encoder().encode
STALLED_S: Final = 30.0
_LOOK_S: Final = 0.02
_READ_AGAIN_S: Final = 1.0


class Stalled(Exception):
    """The other end takes nothing any more."""


async def drained(outlet: Outlet, high: int = HIGH_WATER, stalled_s: float = STALLED_S) -> None:
    """Wait until an outlet that has more than `high` bytes waiting is below the low-water mark.

    Raises:
        Stalled: nothing drained for `stalled_s`.
    """
    if outlet.waiting <= high:
        return
    clock = asyncio.get_running_loop().time
    least, since = outlet.waiting, clock()
    while (waiting := outlet.waiting) > LOW_WATER:
        if waiting < least:
            least, since = waiting, clock()
        elif clock() - since > stalled_s:
            raise Stalled
        await asyncio.sleep(_LOOK_S)


class StreamCatchUp:
    """Implements `CatchUp` for one stream; while nothing lags, it holds nothing."""

    __slots__ = ("_give_up", "_lagging", "_outlet", "_stalled_s", "_store", "_task")

    def __init__(
        self, store: Store, outlet: Outlet, give_up: Callable[[str], None], stalled_s: float = STALLED_S
    ) -> None:
        self._store = store
        self._outlet = outlet
        self._give_up = give_up
        self._stalled_s = stalled_s
        self._lagging: list[Subscription] = []
        self._task: asyncio.Task[None] | None = None

    def lag(self, subscription: Subscription) -> None:
        """Begin to send pages to a subscription."""
        self._lagging.append(subscription)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="catching up")
            self._task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """End."""
        self._lagging.clear()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._task is task:
            self._task = None  # most streams never lag again

    async def _run(self) -> None:
        try:
            while self._lagging:
                await drained(self._outlet, stalled_s=self._stalled_s)
                subscription = self._lagging.pop(0)
                if subscription.state is State.LAGGING:
                    await self._page(subscription)
        except Stalled:
            self._give_up("nothing was taken for too long; reconnect and resume")
        except Exception:  # noqa: BLE001  # a stream that is not fed must not stay open
            _log.exception("catching up failed on a mistake of ours")
            self._give_up("the node made a mistake; reconnect and resume")

    async def _page(self, subscription: Subscription) -> None:
        """Send one page; afterwards the subscription is live, over, or waits for its next page."""
        log, after, reader = subscription.log, subscription.position, subscription.reader
        try:
            page = await self._store.read(lambda tx: read_page(tx, log, after, reader))
        except StoreError:
            _log.warning("a page could not be read; the stream tries again")
            await asyncio.sleep(_READ_AGAIN_S)
            self._lagging.append(subscription)
            return
        if subscription.state is not State.LAGGING:
            return  # unsubscribed meanwhile
        if page is None:
            subscription.state = State.OVER
            return
        self._send(subscription, page)
        self._settle(subscription, page)

    def _send(self, subscription: Subscription, page: Page) -> None:
        if page.start > subscription.position:
            gap = Gap(subscription.name, subscription.position, page.start, "notForYou")
            self._outlet.put(framed(_encode(gap)))
            subscription.position = page.start
        self._outlet.put(framed(_encode(Entries(subscription.name, page.rows, page.head))))
        if page.rows:
            subscription.position = page.rows[-1].position
        subscription.end = page.end

    def _settle(self, subscription: Subscription, page: Page) -> None:
        """See the table of states."""
        if page.end != STILL and subscription.position >= page.end:
            subscription.state = State.OVER
        elif subscription.position >= max(page.head, subscription.known):
            subscription.state = State.LIVE
        else:
            self._lagging.append(subscription)

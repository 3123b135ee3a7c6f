"""Fan-out: each committed batch reaches every live stream of its log as the same encoded bytes.

A hint says that a log has grown; the rows come from the tail. One frame is encoded for each position that
subscribers stand at (nearly always one), and put into their outlets; the cork writes once per stream and
loop iteration, over all logs. Nobody is ever awaited here: a stream with too much waiting becomes lagging
and catches up by pages. A batch with a commit waits until the windows of the room's devices have been read
again, so that a removed device gets nothing after its removal.
"""

import asyncio
import logging
from collections.abc import Sequence

import msgspec

from yurt.node.bus import Bus, Hint
from yurt.node.store import rooms
from yurt.node.store.types import Appended, Store, StoreError
from yurt.node.streams.pages import PAGE_BYTES
from yurt.node.streams.raw_write import HIGH_WATER, framed
from yurt.node.streams.subscription import Reader, State, Subscription
from yurt.node.streams.tail import Tail
from yurt.wire.frames import Entries, Frame, room_of
from yurt.wire.position import Position

_log = logging.getLogger(__name__)
_encode = msgspec.msgpack.Encoder().encode


class Fanout:
    """Knows every subscription of this process, by log."""

    def __init__(self, store: Store, bus: Bus, tail: Tail) -> None:
        self._store = store
        self._tail = tail
        self._logs: dict[str, set[Subscription]] = {}
        self._checked: dict[str, int] = {}
        self._refreshing: dict[str, asyncio.Task[None]] = {}
        self._unlisten = bus.listen(self._hear)

    def close(self) -> None:
        """Hear nothing any more."""
        self._unlisten()
        for task in self._refreshing.values():
            task.cancel()

    def add(self, subscription: Subscription) -> None:
        """Begin: the subscription catches up, then is live."""
        subscribers = self._logs.setdefault(subscription.log, set())
        if not subscribers:
            # Its windows are read with its first page; only later commits matter.
            self._checked[subscription.log] = self._tail.last_commit(subscription.log)
        subscribers.add(subscription)
        subscription.catch_up.lag(subscription)

    def remove(self, subscription: Subscription) -> None:
        """Forget a subscription."""
        subscription.state = State.OVER
        subscribers = self._logs.get(subscription.log)
        if subscribers is None:
            return
        subscribers.discard(subscription)
        if not subscribers:
            del self._logs[subscription.log]
            self._checked.pop(subscription.log, None)

    def readers(self, log: str) -> list[Reader]:
        """The devices that read a room's log now, each once; those that were removed do not count."""
        found = (
            one.reader
            for one in self._logs.get(log, ())
            if one.reader is not None and one.end == rooms.STILL and one.state is not State.OVER
        )
        return list(dict.fromkeys(found))

    def tell(self, log: str, frame: Frame, reader: Reader | None = None) -> bool:
        """Send a frame that is kept nowhere to whoever reads a log, or to one device of them.

        Args:
            log: Internal name.
            frame: A hint: a stream with much waiting does not get it.
            reader: The device; None: everybody who reads this log.

        Returns:
            Whether anybody got it.
        """
        data, told = framed(_encode(frame)), False
        for one in self._logs.get(log, ()):
            if reader in (None, one.reader) and one.outlet.waiting <= HIGH_WATER:
                one.outlet.put(data)
                told = True
        return told

    def _hear(self, hints: Sequence[Hint]) -> None:
        for hint in hints:
            if hint.log in self._logs:
                self._deliver(hint.log, hint.head)

    def _deliver(self, log: str, head: Position) -> None:
        subscribers = self._logs[log]
        newest = max(head, self._tail.head(log))
        for subscription in subscribers:
            subscription.hear(newest)
        if self._tail.last_commit(log) > self._checked.get(log, 0):
            self._refresh(log)
            return
        frames: dict[Position, bytes | None] = {}
        for subscription in subscribers:
            if subscription.state is State.LIVE and subscription.position < subscription.known:
                self._send(subscription, frames)

    def _send(self, subscription: Subscription, frames: dict[Position, bytes | None]) -> None:
        place = subscription.position
        if place not in frames:
            frames[place] = self._frame(subscription)
        frame = frames[place]
        if frame is None or subscription.end != rooms.STILL or subscription.outlet.waiting > HIGH_WATER:
            subscription.state = State.LAGGING
            subscription.catch_up.lag(subscription)
            return
        subscription.position = subscription.known
        subscription.outlet.put(frame)

    def _frame(self, subscription: Subscription) -> bytes | None:
        """The frame from a subscription's position to the head; None if the tail has not all of it."""
        rows = self._tail.after(subscription.log, subscription.position)
        if not rows or rows[-1].position != subscription.known:
            return None
        if sum(len(row.body) for row in rows) > PAGE_BYTES:
            return None  # more than a client takes in one frame; pages are cut
        return framed(_encode(Entries(subscription.name, tuple(rows), rows[-1].position)))

    def _refresh(self, log: str) -> None:
        if log not in self._refreshing:
            self._refreshing[log] = asyncio.create_task(self._read_windows(log), name="windows of a room")

    async def _read_windows(self, log: str) -> None:
        """Read who may read a room after its commit, then deliver what waited."""
        room = room_of(log) or b""
        upto = self._tail.last_commit(log)
        try:
            windows = await self._store.read(lambda tx: rooms.windows(tx, room))
        except StoreError:
            _log.warning("the windows of a room could not be read; its streams read pages instead")
            windows = None
        finally:
            del self._refreshing[log]
        if log not in self._logs:
            return
        if windows is None:
            self._all_lag(log)
        else:
            ends = {Reader(window.did, window.device): window.end for window in windows}
            for subscription in self._logs[log]:
                if subscription.reader is not None:
                    # A device without any window reads nothing: its end lies behind it.
                    subscription.end = ends.get(subscription.reader, subscription.position)
        self._checked[log] = upto
        self._deliver(log, max(subscription.known for subscription in self._logs[log]))

    def _all_lag(self, log: str) -> None:
        for subscription in self._logs[log]:
            if subscription.state is State.LIVE:
                subscription.state = State.LAGGING
                subscription.catch_up.lag(subscription)


class Publisher:
    """What the store calls after each commit: keep the rows in the tail, then ring."""

    def __init__(self, bus: Bus, tail: Tail) -> None:
        self._bus = bus
        self._tail = tail

    def __call__(self, told: Sequence[Appended]) -> None:
        """Take in what one commit put into logs."""
        heads: dict[str, Position] = {}
        for appended in told:
            self._tail.add(appended)
            heads[appended.log] = appended.head
        self._bus.ring([Hint(log, head) for log, head in heads.items()])

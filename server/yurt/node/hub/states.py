"""The public state of rooms in memory: a cache of the store, for hub and member copies alike.

What is kept here was committed before; whoever finds it stale drops it, and the next look loads it again:
the snapshot written with the newest commit, moved on to the newest row of the log.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from yurt.node.store import logs, rooms
from yurt.node.store.rooms import StoredRoom
from yurt.node.store.types import ReadTx, Store
from yurt.rooms.hub.snapshot import decode_snapshot, encode_snapshot
from yurt.rooms.hub.state import HubState
from yurt.wire.frames import room_log
from yurt.wire.position import LogRow

CAPACITY: Final = 256
"""Rooms; one of 500 people takes about 2 MB."""


class RoomStates:
    """Loads and keeps the state of rooms."""

    def __init__(self, store: Store, capacity: int = CAPACITY) -> None:
        self._store = store
        self._capacity = capacity
        self._kept: OrderedDict[bytes, HubState] = OrderedDict()
        self._listeners: list[Callable[[HubState], None]] = []

    async def get(self, room: bytes) -> HubState | None:
        """The state right after the newest row; None for a room that is not known here."""
        state = self._kept.get(room)
        if state is not None:
            self._kept.move_to_end(room)
            return state
        found = await self._store.read(lambda tx: _load(tx, room))
        if found is None:
            return None
        # Reading a room verifies each leaf: not on the event loop.
        state = await asyncio.to_thread(_restore, *found)
        newer = self._kept.get(room)
        if newer is not None and newer.head > state.head:
            return newer  # the room moved on while it was read
        self.keep(state)
        return state

    def keep(self, state: HubState) -> None:
        """Keep what was committed."""
        self._kept[state.room_id] = state
        self._kept.move_to_end(state.room_id)
        while len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        for listener in self._listeners:
            listener(state)

    def listen(self, listener: Callable[[HubState], None]) -> None:
        """Call somebody with each state that is kept: its room has moved on, and durably."""
        self._listeners.append(listener)

    def drop(self, room: bytes) -> None:
        """Forget a state that turned out stale."""
        self._kept.pop(room, None)


def stored(state: HubState) -> StoredRoom:
    """What the store keeps of a state."""
    return StoredRoom(state.room_id, state.standing.policy.hub, state.epoch, encode_snapshot(state))


def _load(tx: ReadTx, room: bytes) -> tuple[StoredRoom, LogRow | None] | None:
    found = rooms.load(tx, room)
    return None if found is None else (found, logs.newest(tx, room_log(room)))


def _restore(found: StoredRoom, newest: LogRow | None) -> HubState:
    """Move a snapshot on to the newest row; no commit lies between, each writes a snapshot."""
    state = decode_snapshot(found.snapshot)
    if newest is not None and newest.position > state.head:
        state = state.after_row(newest)
    return state

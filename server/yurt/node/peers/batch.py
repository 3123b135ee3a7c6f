"""What waits for one peer: gathered into one request, and settled by its answer.

Starts, Welcomes and log rows wait in the store until the peer has them (its cursor says what it lacks), so
a crash at any point only sends something twice. Rows go out up to the last position the peer may have.
"""

import logging
import math
import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import msgspec

from yurt.node.allowances import FULL_RETRY_S, ROOM_FULL
from yurt.node.store import logs, outbound, rooms
from yurt.node.store.outbound import Outbound, OutboundKind
from yurt.node.store.peers import has_start, rooms_behind, row_at
from yurt.node.store.rooms import STILL
from yurt.node.store.types import ReadTx, Store, Tx
from yurt.rooms.common.errors import Refused
from yurt.rooms.hub.snapshot import decode_snapshot, prove_snapshot
from yurt.rooms.hub.state import HubState
from yurt.wire.exchange import ExchangeAnswer, RoomHave, RoomRows, RoomStart, Settled, WelcomeDelivery
from yurt.wire.frames import room_log
from yurt.wire.position import LogRow, Position
from yurt.wire.registry import EntryKind

MAX_BYTES: Final = 2 * 1024 * 1024
"""Rows in one request; a peer takes 8 MiB altogether."""
ROW_OVERHEAD: Final = 150
"""Bytes of a row beside its body, about."""
MAX_ROWS: Final = 500
"""Rows of one room in one request."""
MAX_OUTBOUND: Final = 100

_ID_SIZE: Final = 16
_LESS: Final = frozenset({"gap", "unknownRoom"})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the store holds for a peer."""

    starts: tuple[RoomStart, ...]
    welcomes: tuple[WelcomeDelivery, ...]
    rooms: tuple[RoomRows, ...]
    records: tuple[Outbound, ...] = ()
    has_more: bool = False
    """Whether one request does not hold everything."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not (self.starts or self.welcomes or self.rooms or self.records)


async def gather(store: Store, node: str, stopped: Collection[bytes]) -> Waiting:
    """Read what waits for a peer, without the rooms that were stopped."""
    return await store.read(lambda tx: _gather(tx, node, stopped))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an answer meant."""

    rests: dict[bytes, float]
    """Rooms to leave out, and for how many seconds: maybe for ever."""
    resets: tuple[bytes, ...] = ()
    """Rooms of which the peer says that it has less than before, or nothing."""
    moved: bool = False
    """Whether it has anything that it did not have: else it is to be left alone for a while."""
    is_whole: bool = False
    """Whether it has all that waited: what came since rings by itself."""


async def settle(store: Store, node: str, waiting: Waiting, answer: ExchangeAnswer) -> Outcome:
    """Note what the peer has."""
    asked = {rows.room: rows for rows in waiting.rooms}
    known = {start.id for start in waiting.starts} | {welcome.id for welcome in waiting.welcomes}
    haves = [have for have in answer.rooms if have.room in asked]
    items = [item for item in (*answer.starts, *answer.welcomes) if item.id in known]

    def unit(tx: Tx) -> None:
        for item in items:
            _settle_item(tx, node, item)
        for have in haves:
            _settle_room(tx, node, asked[have.room], have)
        for record in waiting.records:
            outbound.settle(tx, record.id)  # it was in what the peer answered; it judges it by itself

    if items or haves or waiting.records:
        await store.write(unit)
    return Outcome(
        {have.room: rest for have in haves if (rest := _rest(node, have))},
        tuple(have.room for have in haves if have.problem in _LESS),
        moved=bool(waiting.records)
        or any(_is_settled(item) for item in items)
        or any(have.problem not in _LESS and have.have > asked[have.room].after for have in haves),
        is_whole=not waiting.has_more
        and known == {item.id for item in items if item.problem is None}
        and asked.keys() == {have.room for have in haves if _has_all(asked[have.room], have)},
    )


def _gather(tx: ReadTx, node: str, stopped: Collection[bytes]) -> Waiting:
    items = outbound.waiting(tx, node, MAX_OUTBOUND)
    starts = tuple(
        msgspec.msgpack.decode(item.body, type=RoomStart) for item in _of(items, OutboundKind.START)
    )
    welcomes = tuple(
        msgspec.msgpack.decode(item.body, type=WelcomeDelivery) for item in _of(items, OutboundKind.WELCOME)
    )
    found: list[RoomRows] = []
    left = MAX_BYTES - sum(len(item.body) for item in items)
    has_more = len(items) == MAX_OUTBOUND
    for room, end in rooms_behind(tx, node):
        if room in stopped:
            continue
        if left <= 0:
            has_more = True
            break
        if (part := _rows(tx, node, room, end, left)) is not None:
            found.append(part)
            left -= sum(_weight(row) for row in part.rows)
            has_more |= part.rows[-1].position < (part.head if end == STILL else min(part.head, end))
    return Waiting(starts, welcomes, tuple(found), tuple(_of(items, OutboundKind.RECORD)), has_more)


def _of(items: list[Outbound], kind: OutboundKind) -> list[Outbound]:
    return [item for item in items if item.kind is kind]


def _rows(tx: ReadTx, node: str, room: bytes, end: Position, left: int) -> RoomRows | None:
    log = room_log(room)
    after = logs.cursor(tx, log, rooms.peer_reader(node))
    head = logs.head(tx, log)
    if after >= (head if end == STILL else min(head, end)):
        return None
    rows: list[LogRow] = []
    for row in logs.after(tx, log, after, MAX_ROWS):
        if (end != STILL and row.position > end) or (rows and left <= 0):
            break
        rows.append(row)
        left -= _weight(row)
    return RoomRows(room, after, tuple(rows), head) if rows else None


def _weight(row: LogRow) -> int:
    """What a row costs in a request; an erased one is not free."""
    return len(row.body) + ROW_OVERHEAD


def _has_all(asked: RoomRows, have: RoomHave) -> bool:
    return not have.problem and have.have >= asked.rows[-1].position


def _is_settled(item: Settled) -> bool:
    return item.problem is None or not item.problem.kind.retry


def _settle_item(tx: Tx, node: str, item: Settled) -> None:
    if item.problem is None:
        outbound.settle(tx, item.id)
    elif not item.problem.kind.retry and outbound.refused(tx, item.id, item.problem.code):
        _log.warning("%s finally refuses %s: %s", node, item.id.hex(), item.problem.code)


def _settle_room(tx: Tx, node: str, asked: RoomRows, have: RoomHave) -> None:
    log, reader = room_log(asked.room), rooms.peer_reader(node)
    if have.problem == "gap":
        # It has less than it once said: a restored peer. It may only go back, never skip ahead.
        logs.reset_cursor(tx, log, reader, min(have.have, asked.after))
    elif have.problem == "unknownRoom":
        _start_again(tx, node, asked.room)
    elif have.problem in ("", ROOM_FULL):
        logs.move_cursor(tx, log, reader, min(have.have, asked.rows[-1].position))


def _start_again(tx: Tx, node: str, room: bytes) -> None:
    """A peer that lost its copy begins a new one, at the newest commit; once, if it refuses that."""
    stored = rooms.load(tx, room)
    if stored is None or has_start(tx, node, room):
        return
    state = decode_snapshot(stored.snapshot)
    begin, group_info = state.head, rooms.group_info(tx, room)
    row = row_at(tx, room, begin)
    if row is None or not _proves(state, row, group_info):
        return  # the next commit begins the copy
    start = RoomStart(os.urandom(_ID_SIZE), room, row, stored.snapshot, group_info)
    body = msgspec.msgpack.encode(start)
    outbound.put(tx, Outbound(start.id, node, OutboundKind.START, room, body, row.accepted_at))
    logs.reset_cursor(tx, room_log(room), rooms.peer_reader(node), begin)
    _log.warning("%s lost its copy of room %s and begins a new one", node, room.hex())


def _proves(state: HubState, row: LogRow, group_info: bytes) -> bool:
    """Tell whether a peer could check a start; after a SelfRemove, or at a restored hub, it could not."""
    if not row.body or row.kind != EntryKind.COMMIT:
        return False
    try:
        prove_snapshot(state, row.body, group_info)
    except Refused:
        return False
    return True


def _rest(node: str, have: RoomHave) -> float:
    """For how many seconds a room's rows are of no use to the peer."""
    if have.problem == "badChain":
        _log.error("%s cannot follow room %s: %s", node, have.room.hex(), have.problem)
        return math.inf
    if have.problem == ROOM_FULL:
        _log.warning("%s keeps no more of room %s: it is full there", node, have.room.hex())
        return FULL_RETRY_S
    return 0.0

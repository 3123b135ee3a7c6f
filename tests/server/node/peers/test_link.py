"""One line to a peer: batched, one request at a time, honest when the peer is down."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
from typing_extensions import override

from yurt.node.peers.errors import PeerDown
from yurt.node.peers.link import RESETS, Link
from yurt.node.store import logs, outbound, rooms
from yurt.node.store.outbound import REFUSALS, Outbound, OutboundKind
from yurt.node.store.rooms import StoredRoom
from yurt.node.store.sqlite import SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.store.types import ReadTx, Tx
from yurt.node.testing import until
from yurt.wire.exchange import (
    ExchangeAnswer,
    ExchangeRequest,
    Pull,
    RoomHave,
    RoomRows,
    RoomStart,
    Settled,
    Submission,
    SubmissionAnswer,
    WelcomeDelivery,
)
from yurt.wire.frames import room_log
from yurt.wire.position import START, LogRow, Position
from yurt.wire.problems import Problem, ProblemError

T = TypeVar("T")
PEER = "hilltop.example"
ROOM = bytes(32)
LOG = room_log(ROOM)


class Peer:
    """A peer that keeps what it is told and can be switched off."""

    def __init__(self) -> None:
        self.requests: list[ExchangeRequest] = []
        self.down = False
        self.refuses_starts = False
        self.have = START
        self.at_once = 0
        self.most_at_once = 0

    async def exchange(self, node: str, request: ExchangeRequest) -> ExchangeAnswer:
        assert node == PEER
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.005)
        self.at_once -= 1
        self.requests.append(request)
        if self.down:
            raise PeerDown("switched off")
        for rows in request.rooms:
            if rows.after <= self.have:
                self.have = max(self.have, rows.rows[-1].position)
        problem = Problem("refused", "no") if self.refuses_starts else None
        return ExchangeAnswer(
            starts=tuple(Settled(start.id, problem) for start in request.starts),
            rooms=tuple(
                RoomHave(rows.room, self.have, "gap" if rows.after > self.have else "")
                for rows in request.rooms
            ),
            submissions=tuple(
                SubmissionAnswer(one.id, Position(1, number + 1), 1, b"h", b"c")
                for number, one in enumerate(request.submissions)
            ),
        )


class NoCopies:
    """A node without copies."""

    async def start(self, peer: str, start: RoomStart) -> None: ...
    async def welcome(self, peer: str, delivery: WelcomeDelivery) -> None: ...
    async def take(self, peer: str, rows: RoomRows) -> RoomHave:
        raise AssertionError(peer, rows)

    async def serve(self, peer: str, pull: Pull) -> RoomRows:
        raise AssertionError(peer, pull)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "node.db", STEPS)
    yield opened
    await opened.close()


@pytest.fixture
def peer() -> Peer:
    return Peer()


@pytest.fixture
async def link(store: SqliteStore, peer: Peer) -> AsyncIterator[Link]:
    link = Link(PEER, store, peer, NoCopies())
    task = asyncio.create_task(link.run())
    yield link
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def submission() -> Submission:
    return Submission(os.urandom(16), "https://harbour.example/users/ana", ROOM, 2, b"entry")


def rows(first: int, last: int) -> list[LogRow]:
    return [LogRow(Position(1, seq), 2, seq, bytes(32), b"body", bytes(32)) for seq in range(first, last + 1)]


def room_with_rows(tx: Tx) -> None:
    rooms.insert(tx, StoredRoom(ROOM, "harbour.example", 0, b""))
    logs.append(tx, LOG, START, rows(1, 1))
    rooms.add_node(tx, ROOM, PEER, Position(1, 1))
    logs.reset_cursor(tx, LOG, "peer/hilltop.example", Position(1, 1))
    logs.append(tx, LOG, Position(1, 1), rows(2, 1200))


async def has(peer: Peer, head: Position) -> None:
    """Wait until a peer has everything up to there."""
    await until(lambda: peer.have >= head)


async def test_many_submissions_share_few_requests(link: Link, peer: Peer) -> None:
    """What comes while a request is under way goes into the next one, all of it, in order."""
    items = [submission() for _ in range(200)]

    answers = await asyncio.gather(*(link.submit(item) for item in items))

    assert [answer.id for answer in answers] == [item.id for item in items]
    assert [one.id for request in peer.requests for one in request.submissions] == [one.id for one in items]
    assert len(peer.requests) <= 3
    assert peer.most_at_once == 1


async def test_a_peer_that_is_down_is_said_at_once(
    link: Link, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for a dead hub; when it lives again, the next one gets through."""
    for pause in ("FIRST_RETRY_S", "LAST_RETRY_S", "PROBE_S"):  # nobody tries it again but by being told to
        monkeypatch.setattr(f"yurt.node.peers.link.{pause}", 3600.0)
    peer.down = True

    first = await link.submit(submission())
    with pytest.raises(ProblemError) as soon_after:
        await link.submit(submission())
    tried = len(peer.requests)
    peer.down = False
    link.heard()
    await until(lambda: not link.is_down)
    alive = await link.submit(submission())

    assert first.problem is not None
    assert first.problem.code == "hubUnreachable"
    assert soon_after.value.problem.code == "hubUnreachable"
    assert tried == 1
    assert alive.problem is None


async def test_rows_follow_the_cursor(link: Link, peer: Peer, store: SqliteStore) -> None:
    """A peer gets every row after its cursor, once each, in pages."""
    peer.have = Position(1, 1)
    await store.write(room_with_rows)

    link.wake()
    await has(peer, Position(1, 1200))

    sent = [row.position.seq for request in peer.requests for part in request.rooms for row in part.rows]
    assert sent == list(range(2, 1201))
    assert max(len(part.rows) for request in peer.requests for part in request.rooms) <= 500


async def test_a_gap_goes_back_to_what_the_peer_has(link: Link, peer: Peer, store: SqliteStore) -> None:
    """A peer that has less than it said is served from there."""
    await store.write(room_with_rows)
    await store.write(lambda tx: logs.reset_cursor(tx, LOG, "peer/hilltop.example", Position(1, 900)))
    peer.have = Position(1, 100)

    link.wake()
    await has(peer, Position(1, 1200))
    await link.submit(submission())  # the next request, so the one before is settled

    assert await store.read(lambda tx: logs.cursor(tx, LOG, "peer/hilltop.example")) == Position(1, 1200)


async def test_a_poisoned_item_is_set_aside(link: Link, peer: Peer, store: SqliteStore) -> None:
    """What a peer finally refuses again and again is set aside, and blocks nothing."""
    peer.refuses_starts = True
    start = RoomStart(b"i" * 16, ROOM, rows(1, 1)[0], b"")
    item = Outbound(start.id, PEER, OutboundKind.START, ROOM, msgspec.msgpack.encode(start), 1)
    await store.write(lambda tx: outbound.put(tx, item))

    for _ in range(REFUSALS + 2):
        link.wake()
        await link.submit(submission())

    assert await store.read(lambda tx: outbound.waiting(tx, PEER)) == []
    assert sum(len(request.starts) for request in peer.requests) == REFUSALS


class Sponge(Peer):
    """Answers at once, and never has anything of what it is told."""

    def __init__(self, problem: str) -> None:
        super().__init__()
        self.problem = problem

    @override
    async def exchange(self, node: str, request: ExchangeRequest) -> ExchangeAnswer:
        self.requests.append(request)
        busy = Problem("overloaded", "not now")
        return ExchangeAnswer(
            starts=tuple(Settled(start.id, None if self.problem else busy) for start in request.starts),
            rooms=tuple(RoomHave(rows.room, START, self.problem) for rows in request.rooms),
        )


@pytest.mark.parametrize("problem", ["", "gap"])
async def test_a_peer_that_takes_nothing_keeps_nobody_busy(store: SqliteStore, problem: str) -> None:
    """It is sent the same a few times and then left alone, ever longer; who asks something is still heard."""
    await store.write(room_with_rows)
    start = RoomStart(os.urandom(16), ROOM, rows(1, 1)[0], b"snapshot", b"info")
    body = msgspec.msgpack.encode(start)
    await store.write(
        lambda tx: outbound.put(tx, Outbound(start.id, PEER, OutboundKind.START, ROOM, body, 0))
    )
    sponge = Sponge(problem)
    link = Link(PEER, store, sponge, NoCopies())
    task = asyncio.create_task(link.run())

    link.wake()
    await until(lambda: len(sponge.requests) >= 2)
    await asyncio.sleep(0.5)
    times = len(sponge.requests)
    answer = await link.submit(submission())

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert 1 < times < 20
    assert answer.problem is not None


class Forgetful(Peer):
    """Takes a room from its beginning, and then says each time that it has lost everything."""

    begun = 0

    @override
    async def exchange(self, node: str, request: ExchangeRequest) -> ExchangeAnswer:
        self.requests.append(request)
        (asked,) = request.rooms or (None,)
        if asked is None:
            return ExchangeAnswer()
        lost = asked.after > START
        self.begun += not lost
        have = RoomHave(ROOM, START, "gap") if lost else RoomHave(ROOM, asked.rows[-1].position)
        return ExchangeAnswer(rooms=(have,))


async def test_a_peer_that_forgets_all_the_time_gets_a_room_a_few_times(store: SqliteStore) -> None:
    """A restored node says so once; who says it again and again waits for what it claims to lack."""
    await store.write(room_with_rows)
    forgetful = Forgetful()
    link = Link(PEER, store, forgetful, NoCopies())
    task = asyncio.create_task(link.run())

    link.wake()
    await until(lambda: forgetful.begun >= 2)
    await asyncio.sleep(0.5)

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert 1 < forgetful.begun <= RESETS + 2


class Counted(SqliteStore):
    """A store that counts how often it is asked."""

    reads = 0
    writes = 0

    @override
    async def read(self, query: Callable[[ReadTx], T]) -> T:
        self.reads += 1
        return await super().read(query)

    @override
    async def write(self, unit: Callable[[Tx], T]) -> T:
        self.writes += 1
        return await super().write(unit)


async def test_a_lone_message_is_read_once_sent_once_and_noted_once(peer: Peer, tmp_path: Path) -> None:
    """Once the peer has everything nobody looks again, until something rings."""
    store = await Counted.open(tmp_path / "node.db", STEPS)
    await store.write(room_with_rows)
    await store.write(lambda tx: logs.move_cursor(tx, LOG, "peer/hilltop.example", Position(1, 1199)))
    assert isinstance(store, Counted)
    store.writes = 0
    link = Link(PEER, store, peer, NoCopies())
    task = asyncio.create_task(link.run())
    peer.have = Position(1, 1199)

    link.wake()
    await has(peer, Position(1, 1200))
    await until(lambda: link.is_idle)

    assert (store.reads, len(peer.requests), store.writes) == (1, 1, 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await store.close()

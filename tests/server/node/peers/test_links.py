"""The ways to other nodes: what a person names is looked at before anything is done for it."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from typing_extensions import override

from yurt.node.bus import Hint, LocalBus
from yurt.node.limiter import Limiter
from yurt.node.peers.errors import PeerDown
from yurt.node.peers.links import STRANGER_RATE, Links
from yurt.node.store import logs, rooms
from yurt.node.store.rooms import StoredRoom
from yurt.node.store.sqlite import SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.store.types import ReadTx, Tx
from yurt.node.streams.fanout import Publisher
from yurt.node.streams.tail import Tail
from yurt.node.testing import Town, until
from yurt.wire.exchange import (
    ExchangeAnswer,
    ExchangeRequest,
    Pull,
    RoomHave,
    RoomRows,
    RoomStart,
    Submission,
    WelcomeDelivery,
)
from yurt.wire.frames import room_log
from yurt.wire.position import START, LogRow, Position
from yurt.wire.problems import Problem, ProblemError
from yurt.wire.registry import EntryKind
from yurt.wire.resync_commands import FetchGroupInfo
from yurt.wire.room_commands import Append

T = TypeVar("T")
HARBOUR = "harbour.example"
ANA, BO = f"https://{HARBOUR}/users/ana", f"https://{HARBOUR}/users/bo"


class Nobody:
    """No node answers; who was asked is noted."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def exchange(self, node: str, request: ExchangeRequest) -> ExchangeAnswer:  # noqa: ARG002  # its shape
        self.asked.append(node)
        raise PeerDown("nobody")


class NoCopies:
    """A node without copies."""

    async def start(self, peer: str, start: RoomStart) -> None: ...

    async def take(self, peer: str, rows: RoomRows) -> RoomHave:  # noqa: ARG002  # its shape
        return RoomHave(rows.room, START)

    async def welcome(self, peer: str, delivery: WelcomeDelivery) -> None: ...

    async def serve(self, peer: str, pull: Pull) -> RoomRows:  # noqa: ARG002  # its shape
        return RoomRows(pull.room, pull.after, (), START)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "node.db", STEPS)
    yield opened
    await opened.close()


def submission(actor: str) -> Submission:
    return Submission(os.urandom(16), actor, bytes(32), EntryKind.COMMIT, b"commit", b"", b"", "did:key:z")


async def refused(links: Links, node: str, actor: str = ANA) -> Problem:
    with pytest.raises(ProblemError) as caught:
        await links.submit(node, submission(actor))
    return caught.value.problem


async def test_what_is_no_domain_is_refused_before_anything_is_done(store: SqliteStore) -> None:
    """Letters, numbers and addresses make no task and no look-up."""
    nobody = Nobody()
    links = Links(HARBOUR, store, LocalBus(), nobody, NoCopies(), Limiter(), Tail())
    tasks = asyncio.all_tasks()

    codes = {(await refused(links, name)).code for name in ("", "f", "l", "localhost", "127.0.0.1", "1.2")}

    assert codes == {"badRequest"}
    assert asyncio.all_tasks() == tasks
    assert nobody.asked == []


async def test_a_person_names_only_so_many_strangers(store: SqliteStore) -> None:
    """Others are not touched by it, and hubs of rooms here are no strangers."""
    nobody = Nobody()
    links = Links(HARBOUR, store, LocalBus(), nobody, NoCopies(), Limiter(lambda: 1000.0), Tail())
    room = StoredRoom(bytes(32), "meadow.example", 1, b"")
    await store.write(lambda tx: rooms.insert(tx, room))

    names = [f"n{number}.example" for number in range(STRANGER_RATE.burst)]
    codes = {(await refused(links, name)).code for name in names}
    over = await refused(links, "one-more.example")
    hub, known, other = (
        (await refused(links, "meadow.example")).code,
        (await refused(links, names[0])).code,
        (await refused(links, "one-more.example", BO)).code,
    )
    await links.stop()

    assert codes == {"hubUnreachable"}
    assert (over.code, over.detail["rule"]) == ("tooMany", "strangers")
    assert (hub, known, other) == ("hubUnreachable",) * 3
    assert sorted({*nobody.asked}) == sorted({*names, "meadow.example", "one-more.example"})


async def test_a_command_with_any_hub_string_makes_no_link(harbour: Town) -> None:
    """Through the doors: a commit, or a question for a room, that names `f` as its hub."""
    ana = await harbour.join("ana", HARBOUR)
    commands = (
        FetchGroupInfo(os.urandom(32), "f"),
        Append(room=os.urandom(32), kind=EntryKind.COMMIT, entry=b"x", group_info=b"y", hub="l"),
    )

    for command in commands:
        with pytest.raises(ProblemError) as caught:
            await ana.call(command)
        assert caught.value.problem.code == "badRequest"

    assert not [task for task in asyncio.all_tasks() if task.get_name() in ("link to f", "link to l")]


# --- who is woken ---------------------------------------------------------------------------------------
HILLTOP, MEADOW = "hilltop.example", "meadow.example"
ROOM = bytes(32)
LOG = room_log(ROOM)


class Woken(Links):
    """Links that only note whom they would wake; one name is none that a link can be made to."""

    woken: list[str]

    @override
    def wake(self, node: str) -> None:
        if node == "nowhere":
            raise ProblemError(Problem("overloaded", "no link to nowhere"))
        self.woken.append(node)

    async def heard_of(self, *nodes: str) -> None:
        """Wait until these were woken, and nobody else; then forget."""
        await until(lambda: not set(self.woken) < set(nodes))
        assert set(self.woken) == set(nodes)
        self.woken.clear()


class Looked(SqliteStore):
    """A store that counts its readers."""

    looks = 0

    @override
    async def read(self, query: Callable[[ReadTx], T]) -> T:
        self.looks += 1
        return await super().read(query)


async def say(store: SqliteStore, kind: EntryKind, then: Callable[[Tx, Position], object]) -> None:
    """One more row of ROOM's log, and what is changed with it."""

    def unit(tx: Tx) -> None:
        head = logs.head(tx, LOG)
        at = Position(1, head.seq + 1)
        logs.append(tx, LOG, head, [LogRow(at, kind, 1, bytes(32), b"body", bytes(32))])
        then(tx, at)

    await store.write(unit)


async def test_members_are_read_after_a_commit_and_at_no_message(tmp_path: Path) -> None:
    """A lone message rings the nodes that the last commit left in the room, without a look at the disk."""
    bus, tail = LocalBus(), Tail()
    store = await Looked.open(tmp_path / "node.db", STEPS, Publisher(bus, tail))
    assert isinstance(store, Looked)
    await store.write(lambda tx: rooms.insert(tx, StoredRoom(ROOM, HARBOUR, 0, b"")))
    links = Woken(HARBOUR, store, bus, Nobody(), NoCopies(), Limiter(), tail)
    links.woken = []
    await links.start()

    def add(*nodes: str) -> Callable[[Tx, Position], object]:
        return lambda tx, at: [rooms.add_node(tx, ROOM, node, at) for node in nodes]

    def nothing(_tx: Tx, _at: Position) -> None: ...

    await say(store, EntryKind.COMMIT, add("nowhere", HILLTOP, MEADOW))
    await links.heard_of(HILLTOP, MEADOW)
    looks = store.looks
    for _ in range(3):
        await say(store, EntryKind.MESSAGE, nothing)
        await links.heard_of(HILLTOP, MEADOW)
    assert store.looks == looks

    await say(store, EntryKind.COMMIT, lambda tx, at: rooms.end_nodes(tx, ROOM, [MEADOW], at))
    await links.heard_of(HILLTOP, MEADOW)  # its removal is for it
    await say(store, EntryKind.MESSAGE, nothing)
    await links.heard_of(HILLTOP)

    tail.clear()  # a cache may forget; then the store says who is there
    looks = store.looks
    bus.ring([Hint(LOG, START)])
    await links.heard_of(HILLTOP, MEADOW)
    assert store.looks == looks + 1
    await links.stop()
    await store.close()

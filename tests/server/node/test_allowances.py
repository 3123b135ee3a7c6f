"""What accounts and rooms may use, and what they are told when it is too much."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from yurt.node.allowances import FULL_RETRY_S, LOOK_S, MIB, Allowances
from yurt.node.config import NodeConfig
from yurt.node.dispatcher import Caller, Context, Dispatcher
from yurt.node.http.doors import decode_command
from yurt.node.limiter import COMMAND_RATE, Limiter
from yurt.node.store import logs, steps
from yurt.node.store.logs import NewRow
from yurt.node.store.sqlite import SqliteStore
from yurt.wire.account_commands import Logout
from yurt.wire.command import Done
from yurt.wire.frames import room_log
from yurt.wire.position import LogRow, Position
from yurt.wire.problems import Problem, ProblemError
from yurt.wire.registry import EntryKind

ROOM, OTHER = b"r" * 32, b"o" * 32
ANA, BO = "did:key:zAna", "did:key:zBo"
KIB = 1024


class Wall:
    """A clock that the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "node.db", steps.STEPS)
    yield opened
    await opened.close()


def allowances(store: SqliteStore, wall: Wall, **settings: float) -> Allowances:
    unlimited: dict[str, float] = {"messages_per_s": 0, "account_mib_per_day": 0, "room_mib": 0}
    config = NodeConfig("harbour.example", **(unlimited | settings))  # type: ignore[arg-type]  # whole numbers  # pyright: ignore[reportArgumentType]
    return Allowances(config, store, Limiter(wall), wall)


async def refused(allowed: Allowances, room: bytes, did: str, kind: int, size: int) -> Problem:
    with pytest.raises(ProblemError) as error:
        await allowed.admit(room, did, kind, size)
    return error.value.problem


async def keep(store: SqliteStore, room: bytes, size: int) -> None:
    body = bytes(size)
    row = NewRow(EntryKind.MESSAGE, 0, hashlib.sha256(body).digest(), body)
    await store.write(lambda tx: logs.post(tx, room_log(room), row))


async def test_a_burst_and_then_a_few_each_second(store: SqliteStore) -> None:
    """Thirty at once, then five a second, for each person by themselves, in whatever room."""
    wall = Wall()
    allowed = allowances(store, wall, messages_per_s=5.0)

    for number in range(30):
        await allowed.admit((ROOM, OTHER)[number % 2], ANA, EntryKind.MESSAGE, 100)
    problem = await refused(allowed, ROOM, ANA, EntryKind.MESSAGE, 100)
    await allowed.admit(ROOM, BO, EntryKind.MESSAGE, 100)

    assert (problem.code, problem.kind.status, problem.detail["rule"]) == ("tooMany", 429, "tooOften")
    assert problem.retry_after == pytest.approx(0.2)  # pyright: ignore[reportUnknownMemberType]  # pytest's
    wall.now += 0.21
    await allowed.admit(ROOM, ANA, EntryKind.MESSAGE, 100)


async def test_a_day_has_so_many_bytes(store: SqliteStore) -> None:
    """Few large entries are as much as many small ones."""
    wall = Wall()
    allowed = allowances(store, wall, account_mib_per_day=1)

    for _ in range(16):
        await allowed.admit(ROOM, ANA, EntryKind.MESSAGE, 64 * KIB)
    problem = await refused(allowed, ROOM, ANA, EntryKind.MESSAGE, 64 * KIB)

    assert problem.detail["rule"] == "accountDay"
    wall.now += (problem.retry_after or 0) + 0.01
    await allowed.admit(ROOM, ANA, EntryKind.MESSAGE, 64 * KIB)


async def test_a_full_room_takes_commits_only(store: SqliteStore) -> None:
    """People can still be removed from it; what is erased makes room; other rooms go on."""
    wall = Wall()
    allowed = allowances(store, wall, room_mib=1)
    await keep(store, ROOM, MIB - 64 * KIB)

    await allowed.admit(ROOM, ANA, EntryKind.MESSAGE, 64 * KIB)
    allowed.taken(ROOM, 64 * KIB)
    problem = await refused(allowed, ROOM, BO, EntryKind.MESSAGE, 1)
    await allowed.admit(ROOM, BO, EntryKind.COMMIT, 64 * KIB)
    await allowed.admit(OTHER, BO, EntryKind.MESSAGE, 64 * KIB)

    assert (problem.detail["rule"], problem.retry_after) == ("roomFull", FULL_RETRY_S)
    head = await store.read(lambda tx: logs.head(tx, room_log(ROOM)))
    await store.write(lambda tx: logs.erase(tx, room_log(ROOM), head))
    assert (await refused(allowed, ROOM, BO, EntryKind.MESSAGE, 1)).detail["rule"] == "roomFull"
    wall.now += LOOK_S + 1
    await allowed.admit(ROOM, BO, EntryKind.MESSAGE, 64 * KIB)


async def test_commands_of_one_account_are_counted_whatever_carries_them() -> None:
    """Signed in is not unlimited; others are not touched."""

    async def leave(context: Context, command: Logout) -> Done:  # noqa: ARG001  # a handler's shape
        return Done()

    wall = Wall()
    dispatcher = Dispatcher({"logout": leave}, Limiter(wall))
    ana, bo = (Context("", Caller(name, "", "", b"")) for name in ("ana", "bo"))

    for _ in range(COMMAND_RATE.burst):
        await dispatcher.call(ana, "logout", b"{}", decode_command)

    with pytest.raises(ProblemError, match="tooMany"):
        await dispatcher.call(ana, "logout", b"{}", decode_command)
    await dispatcher.call(bo, "logout", b"{}", decode_command)


async def test_a_copy_takes_what_fits(store: SqliteStore) -> None:
    """Of a batch of a foreign hub the first rows that fit; commits have a quarter more."""
    wall = Wall()
    allowed, unlimited = allowances(store, wall, room_mib=1), allowances(store, wall)
    await keep(store, ROOM, MIB - 100 * KIB)

    def row(seq: int, kind: int, size: int) -> LogRow:
        return LogRow(Position(1, seq), kind, 0, b"hash", bytes(size))

    messages = [row(seq, EntryKind.MESSAGE, 60 * KIB) for seq in (1, 2, 3)]
    commits = [row(seq, EntryKind.COMMIT, 200 * KIB) for seq in (1, 2)]

    assert await allowed.fitting(ROOM, messages) == 1
    assert await allowed.fitting(ROOM, commits) == 1
    assert await allowed.fitting(OTHER, messages) == 3
    assert await unlimited.fitting(ROOM, messages) == 3

"""Hard days: a full disk, a power cut in a migration, a backup under load, connections that are no guests.

Nothing here asserts how long something takes; `python -m yurt.lab.bench.hostile` measures it.
"""

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import AsyncExitStack, closing, suppress
from pathlib import Path

import pytest
from aiohttp import WSMsgType

from yurt.node.admin.backup import back_up
from yurt.node.admin.restore import restore_node
from yurt.node.clock import SystemClock
from yurt.node.config import NodeConfig
from yurt.node.http.guard import HEADER_S
from yurt.node.limiter import Rate
from yurt.node.store.steps import STEPS
from yurt.node.store.types import Tx
from yurt.node.streams.door import STREAM_PATH
from yurt.node.streams.testing import Client as StreamClient
from yurt.node.testing import PATIENCE_S, Client, Town
from yurt.wire.people_commands import Followers
from yurt.wire.post_commands import Post
from yurt.wire.problems import ProblemError

HARBOUR = "harbour.example"
CLOCK = SystemClock()
LARGE = "x" * 4_000
HOSTILE = 300


async def pages(town: Town, more: int) -> None:
    """Let the database grow by so many pages and no further, as a full disk would."""

    def limit(tx: Tx) -> None:
        tx.rows(f"PRAGMA max_page_count = {int(str(tx.rows('PRAGMA page_count')[0][0])) + more}")

    await town.nodes[HARBOUR].store.write(limit)


async def fill(ana: Client) -> tuple[int, ProblemError]:
    """Post until the node says that it cannot; how many it took, and what it said."""
    for number in range(1_000):
        try:
            await ana.call(Post(text=f"{number} {LARGE}", visibility="public"))
        except ProblemError as error:
            return number, error
    raise AssertionError("the disk is never full")


async def shown(town: Town) -> int:
    """How many public posts the node shows."""
    async with town.session.get(f"https://{HARBOUR}/users/ana/outbox") as answer:
        assert answer.status == 200
        return int(json.loads(await answer.read())["totalItems"])


async def test_a_full_disk_stops_writing_only(harbour: Town) -> None:
    """Writes say 507 and when to come back, reads go on, and what was accepted is there, also afterwards."""
    ana = await harbour.join("ana", HARBOUR)
    await pages(harbour, 20)

    taken, said = await fill(ana)
    async with harbour.session.get(f"https://{HARBOUR}/healthz") as health:
        healthy = health.status
    await ana.call(Followers())
    while_full = await shown(harbour)
    await pages(harbour, 100_000)
    await ana.call(Post(text="there is room again", visibility="public"))
    await harbour.stop(HARBOUR)
    await harbour.start(HARBOUR)

    assert (said.problem.code, said.problem.kind.status) == ("diskFull", 507)
    assert said.problem.retry_after
    assert healthy == 200
    assert while_full == taken > 0
    assert await shown(harbour) == taken + 1


KILLED_AT_EACH_STEP = """
import os, shutil, signal, sys
from dataclasses import replace
from pathlib import Path
from yurt.node.store.schema import prepare
from yurt.node.store.steps import STEPS

folder, first = Path(sys.argv[1]), int(sys.argv[2])
old = folder / "old.db"
if first:
    prepare(old, STEPS[:first])
for number in range(first, len(STEPS)):
    path = folder / f"{number}.db"
    if first:
        shutil.copy(old, path)

    def die(db, apply=STEPS[number].apply):
        apply(db)
        os.kill(os.getpid(), signal.SIGKILL)

    steps = [*STEPS[:number], replace(STEPS[number], apply=die), *STEPS[number + 1:]]
    child = os.fork()
    if not child:
        prepare(path, steps)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), number
    prepare(path, STEPS)
"""


def schema_of(path: Path) -> set[tuple[str, ...]]:
    """Everything that a database is made of; it must be whole."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        names = connection.execute("SELECT name FROM _sqlite_migrations ORDER BY id").fetchall()
        assert [row[0] for row in names] == [step.name for step in STEPS]
        return set(connection.execute("SELECT type, name, sql FROM sqlite_schema").fetchall())


@pytest.mark.parametrize("first", [pytest.param(0, marks=pytest.mark.long), len(STEPS) * 2 // 3])
def test_a_migration_that_is_killed_at_any_step_goes_on(tmp_path: Path, first: int) -> None:
    """Whatever step the power cut falls into, of a new database or an old one, the next start goes on."""
    ended = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", KILLED_AT_EACH_STEP, str(tmp_path), str(first)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    schemas = [schema_of(tmp_path / f"{number}.db") for number in range(first, len(STEPS))]
    assert all(schema == schemas[0] for schema in schemas)
    copies = sorted(tmp_path.glob("*.before-*"))
    assert len(copies) >= len(STEPS) - max(first, 1)  # an older database is copied before anything is done


async def test_a_backup_under_load_comes_back(
    harbour: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Posts go on while it is written; what had its answer before is in it, and the copy is whole."""
    monkeypatch.setattr("yurt.node.people.posting.POST_RATE", Rate(10**6, 1e-6))
    monkeypatch.setattr("yurt.node.dispatcher.COMMAND_RATE", Rate(10**6, 1e-6))
    ana = await harbour.join("ana", HARBOUR)
    data, file, done = harbour.folder / HARBOUR, tmp_path / "backup.tar", asyncio.Event()
    answered, busy = 0, asyncio.Event()

    async def load() -> None:
        nonlocal answered
        while not done.is_set():
            await ana.call(Post(text=f"{answered} {LARGE}", visibility="public"))
            answered += 1
            if answered >= 20:
                busy.set()

    loads = [asyncio.create_task(load()) for _ in range(4)]
    await busy.wait()
    before = answered
    await back_up(data, CLOCK, file)
    after = answered
    done.set()
    await asyncio.gather(*loads)
    await harbour.stop(HARBOUR)
    shutil.move(data, tmp_path / "lost")
    await restore_node(file, data, CLOCK)
    await harbour.start(HARBOUR)

    await ana.call(Followers())
    assert before <= await shown(harbour) <= after + len(loads)
    with closing(sqlite3.connect(data / "node.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.fixture
async def plain(harbour: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """The harbour without TLS, as behind a proxy; slow connections are ended when a test says so."""
    monkeypatch.setattr("yurt.node.http.guard._SWEEP_S", 3600.0)
    await harbour.stop(HARBOUR)
    config = NodeConfig(HARBOUR, harbour.listen(HARBOUR), plain=True, messages_per_s=0)
    await harbour.start(HARBOUR, config)
    return harbour


async def knock(plain: Town) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection and say nothing yet."""
    host, _, port = plain.listen(HARBOUR).rpartition(":")
    return await asyncio.open_connection(host, int(port))


BEGINNINGS = (
    b"",
    b"G",
    b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ",
    b"POST /inbox HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nx",
    b"GET /api/v1/stream HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    b"\x16\x03\x01\x02\x00\x01",
)


async def test_three_hundred_who_only_hold_on_to_the_door(plain: Town) -> None:
    """Silent, slow and broken connections keep no guest out, and are put out when their time is over."""
    guard, healthz = plain.nodes[HARBOUR].guard, f"http://{plain.listen(HARBOUR)}/healthz"
    async with AsyncExitStack() as stack:
        hostile: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        for number in range(HOSTILE):
            reader, writer = await knock(plain)
            stack.callback(writer.transport.abort)
            writer.write(BEGINNINGS[number % len(BEGINNINGS)])
            hostile.append((reader, writer))
        for _ in range(20):
            async with plain.session.get(healthz) as answer:
                assert answer.status == 200

        ended = guard.sweep(asyncio.get_running_loop().time() + HEADER_S + 1)

        # Whoever sends a body slowly has until the body's own deadline; broken ones were answered and ended.
        assert ended >= HOSTILE * 3 // len(BEGINNINGS)
        for reader, _ in hostile[:3]:
            with suppress(ConnectionError):
                assert await reader.read() == b""
        async with plain.session.get(healthz) as answer:
            assert answer.status == 200


async def test_who_closes_one_half_gets_the_other(plain: Town) -> None:
    """A request whose sender says nothing more (FIN) is answered; then the connection ends on both sides."""
    reader, writer = await knock(plain)

    writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    writer.write_eof()
    async with asyncio.timeout(PATIENCE_S):
        said = await reader.read()

    assert said.startswith(b"HTTP/1.1 200") or said == b""
    writer.close()


async def test_a_stream_whose_other_end_is_gone_is_noticed(
    harbour: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No FIN, no pong: the ping finds out, and the stream's place is free again."""
    monkeypatch.setattr("yurt.node.streams.door.PING_S", 0.2)
    ana = await harbour.join("ana", HARBOUR)
    url = f"https://{HARBOUR}{STREAM_PATH}"

    async with harbour.session.ws_connect(url, autoping=False, heartbeat=None) as ws:
        await StreamClient(ws).hello(ana.token)
        async with asyncio.timeout(PATIENCE_S):
            while (message := await ws.receive()).type in {WSMsgType.PING, WSMsgType.BINARY}:
                pass

    assert message.type in {WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING, WSMsgType.ERROR}

"""Scene: what goes out. A post to a thousand followers, also with dead hosts and tar pits; many deliveries.

Ana is followed on a hundred hosts that live, Bo also on twenty that are dead and five that take a request and
never answer. In each round the node begins anew with what it knew of hosts forgotten: Ana posts, to open the
connections and to be measured, then Bo, who meets the bad hosts for the first time, and Bo again, as soon as
each of them has been tried.
"""

import asyncio
import contextlib
import sqlite3
import time
from pathlib import Path
from statistics import linear_regression, median
from typing import Final

import msgspec

from yurt.lab.bench import fedi_node
from yurt.lab.bench.fedi_node import FediNode
from yurt.lab.bench.figures import Book
from yurt.lab.bench.machine import cpu_s, pin, rss_mb
from yurt.lab.bench.setting import SERVER_CORE, Setting

ALIVE: Final = [f"p{number}.example" for number in range(100)]
DEAD: Final = [f"dead{number}.example" for number in range(20)]
TAR: Final = [f"tar{number}.example" for number in range(5)]
PER_HOST: Final = 10
ROUNDS: Final = 7
DELIVERIES: Final = 100_000
_LOOKS: Final = 40
_LOOK_S: Final = 0.02
_PATIENCE_S: Final = 60.0
_FORGET: Final = (
    "DELETE FROM delivery",
    "UPDATE host SET failures = 0, paused_until = 0, failed_days = '', is_dead = 0",
)


async def measure(setting: Setting, book: Book) -> None:
    """Post, with hosts that are well, and with bad ones beside."""
    async with fedi_node.opened(setting.folder, [*ALIVE, *DEAD, *TAR], ("ana", "bo")) as node:
        book.note("follows", PER_HOST * len(ALIVE) / await node.follow("ana", _people(ALIVE)))
        await node.follow("bo", _people([*ALIVE, *DEAD, *TAR]))
        for host in DEAD:
            await node.street.kill(host)
        node.street.tar_pits |= set(TAR)
        for _ in range(2 if setting.quick else ROUNDS):
            await _round(node, book)


async def measure_many(setting: Setting, book: Book) -> None:
    """Boost and take it back, again and again: what a node uses after a quarter is enough for ever."""
    book.quick = not setting.full
    deliveries = DELIVERIES if setting.full else setting.less(DELIVERIES) // 4
    async with fedi_node.opened(setting.folder, ALIVE) as node:
        await node.follow("ana", _people(ALIVE, each=1))
        answer = await node.call("ana", "post", {"text": "Sun", "visibility": "public"})
        post = str(msgspec.json.decode(answer)["id"])
        await asyncio.sleep(3)
        boosts, memory = deliveries // len(ALIVE), list[tuple[int, float]]()
        used, began = cpu_s(node.process.pid), time.perf_counter()
        for number in range(boosts):
            await _sent(node, "ana", "boost", {"post": post, "undo": number % 2 == 1})
            if number % (boosts // _LOOKS) == 0:
                memory.append((number, rss_mb(node.process.pid)))
        took = time.perf_counter() - began
        late = memory[len(memory) // 4 :]
        slope = linear_regression([at for at, _ in late], [mb for _, mb in late]).slope
        book.note("deliveries", deliveries / took)
        book.note("delivery-cpu", (cpu_s(node.process.pid) - used) / deliveries * 1e6)
        book.note("delivery-memory", slope * (late[-1][0] - late[0][0]))


def _people(hosts: list[str], each: int = PER_HOST) -> list[str]:
    return [f"https://{host}/users/f{number}" for number in range(each) for host in hosts]


async def _round(node: FediNode, book: Book) -> None:
    await _forget(node)
    await _post(node, "ana")
    before = cpu_s(node.process.pid)
    quiet = [await _post(node, "ana") for _ in range(3)]
    book.note("post-cpu", (cpu_s(node.process.pid) - before) * 1000 / 3)
    book.note("post", median(quiet))
    book.note("post-first", 100 * (await _post(node, "bo") / median(quiet) - 1))
    await _tried(node)
    book.note("post-again", 100 * (await _post(node, "bo") / median(quiet) - 1))


async def _forget(node: FediNode) -> None:
    """Let the node begin anew, with an empty queue, and with nothing against any host."""
    await node.process.stop()
    with contextlib.closing(sqlite3.connect(_database(node))) as base, base:
        for change in _FORGET:
            base.execute(change)
    node.street.held.clear()
    await node.process.start()
    pin(node.process.pid, SERVER_CORE)


async def _tried(node: FediNode) -> None:
    """Wait until the node knows of every bad host that it is one."""
    async with asyncio.timeout(_PATIENCE_S):
        await node.street.wait_for_pits()
        while await asyncio.to_thread(_count_failing, node) < len(DEAD):  # noqa: ASYNC110  # another process
            await asyncio.sleep(_LOOK_S)


def _count_failing(node: FediNode) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{_database(node)}?mode=ro", uri=True)) as base:
        (count,) = base.execute("SELECT count(*) FROM host WHERE failures > 0").fetchone()
    return int(count)


def _database(node: FediNode) -> Path:
    (file,) = node.process.data.glob("*.db")
    return file


async def _post(node: FediNode, who: str) -> float:
    """Post for followers; the seconds until each host that lives has it."""
    return await _sent(node, who, "post", {"text": "Fog over the harbour"})


async def _sent(node: FediNode, who: str, name: str, values: dict[str, object]) -> float:
    node.street.arrived.clear()
    began = time.perf_counter()
    await node.call(who, name, values)
    await node.street.wait_for(ALIVE, 1)
    return time.perf_counter() - began

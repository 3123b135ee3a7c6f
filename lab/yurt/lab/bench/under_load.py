"""Scene: a room with a hundred people and five hundred streams, and the bare broadcast beside it.

Both get the same load, one after the other, in each repetition: what the machine does meanwhile meets both.
Entries are opaque and of 256 bytes, all durable, the listener plain.
"""

import contextlib
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from yurt.lab.bench import load
from yurt.lab.bench.bare_target import BODY_SIZE, Bare
from yurt.lab.bench.figures import Book
from yurt.lab.bench.load import Target
from yurt.lab.bench.machine import pin
from yurt.lab.bench.node_target import NAME, Node
from yurt.lab.bench.setting import LOAD_CORE, SERVER_CORE, Setting
from yurt.lab.world.network import Network, free_endpoints

FEW: Final = 50
MANY: Final = 500
_PER_S: Final = 20
Values = dict[str, float]


async def measure(setting: Setting, book: Book) -> None:
    """Measure what is wanted, the bare server first in each repetition."""
    many = MANY if setting.wants("fan-out-500", "fan-out-500-cpu") else FEW
    bare = await Bare.start(free_endpoints(["bare.example"])["bare.example"], setting.folder / "bare")
    try:
        node = await Node.start(Network.make(setting.folder / "network", [NAME]), setting.folder, many)
        try:
            pin(0, LOAD_CORE)
            pin(bare.pid, SERVER_CORE)
            pin(node.pid, SERVER_CORE)
            bare_files, node_files = _Disk(bare.database), _Disk(next(node.process.data.glob("*.db")))
            bare_run, node_run = _Run(setting, bare, bare_files), _Run(setting, node, node_files)
            for _ in range(setting.times):
                of_bare, of_node = await bare_run.once(), await node_run.once()
                for name, value in of_node.items():
                    book.note(name, value, of_bare[name])
        finally:
            await node.process.close()
    finally:
        await bare.stop()


class _Disk:
    """What a database takes."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def used(self) -> int:
        """Bytes of its pages in use, its log of changes folded in."""
        with contextlib.closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)) as base:
            size, pages, free = (
                int(base.execute(f"PRAGMA {what}").fetchone()[0])
                for what in ("page_size", "page_count", "freelist_count")
            )
        return (pages - free) * size


class _Run:
    """One server through all repetitions."""

    def __init__(self, setting: Setting, target: Target, disk: _Disk) -> None:
        self._setting = setting
        self._target = target
        self._disk = disk
        self._sent = 0
        """Entries that are in its log."""

    async def once(self) -> Values:
        """Measure each wanted row once."""
        found: Values = {}
        steps: tuple[tuple[tuple[str, ...], Callable[[], Awaitable[Values]]], ...] = (
            (("fan-out-50", "fan-out-50-cpu"), self._few),
            (("fan-out-500", "fan-out-500-cpu"), self._many),
            (("latency-p50", "latency-p99"), self._latency),
            (("durable", "durable-cpu", "disk", "history", "history-cpu"), self._durable),
            (("history", "history-cpu"), self._history),
        )
        for rows, step in steps:
            if self._setting.wants(*rows):
                found |= await step()
        return found

    async def _few(self) -> Values:
        return await self._fan_out("fan-out-50", FEW, 4_000)

    async def _many(self) -> Values:
        return await self._fan_out("fan-out-500", MANY, 1_000)

    async def _fan_out(self, name: str, listeners: int, full: int) -> Values:
        messages = self._setting.less(full)
        self._sent += messages
        burst = await load.fan_out(self._target, listeners, messages)
        return {name: burst.deliveries_per_s, f"{name}-cpu": burst.cpu_us_per_delivery}

    async def _latency(self) -> Values:
        messages = self._setting.less(200)
        self._sent += messages
        latency = await load.steady(self._target, FEW, per_s=_PER_S, messages=messages)
        return {"latency-p50": latency.p50_ms, "latency-p99": latency.p99_ms}

    async def _durable(self) -> Values:
        messages, before = self._setting.less(20_000), self._disk.used()
        self._sent += messages
        rate = await load.accepted(self._target, messages)
        each = (self._disk.used() - before) / messages - BODY_SIZE
        return {"durable": rate.per_s, "durable-cpu": rate.cpu_us, "disk": each}

    async def _history(self) -> Values:
        rate = await load.history(self._target, self._sent)
        return {"history": rate.per_s, "history-cpu": rate.cpu_us}

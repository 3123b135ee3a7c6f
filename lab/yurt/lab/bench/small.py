"""Scene: one process. How fast a node starts, what it needs when nothing happens, what `--help` costs."""

import asyncio
import resource
import subprocess
import sys
import time
from typing import Final

from yurt.lab.bench.bare_target import Bare
from yurt.lab.bench.figures import Book
from yurt.lab.bench.machine import cpu_s, rss_mb
from yurt.lab.bench.setting import Setting
from yurt.lab.world.network import Network, free_endpoints
from yurt.lab.world.process import NodeProcess

_HELP: Final = (
    sys.executable,
    "-c",
    "import sys; from yurt.cli.main import main; sys.exit(main(['--help']))",
)
_SETTLE_S: Final = 2.0
_NAME: Final = "idle.example"


async def measure(setting: Setting, book: Book) -> None:
    """Start a node again and again, and look at it when it has nothing to do."""
    folder = setting.folder / "process"
    network = Network.make(folder / "network", [_NAME])
    network.write_map(_NAME)
    node = NodeProcess(_NAME, network, folder / _NAME)
    await node.init()
    try:
        await node.start()  # the first one makes keys and tables
        for turn in range(setting.times):
            bare = await Bare.start(free_endpoints(["bare.example"])["bare.example"], folder / f"bare{turn}")
            try:
                bare_cpu = cpu_s(bare.pid)
                book.note("cold-start", await node.restart(), bare.took_s)
                book.note("cold-start-cpu", cpu_s(node.pid), bare_cpu)
                await asyncio.sleep(_SETTLE_S)
                book.note("idle-memory", rss_mb(node.pid), rss_mb(bare.pid))
            finally:
                await bare.stop()
            await asyncio.to_thread(_help, book)
    finally:
        await node.close()


def _help(book: Book) -> None:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(_HELP, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  # our own interpreter
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    book.note("help", took * 1000)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    book.note("help-cpu", cpu * 1000)

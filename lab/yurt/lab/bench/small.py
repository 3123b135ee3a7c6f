"""Figures of one process: how fast a node starts, what it needs when nothing happens, what `--help` costs."""

import asyncio
import resource
import subprocess
import sys
from dataclasses import dataclass
from typing import Final

from yurt.lab.bench.machine import rss_mb
from yurt.lab.world.process import NodeProcess

_HELP: Final = (
    sys.executable,
    "-c",
    "import sys; from yurt.cli.main import main; sys.exit(main(['--help']))",
)
_SETTLE_S: Final = 2.0
_TIMES: Final = 5


@dataclass(frozen=True, slots=True)
class Idle:
    """A node on which nobody lives."""

    cold_start_s: float
    """From starting the process to its first answer; the median of five."""
    rss_mb: float


async def idle_node(process: NodeProcess) -> Idle:
    """Start a node again and again; then look at it when it has nothing to do."""
    taken = sorted([await process.restart() for _ in range(_TIMES)])
    await asyncio.sleep(_SETTLE_S)
    return Idle(taken[_TIMES // 2], rss_mb(process.pid))


def help_cpu_ms() -> float:
    """CPU milliseconds of `yurt --help`; the median of five."""
    return sorted(_cpu_ms_of(_HELP) for _ in range(_TIMES))[_TIMES // 2]


def _cpu_ms_of(command: tuple[str, ...]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  # our own interpreter
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1000

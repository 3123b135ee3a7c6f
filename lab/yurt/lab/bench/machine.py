"""What the machine says about a process and about itself."""

import os
import platform
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_BLOCK: Final = bytes(4096)


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def rss_mb(pid: int) -> float:
    """Resident memory of a process, MB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"process {pid} has no VmRSS")


@dataclass(frozen=True, slots=True)
class State:
    """What else the machine does while it is measured."""

    load: float
    """Processes that run or want to, over the last minute."""
    steal: float
    """Part of the time that the hypervisor gave to others since the machine started."""

    @classmethod
    def now(cls) -> "State":
        """Look."""
        ticks = [
            int(one) for one in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
        ]
        return cls(os.getloadavg()[0], ticks[7] / sum(ticks))


def described() -> Mapping[str, str]:
    """What machine this is."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")
    return {
        "processor": model,
        "cores": str(os.cpu_count()),
        "kernel": platform.release(),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
    }


def pin(pid: int, core: int) -> None:
    """Keep a process on one core, if the machine has several."""
    cores = sorted(os.sched_getaffinity(0) if pid == 0 else os.sched_getaffinity(pid))
    if len(cores) > 1:
        os.sched_setaffinity(pid, {cores[core % len(cores)]})


def unpin() -> None:
    """Let this process, and what it starts, run on every core again."""
    os.sched_setaffinity(0, range(os.cpu_count() or 1))


def fsync_p99_ms(folder: Path, times: int = 300) -> float:
    """Append 4 KiB and fsync, again and again; return the 99th percentile in milliseconds."""
    taken: list[float] = []
    with (folder / "fsync").open("wb") as file:
        for _ in range(times):
            began = time.perf_counter()
            file.write(_BLOCK)
            file.flush()
            os.fsync(file.fileno())
            taken.append((time.perf_counter() - began) * 1000)
    return percentile(taken, 99)


def percentile(values: list[float], which: float) -> float:
    """The value below which `which` percent of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * which / 100))]

"""Where and with what a scenario was played: what somebody needs to play it again, and to doubt a figure."""

import hashlib
import os
import platform
import sqlite3
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

from yurt.lab.migration.population import plan
from yurt.lab.migration.scenario import Scenario

_DISTRIBUTIONS: Final = ("yurt", "networkx", "matplotlib", "cryptography", "aiohttp", "msgspec")
_MEMORY: Final = Path("/proc/meminfo")
_KIB: Final = 1024


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What a scenario was played on. Times are this machine's; nothing else should depend on it."""

    system: str
    processor: str
    cores: int
    memory_mib: int
    """0 where the system does not say."""
    load: tuple[float, float]
    """Processes that wanted to run, mean of a minute (`os.getloadavg`): at the beginning and at the end."""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """All that led to a result, but for chance within the machine."""

    played: Scenario
    """As it was played: with ``--small`` not as the file has it."""
    scenario_sha256: str
    """Of `played`, as canonical JSON."""
    plan_sha256: str
    """Of the plan: who lives where, who knows whom, what happens; the same for the same scenario."""
    versions: dict[str, str]
    machine: Machine
    began: str
    """RFC 3339, UTC."""


def setting(scenario: Scenario, began_load: float, began: datetime) -> Setting:
    """Write down where a scenario was played, at its end.

    Args:
        scenario: As it was played.
        began_load: `load` at the beginning.
        began: When that was.
    """
    return Setting(
        played=scenario,
        scenario_sha256=hashlib.sha256(canonical(scenario)).hexdigest(),
        plan_sha256=hashlib.sha256(plan(scenario)).hexdigest(),
        versions=versions(),
        machine=Machine(
            system=platform.platform(),
            processor=platform.machine(),
            cores=os.cpu_count() or 0,
            memory_mib=_memory_mib(),
            load=(began_load, load()),
        ),
        began=began.isoformat(timespec="seconds"),
    )


def canonical(scenario: Scenario) -> bytes:
    """Write a scenario so that the same one is the same bytes, defaults written out."""
    return msgspec.json.encode(scenario, order="deterministic")


def versions() -> dict[str, str]:
    """Name the releases of what plays and computes."""
    found = {name: version(name) for name in _DISTRIBUTIONS}
    return found | {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}


def load() -> float:
    """How many processes want to run, as a mean of the last minute."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0


def now() -> datetime:
    """The time, for the record only."""
    return datetime.fromtimestamp(time.time(), UTC)  # noqa: TID251  # when somebody measured


def _memory_mib() -> int:
    try:
        first = _MEMORY.read_text(encoding="ascii").splitlines()[0]
    except OSError:
        return 0
    return int(first.split()[1]) // _KIB

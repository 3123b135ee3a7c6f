"""What `doctor` finds, and that its codes stay."""

import sqlite3
from pathlib import Path

import pytest

from yurt.node import commands
from yurt.node.admin.doctor import Check, examine
from yurt.node.clock import SystemClock
from yurt.node.config import ConfigError, read_network
from yurt.node.testing import Town

HARBOUR, HILLTOP = "harbour.example", "hilltop.example"
CODES = [
    *("python", "sqlite", "modes", "disk", "wal", "certificate", "database", "backup", "queue"),
    *("restored", "listening", "front", "webfinger", "friend", "clock"),
]


def levels(checks: list[Check]) -> dict[str, str]:
    return {check.code: check.level for check in checks}


async def test_a_healthy_node_with_a_friend(town: Town) -> None:
    """Everything is looked at, and only the missing backup is pointed out."""
    network = read_network(town.places.map_file(HARBOUR))

    checks = await examine(town.folder / HARBOUR, SystemClock(), network, HILLTOP)

    assert [check.code for check in checks] == CODES
    wrong = {code: level for code, level in levels(checks).items() if level != "ok"}
    assert {code for code in wrong if code not in {"disk", "certificate"}} == {"backup"}


async def test_a_friend_who_sleeps_and_a_node_that_does_not_run(town: Town) -> None:
    """Each thing that is wrong has its own code; the others are still looked at."""
    network = read_network(town.places.map_file(HARBOUR))
    await town.stop(HILLTOP)
    await town.stop(HARBOUR)

    found = levels(await examine(town.folder / HARBOUR, SystemClock(), network, HILLTOP))

    assert {code for code, level in found.items() if level == "fail"} == {"listening", "front", "friend"}
    with pytest.raises(ConfigError, match="no node"):
        await examine(town.folder / HARBOUR, SystemClock(), network, "http://x/")


def test_open_keys_and_a_newer_database(tmp_path: Path) -> None:
    """Files that others may read, and a database of another release, are failures."""
    data = tmp_path / "node"
    commands.init(HARBOUR, data, listen=f"unix:{tmp_path}/socket", plain=True)
    (data / "keys" / "actor-rsa.pem").chmod(0o644)
    with sqlite3.connect(data / "node.db") as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
            "VALUES ('yurt.node', '9999-x', '')"
        )
    connection.close()

    found = levels(commands.doctor(data))

    assert (found["modes"], found["database"], found["listening"]) == ("fail", "fail", "fail")
    assert (found["friend"], found["certificate"]) == ("skip", "skip")

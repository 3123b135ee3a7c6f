"""What `doctor` finds, and that its codes stay."""

import re
import shutil
import sqlite3
from pathlib import Path

import msgspec
import pytest

from yurt.node import commands
from yurt.node.admin.check import Check
from yurt.node.admin.doctor import examine
from yurt.node.admin.init import init_node
from yurt.node.clock import SystemClock
from yurt.node.config import ConfigError, NodeConfig, load, read_network
from yurt.node.fetch import SafeFetch
from yurt.node.ids import node_actor
from yurt.node.keys import NodeKeys
from yurt.node.peers.exchange_client import ExchangeClient
from yurt.node.peers.looking import LOOK_RATE
from yurt.node.testing import Town
from yurt.wire.exchange import Ask, AskAnswer, ExchangeRequest
from yurt.wire.look import LOOK, Look, Looked

HARBOUR, HILLTOP = "harbour.example", "hilltop.example"
CODES = [
    *("python", "sqlite", "modes", "disk", "wal", "certificate", "database", "backup", "queue"),
    *("restored", "rooms", "listening", "dns", "ports", "front", "webfinger", "friend", "reach", "clock"),
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


async def ask_to_look(town: Town, actor: str) -> AskAnswer:
    """Harbour asks hilltop to look at an actor's node."""
    fetch = SafeFetch(read_network(town.places.map_file(HARBOUR)))
    client = ExchangeClient(HARBOUR, NodeKeys(town.folder / HARBOUR), SystemClock(), fetch)
    ask = Ask(bytes(16), actor, LOOK, msgspec.msgpack.encode(Look()))
    (answer,) = (await client.exchange(HILLTOP, ExchangeRequest(asks=(ask,)))).asks
    await fetch.close()
    return answer


async def test_a_friend_looks_only_at_who_asks_and_not_often(town: Town) -> None:
    """Nobody can send a friend anywhere else, or keep it busy."""
    own = node_actor(HARBOUR)

    elsewhere = [
        await ask_to_look(town, actor)
        for actor in (node_actor(HILLTOP), "https://127.0.0.1/actor", "https://x.example/users/a", "", "x")
    ]
    looked = [await ask_to_look(town, own) for _ in range(LOOK_RATE.burst + 1)]

    assert [bool(answer.problem) and not answer.answer for answer in elsewhere] == [True] * 5
    found = [msgspec.msgpack.decode(one.answer, type=Looked) for one in looked[:-1]]
    ours = NodeKeys(town.folder / HARBOUR).ed25519.public_key().public_bytes_raw()
    assert [(one.status, one.key) for one in found] == [(200, ours)] * LOOK_RATE.burst
    assert looked[-1].problem is not None
    assert looked[-1].problem.code == "tooMany"


async def test_a_friend_sees_what_the_house_itself_does_not(town: Town) -> None:
    """A front that is down, and somebody else who answers under our name: `reach` says so."""
    data, network = town.folder / HARBOUR, read_network(town.places.map_file(HARBOUR))
    await examine(data, SystemClock(), network, HILLTOP)  # hilltop remembers our key
    await town.stop(HARBOUR)

    down = {check.code: check for check in await examine(data, SystemClock(), network, HILLTOP)}
    shutil.move(data, town.folder / "ours")
    init_node(data, load(town.folder / "ours"))  # somebody else's node, under our name
    await town.start(HARBOUR)
    ours = {
        check.code: check for check in await examine(town.folder / "ours", SystemClock(), network, HILLTOP)
    }

    assert (down["friend"].level, down["reach"].level) == ("ok", "fail")
    assert "cannot be reached" in down["reach"].message
    assert (ours["front"].level, ours["reach"].level) == ("fail", "fail")
    assert "another node" in ours["reach"].message


async def test_a_name_without_an_address(tmp_path: Path) -> None:
    """DNS has its own code; what needs it is skipped, not failed twice."""
    data = tmp_path / "node"
    init_node(data, NodeConfig("nowhere.invalid", plain=True))

    found = levels(await examine(data, SystemClock(), None))

    assert (found["dns"], found["ports"], found["front"], found["webfinger"]) == (
        "fail",
        "skip",
        "fail",
        "skip",
    )


def test_every_check_is_explained() -> None:
    """The page of the first day names each code, and no other."""
    page = (Path(__file__).parents[3] / "docs" / "first-day.md").read_text(encoding="utf-8")
    table = page[page.index("| code | looks at |") : page.index("For a watchdog")]
    firsts = [line.split("|")[1] for line in table.splitlines()[2:] if line.startswith("|")]
    named = [code for first in firsts for code in re.findall("`([a-z]+)`", first)]

    assert sorted(named) == sorted(CODES)

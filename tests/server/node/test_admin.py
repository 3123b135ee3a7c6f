"""Making a node: complete or not at all, with files that only its user reads."""

import sqlite3
import stat
from pathlib import Path

import msgspec
import pytest

from yurt.node import commands
from yurt.node.clock import SystemClock
from yurt.node.commands import NodeCommandError
from yurt.node.config import ConfigError, NodeConfig, check, load, render
from yurt.wire.problems import EXIT_USAGE, EXIT_VERSION


def test_a_new_node_is_private(tmp_path: Path) -> None:
    """The data directory is 0700, every file in it 0600, and the configuration reads back."""
    data = tmp_path / "node"

    config = commands.init("harbour.example", data, listen="127.0.0.1:7000")

    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    files = [path for path in data.rglob("*") if path.is_file()]
    assert {"node.toml", "node.db", "actor-rsa.pem", "actor-ed25519.pem"} <= {path.name for path in files}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert load(data) == config
    assert [path.name for path in tmp_path.iterdir()] == ["node"]


def test_a_node_is_not_made_over_another(tmp_path: Path) -> None:
    """A directory that holds something is left as it is."""
    data = tmp_path / "node"
    commands.init("harbour.example", data)
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}

    with pytest.raises(NodeCommandError, match="not empty") as refused:
        commands.init("harbour.example", data)

    assert refused.value.exit_code == EXIT_USAGE
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("domain", ["", "Harbour.example", "harbour", "a..b", "a.b:443", "127.0.0.1", "-a.b"])
def test_a_node_is_named_by_a_domain(tmp_path: Path, domain: str) -> None:
    """What is no lower-case domain makes nothing."""
    with pytest.raises(NodeCommandError):
        commands.init(domain, tmp_path / "node")

    assert list(tmp_path.iterdir()) == []


def test_contradictions_are_named() -> None:
    """Each way to write the configuration wrong has a line that says what to change."""
    good = NodeConfig("harbour.example", "127.0.0.1:7443", plain=True)
    replace = msgspec.structs.replace
    wrong = [
        replace(good, plain=False),
        replace(good, tls_cert="cert.pem"),
        replace(good, listen="0.0.0.0:7443"),
        replace(good, listen="127.0.0.1"),
        replace(good, listen="127.0.0.1:0"),
        replace(good, listen="localhost:7443"),
        replace(good, domain="Harbour"),
    ]

    assert check(good) == good
    assert check(replace(good, listen="unix:/run/yurt.sock")).unix_path == "/run/yurt.sock"
    for config in wrong:
        with pytest.raises(ConfigError):
            check(config)


def test_an_unknown_setting_is_not_ignored(tmp_path: Path) -> None:
    """A mistyped setting stops the start instead of meaning nothing."""
    (tmp_path / "node.toml").write_text(render(NodeConfig("harbour.example", plain=True)) + "plian = true\n")

    with pytest.raises(ConfigError, match="plian"):
        load(tmp_path)


def test_no_node_is_one_clear_line(tmp_path: Path) -> None:
    """Running what was never made says how to make it."""
    for command in (commands.run, commands.invite):
        with pytest.raises(NodeCommandError, match="yurt node init"):
            command(tmp_path)


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """A database with a step that we do not know is refused whole, with its own exit code."""
    data = tmp_path / "node"
    commands.init("harbour.example", data)
    with sqlite3.connect(data / "node.db") as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
            "VALUES ('yurt.node', '9999-x', '')"
        )
    connection.close()

    with pytest.raises(NodeCommandError, match="newer") as refused:
        commands.invite(data)

    assert refused.value.exit_code == EXIT_VERSION


def test_the_map_moves_the_clock_and_nothing_else_does(tmp_path: Path) -> None:
    """An offset counts from the map's file; without a map there is none."""
    path = tmp_path / "map.toml"
    path.write_text("clock_offset_s = 1000000\n[names]\n")

    ahead = SystemClock(path).now_s() - SystemClock().now_s()

    assert abs(ahead - 1_000_000) <= 1


def test_status_of_a_node_that_does_not_run(tmp_path: Path) -> None:
    """A new node has nobody, nothing waits, and nothing listens."""
    data = tmp_path / "node"
    commands.init("harbour.example", data, listen=f"unix:{tmp_path}/socket", plain=True)

    found = commands.status(data).as_map()

    assert (found["domain"], found["running"], found["accounts"]) == ("harbour.example", False, 0)
    assert found["deliveries_waiting"] == found["exchanges_waiting"] == found["backup_at"] == 0
    assert isinstance(found["database_bytes"], int)
    assert found["database_bytes"] > 0

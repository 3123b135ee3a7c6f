"""One file that makes a node again, and what is refused instead of half restored."""

import asyncio
import io
import shutil
import sqlite3
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from yurt.node import commands
from yurt.node.admin import sealed_file
from yurt.node.admin.backup import back_up
from yurt.node.admin.restore import restore_node
from yurt.node.clock import SystemClock
from yurt.node.commands import NodeCommandError
from yurt.node.testing import Town
from yurt.wire.people_commands import Followers
from yurt.wire.problems import EXIT_VERSION

CLOCK = SystemClock()
HARBOUR = "harbour.example"
PASSPHRASE = "a boat in the harbour"


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A node that does not run."""
    data = tmp_path / "node"
    commands.init(HARBOUR, data)
    return data


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id without the patience."""
    monkeypatch.setattr(sealed_file, "MEMORY_KIB", 8)
    monkeypatch.setattr(sealed_file, "PASSES", 1)


async def test_a_running_node_comes_back_with_what_was_acknowledged(harbour: Town) -> None:
    """People join while it is backed up; whoever had an answer before it began is in the backup."""
    ana = await harbour.join("ana", HARBOUR)
    data, file = harbour.folder / HARBOUR, harbour.folder / "backup.tar"

    others = asyncio.gather(*(harbour.join(name, HARBOUR) for name in ("bo", "cy", "di")))
    await back_up(data, CLOCK, file)
    await others
    await harbour.stop(HARBOUR)
    shutil.rmtree(data)
    await restore_node(file, data, CLOCK)
    await harbour.start(HARBOUR)

    await ana.call(Followers())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    files = [path for path in data.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


@pytest.mark.usefixtures("cheap")
def test_a_sealed_backup_says_nothing(node: Path, tmp_path: Path) -> None:
    """Without the passphrase it shows no name and no key; with it, the same files come back."""
    file = tmp_path / "backup"
    commands.backup(node, file, PASSPHRASE)

    again = tmp_path / "again"
    commands.restore(file, again, PASSPHRASE)

    assert commands.needs_passphrase(file)
    assert not [word for word in (b"PRIVATE KEY", b"harbour", b"CREATE TABLE") if word in file.read_bytes()]
    for key in (node / "keys").iterdir():
        assert (again / "keys" / key.name).read_bytes() == key.read_bytes()
    for wrong in ("", "a boat in the harbor"):
        with pytest.raises(NodeCommandError, match="passphrase"):
            commands.restore(file, tmp_path / "no", wrong)
    assert not (tmp_path / "no").exists()


def _flip(sealed: bytes) -> bytes:
    return sealed[:-200] + bytes([sealed[-200] ^ 1]) + sealed[-199:]


def _cut_at_a_chunk(sealed: bytes) -> bytes:
    header = len(sealed_file.MAGIC) + 31
    return sealed[: header + sealed_file.CHUNK + 16]


def _swap_chunks(sealed: bytes) -> bytes:
    start, size = len(sealed_file.MAGIC) + 31, sealed_file.CHUNK + 16
    one, two = sealed[start : start + size], sealed[start + size : start + 2 * size]
    return sealed[:start] + two + one + sealed[start + 2 * size :]


def _lengthen(sealed: bytes) -> bytes:
    return sealed + b"x"


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize("change", [_flip, _cut_at_a_chunk, _swap_chunks, _lengthen])
def test_a_changed_backup_makes_nothing(node: Path, tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    """Flipped, cut off at a chunk's end, reordered or lengthened: refused, and no folder is left."""
    file = tmp_path / "backup"
    commands.backup(node, file, PASSPHRASE)
    file.write_bytes(change(file.read_bytes()))

    with pytest.raises(NodeCommandError, match="damaged"):
        commands.restore(file, tmp_path / "again", PASSPHRASE)

    assert {path.name for path in tmp_path.iterdir()} == {"node", "backup"}


@pytest.mark.parametrize("name", ["../evil", "/evil", "keys/../../evil", "extra", "node.toml"])
def test_a_hostile_archive_writes_nowhere(node: Path, tmp_path: Path, name: str) -> None:
    """Names that no backup has, and the same name twice, end the restore before anything is kept."""
    file, evil = tmp_path / "backup", tmp_path / "hostile"
    commands.backup(node, file)
    with tarfile.open(file) as good, tarfile.open(evil, "w") as bad:
        for member in good:
            bad.addfile(member, good.extractfile(member))
        bad.addfile(tarfile.TarInfo(name), io.BytesIO())

    with pytest.raises(NodeCommandError, match="what no backup does"):
        commands.restore(evil, tmp_path / "again")

    assert {path.name for path in tmp_path.iterdir()} == {"node", "backup", "hostile"}


def test_nothing_is_replaced(node: Path, tmp_path: Path) -> None:
    """Neither a file by a backup nor a node by a restore; a backup of nothing is refused too."""
    file = tmp_path / "backup"
    commands.backup(node, file)
    before = file.read_bytes()

    with pytest.raises(NodeCommandError, match="exists"):
        commands.backup(node, file)
    with pytest.raises(NodeCommandError, match="not empty"):
        commands.restore(file, node)
    with pytest.raises(NodeCommandError, match="yurt node init"):
        commands.backup(tmp_path / "nothing", tmp_path / "other")

    assert file.read_bytes() == before
    assert not (tmp_path / "other").exists()
    assert commands.status(node).figures.backup_at > 0


def test_a_newer_backup_is_refused(node: Path, tmp_path: Path) -> None:
    """A database from a newer release makes no folder, and has its own exit code."""
    file = tmp_path / "backup"
    with sqlite3.connect(node / "node.db") as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
            "VALUES ('yurt.node', '9999-x', '')"
        )
    connection.close()
    with tarfile.open(file, "w") as archive:
        (tmp_path / "manifest.json").write_text(f'{{"format":1,"domain":"{HARBOUR}","made_at":1}}')
        archive.add(tmp_path / "manifest.json", "manifest.json")
        for name in ("node.toml", "keys/actor-rsa.pem", "keys/actor-ed25519.pem", "node.db"):
            archive.add(node / name, name)

    with pytest.raises(NodeCommandError, match="newer") as refused:
        commands.restore(file, tmp_path / "again")

    assert refused.value.exit_code == EXIT_VERSION
    assert not (tmp_path / "again").exists()

"""The vault: one encrypted file, one writer, nothing left behind."""

import asyncio
import os
from pathlib import Path

import pytest
from sqlcipher3.dbapi2 import Connection

from yurt.client.errors import Closed, NoVault, VaultExists, VaultTooNew, WrongPassphrase
from yurt.client.vault import open as vaults
from yurt.client.vault import outbox, timeline
from yurt.client.vault.mls_store import VaultGroupStore
from yurt.client.vault.open import Vault
from yurt.client.vault.passphrase import VaultHeader, login_key
from yurt.client.vault.timeline import NewItem
from yurt.rooms.member.sending import Numbered
from yurt.wire.position import Position

PASSPHRASE = "correct horse battery staple"
ROOM = bytes(32)
SECRET = b"meet me at the third buoy"


async def _create(home: Path) -> Vault:
    return await asyncio.to_thread(Vault.create, home, PASSPHRASE)


def _say(tx: Connection, text: str) -> int:
    item = timeline.add(tx, NewItem(room=ROOM, kind="message", text=text, state="queued", own=True))
    outbox.queue(tx, item, ROOM, text.encode(), Numbered(0, b""))
    return item


def _bytes(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.iterdir())


async def test_wrong_passphrase(tmp_path: Path) -> None:
    """A wrong passphrase opens nothing and says so in one line."""
    await (await _create(tmp_path)).close()

    with pytest.raises(WrongPassphrase, match="does not open"):
        Vault.open(tmp_path, "incorrect horse")


async def test_no_plaintext_on_disk(tmp_path: Path) -> None:
    """What was said can be found in no file, neither while the vault is open nor after."""
    vault = await _create(tmp_path)
    await vault.write(lambda tx: _say(tx, SECRET.decode()))

    while_open = _bytes(tmp_path)
    await vault.close()
    after = _bytes(tmp_path)

    assert SECRET not in while_open + after
    assert b"SQLite format 3" not in while_open + after
    assert PASSPHRASE.encode() not in while_open + after


async def test_files_are_private(tmp_path: Path) -> None:
    """Nobody else on the machine may even copy the encrypted files."""
    home = tmp_path / "home"
    vault = await _create(home)
    await vault.write(lambda tx: _say(tx, "hello"))

    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in home.iterdir()}
    await vault.close()

    assert set(modes.values()) == {"0o600"}
    assert home.stat().st_mode & 0o777 == 0o700


async def test_failed_unit_changes_nothing(tmp_path: Path) -> None:
    """A unit of work that fails leaves no trace, and the caches over it hear of it."""
    vault = await _create(tmp_path)
    heard: list[str] = []
    vault.on_rollback(lambda: heard.append("rolled back"))

    def fail(tx: Connection) -> None:
        _say(tx, "never")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await vault.write(fail)
    lines = await vault.read(lambda tx: timeline.page(tx, None, 0, 10))
    await vault.close()

    assert lines == []
    assert heard == ["rolled back"]


async def test_survives_close(tmp_path: Path) -> None:
    """What was written is there when the vault is opened again."""
    vault = await _create(tmp_path)
    await vault.write(lambda tx: _say(tx, "hello"))
    await vault.close()

    again = await asyncio.to_thread(Vault.open, tmp_path, PASSPHRASE)
    waiting = await again.read(outbox.count)
    await again.close()

    assert waiting == 1


async def test_newer_vault_is_refused(tmp_path: Path) -> None:
    """An older release leaves a newer vault alone."""
    vault = await _create(tmp_path)
    await vault.write(lambda tx: tx.execute("PRAGMA user_version = 99"))
    await vault.close()

    with pytest.raises(VaultTooNew, match="install a newer yurt"):
        Vault.open(tmp_path, PASSPHRASE)


async def test_one_vault_a_home(tmp_path: Path) -> None:
    """A second person needs a second folder; an empty folder holds nobody."""
    with pytest.raises(NoVault, match="yurt join"):
        Vault.open(tmp_path, PASSPHRASE)

    await (await _create(tmp_path)).close()

    with pytest.raises(VaultExists):
        Vault.create(tmp_path, PASSPHRASE)


async def test_removed_vault_leaves_no_file(tmp_path: Path) -> None:
    """Nothing half-made stays."""
    await (await _create(tmp_path)).close()

    vaults.remove(tmp_path)

    assert _bytes(tmp_path) == b""


async def test_closed_vault(tmp_path: Path) -> None:
    """After the end, nothing more is written."""
    vault = await _create(tmp_path)
    await vault.close()

    with pytest.raises(Closed):
        await vault.write(outbox.count)


async def test_own_line_changes_its_revision(tmp_path: Path) -> None:
    """Whoever watches sees each change of a line, under the same id, and no change twice."""
    vault = await _create(tmp_path)
    item = await vault.write(lambda tx: _say(tx, "hello"))
    seen = await vault.read(timeline.revision)

    await vault.write(lambda tx: timeline.accept(tx, item, Position(1, 7), 1_000))
    await vault.write(lambda tx: timeline.accept(tx, item, Position(1, 7), 1_000))
    changed = await vault.read(lambda tx: timeline.changed(tx, room=ROOM, revision=seen))
    again = await vault.read(lambda tx: timeline.changed(tx, room=ROOM, revision=changed[-1].revision))
    await vault.close()

    assert [(line.item, line.state, line.position) for line in changed] == [
        (item, "accepted", Position(1, 7))
    ]
    assert again == []


async def test_group_rows(tmp_path: Path) -> None:
    """MLS rows of one group never touch another's."""
    vault = await _create(tmp_path)

    def work(tx: Connection) -> list[tuple[int, str, bytes]]:
        store = VaultGroupStore(tx)
        store.put(b"a", 0, "epoch", b"1")
        store.put(b"a", 0, "epoch", b"2")
        store.put(b"a", 1, "epoch", b"3")
        store.put(b"b", 0, "epoch", b"4")
        store.delete(b"b", 0, "absent")
        store.delete_epoch(b"a", 0)
        return [*store.rows(b"a"), *store.rows(b"b")]

    rows = await vault.write(work)
    await vault.close()

    assert rows == [(1, "epoch", b"3"), (0, "epoch", b"4")]


def test_passphrases_of_people_are_stretched_as_recommended() -> None:
    """A vault costs what RFC 9106 4 recommends second, in one lane; only tests ask for less."""
    header = VaultHeader(bytes(16))

    assert (header.memory_kib, header.iterations, header.lanes) == (64 * 1024, 3, 1)


def test_login_key_is_bound_to_the_address() -> None:
    """The same passphrase gives another login key at another node, and never the vault's key."""
    here, there = login_key(PASSPHRASE, "ana", "a.example"), login_key(PASSPHRASE, "ana", "b.example")

    assert here == login_key(PASSPHRASE, "ana", "a.example")
    assert len({here, there, VaultHeader.new(os.urandom).key(PASSPHRASE)}) == 3

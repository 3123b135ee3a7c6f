"""One engine per vault, however many processes use it."""

import asyncio
import os
import socket
import stat
from pathlib import Path

import pytest

from yurt.client.api import TimelineItem
from yurt.client.clock import SystemClock
from yurt.client.engine import Engine
from yurt.client.errors import NoVault, UsageError, VaultHeld, WrongPassphrase
from yurt.client.paths import load_network
from yurt.client.service import sockets
from yurt.client.service.connect import SharedEngine
from yurt.client.service.lock import VaultLock
from yurt.client.testing import PASSPHRASE, Town
from yurt.client.testing_waits import PATIENCE_S


async def _connect(town: Town, name: str, passphrase: str = PASSPHRASE) -> SharedEngine:
    engine = SharedEngine(town.home(name), lambda: passphrase, load_network(town.map_file), SystemClock())
    await engine.reach()
    return engine


async def _ana_with_room(town: Town) -> bytes:
    """Ana joins, opens a room, and leaves."""
    ana = await town.join("ana")
    room = (await ana.create_room("harbour watch")).room
    assert await ana.sync(PATIENCE_S)
    await town.leave(ana)
    return room


async def test_second_engine_is_refused(town: Town) -> None:
    """While somebody holds a vault, nobody else opens it."""
    await town.join("ana")

    with pytest.raises(VaultHeld, match="another yurt process"):
        await Engine.open(town.home("ana"), PASSPHRASE, network=load_network(town.map_file))


def test_lock_ends_with_its_holder(tmp_path: Path) -> None:
    """A lock that was let go can be taken by the next."""
    first = VaultLock.acquire(tmp_path)
    assert first is not None
    assert VaultLock.acquire(tmp_path) is None

    first.release()
    second = VaultLock.acquire(tmp_path)

    assert second is not None
    second.release()


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o720])
async def test_a_folder_that_others_may_write_into_is_not_used(tmp_path: Path, mode: int) -> None:
    """Whoever could put a socket or a link there would be handed what is meant for the engine."""
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(mode)
    rogue = sockets.listen(home)

    with pytest.raises(UsageError, match="others may write"):
        VaultLock.acquire(home)
    with pytest.raises(UsageError, match="others may write"):
        await sockets.dial(home)

    rogue.close()
    assert [path.name for path in home.iterdir()] == [sockets.SOCKET]


def test_another_users_folder_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that somebody made for us in /tmp is theirs."""
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)

    with pytest.raises(UsageError, match="another user's"):
        VaultLock.acquire(tmp_path)


async def test_thin_client(town: Town) -> None:
    """The second front end needs no passphrase, and sees what the first one sees."""
    room = await _ana_with_room(town)
    holder = await _connect(town, "ana")
    thin = await _connect(town, "ana", passphrase="not asked for")

    sent = await thin.send(room, "through the socket", wait="accepted")
    lines = [await front.timeline(room) for front in (holder, thin)]
    mode = stat.S_IMODE((town.home("ana") / sockets.SOCKET).stat().st_mode)
    await thin.close()
    await holder.close()

    assert sent.state == "accepted"
    assert lines[0] == lines[1]
    assert lines[0][-1].text == "through the socket"
    assert mode == 0o600


async def test_take_over(town: Town) -> None:
    """When the holder leaves, a watching thin client takes over and misses nothing."""
    room = await _ana_with_room(town)
    holder, watcher = await _connect(town, "ana"), await _connect(town, "ana")
    seen = list[str]()

    async def watch() -> None:
        async for item in watcher.watch(room):
            if item.kind == "message" and item.state == "accepted":
                seen.append(item.text)
            if len(seen) == 2:
                return

    task = asyncio.create_task(watch())
    await holder.send(room, "one", wait="accepted")
    await holder.close()
    await watcher.send(room, "two", wait="accepted")
    async with asyncio.timeout(PATIENCE_S):
        await task
    await watcher.close()

    assert seen == ["one", "two"]


async def test_many_at_once(town: Town) -> None:
    """Twenty front ends that begin together hold one engine, and say twenty things once each."""
    room = await _ana_with_room(town)
    texts = [f"message {number}" for number in range(20)]

    async def say(text: str) -> None:
        front = await _connect(town, "ana")
        await front.send(room, text, wait="accepted")
        await front.close()

    await asyncio.gather(*(say(text) for text in texts))
    ana = await town.open("ana")
    lines: list[TimelineItem] = [item for item in await ana.timeline(room) if item.kind == "message"]

    assert sorted(line.text for line in lines) == sorted(texts)
    assert {line.state for line in lines} <= {"accepted", "settled"}
    assert len(town.node.messages(room)) == 1 + len(texts)
    assert len({row.hash for row in town.node.messages(room)}) == 1 + len(texts)


async def test_refusals_travel(town: Town) -> None:
    """A thin client hears the same refusals as the holder's own front end."""
    await _ana_with_room(town)
    holder, thin = await _connect(town, "ana"), await _connect(town, "ana")

    problems = list[str]()
    for front in (holder, thin):
        with pytest.raises(Exception, match="no such room") as refused:
            await front.send(bytes(32), "to nobody")
        problems.append(str(refused.value))
        await front.close()

    assert problems[0] == problems[1]


async def test_nobody_there(town: Town) -> None:
    """Without a vault, or without its passphrase, there is no engine; the lock is free again."""
    with pytest.raises(NoVault):
        await _connect(town, "nobody")
    await _ana_with_room(town)

    with pytest.raises(WrongPassphrase):
        await _connect(town, "ana", passphrase="incorrect")
    ana = await _connect(town, "ana")

    assert (await ana.status()).address.startswith("ana@")
    await ana.close()


async def test_deep_folder(tmp_path: Path) -> None:
    """A vault that lies deeper than a socket's path may be long has its socket beside it all the same."""
    home = tmp_path / ("deep" * 30)
    home.mkdir()

    listening = sockets.listen(home)
    ends = await sockets.dial(home)
    accepted, _ = listening.accept()

    assert ends is not None
    assert sockets.is_same_user(accepted)
    assert stat.S_ISSOCK((home / sockets.SOCKET).stat().st_mode)  # one stat
    ends[1].close()
    for end in (accepted, listening):
        assert isinstance(end, socket.socket)
        end.close()

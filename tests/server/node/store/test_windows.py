"""Windows of readers: what a device may read of a room."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from yurt.node.store import rooms
from yurt.node.store.sqlite import SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.store.testing import Explained
from yurt.node.store.types import ReadTx
from yurt.wire.position import Position

ROOM = bytes(32)
ANA, BO = ("did:key:zAna", b"A" * 16), ("did:key:zBo", b"B" * 16)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[SqliteStore]:
    store = await SqliteStore.open(tmp_path / "node.db", STEPS)
    await store.write(lambda tx: rooms.insert(tx, rooms.StoredRoom(ROOM, "harbour.example", 0, b"")))
    await store.write(lambda tx: rooms.open_windows(tx, ROOM, [ANA, BO], Position(1, 1)))
    await store.write(lambda tx: rooms.close_windows(tx, ROOM, [ANA], Position(1, 5)))
    await store.write(lambda tx: rooms.open_windows(tx, ROOM, [ANA], Position(1, 7)))
    yield store
    await store.close()


async def test_a_device_gets_its_own_windows_in_order(store: SqliteStore) -> None:
    """Who left and came back has two windows; the windows of others are not theirs."""
    found = await store.read(lambda tx: rooms.device_windows(tx, ROOM, *ANA))
    everybody = await store.read(lambda tx: rooms.windows(tx, ROOM))

    assert [(one.start, one.end) for one in found] == [
        (Position(1, 1), Position(1, 5)),
        (Position(1, 7), rooms.STILL),
    ]
    assert len(everybody) == 3


async def test_who_connects_does_not_pass_by_everybody_else(store: SqliteStore) -> None:
    """A thousand devices that come back at once are a thousand look-ups, not a million."""

    def plans(tx: ReadTx) -> list[str]:
        explained = Explained(tx)
        rooms.device_windows(explained, ROOM, *BO)
        return explained.plans

    assert all("did=? AND device=?" in plan for plan in await store.read(plans))

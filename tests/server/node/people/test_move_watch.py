"""Arrivals are counted by the clock of the network alone: at an hour, a day, a week and a month."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import msgspec
import pytest

from yurt.client.counted import lasting
from yurt.client.moving import receipt_page, receipts
from yurt.client.moving.calls import ReceiptView
from yurt.client.vault.moves import MoveRow
from yurt.lab.world.network import Network
from yurt.node import clock
from yurt.node.people import move_watch
from yurt.node.store import accounts, moves, moving
from yurt.node.store.moving import LentKey
from yurt.node.store.types import Tx
from yurt.node.testing import PATIENCE_S, Client, Town
from yurt.wire.move_commands import MoveState, MoveView, WatchMove
from yurt.wire.people_commands import Follow

HARBOUR = "harbour.example"
OLD = "https://hill.example/users/ana"
HOUR: Final = 3_600
DAY: Final = 24 * HOUR
MARKS: Final = {"1 h": HOUR, "1 d": DAY, "7 d": 7 * DAY, "30 d": 30 * DAY}
SECRET: Final = b"the old actor key, which nobody else must read" * 20


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the node look at marks and clocks all the time, from its start."""
    monkeypatch.setattr(clock, "_REREAD_S", 0.0)
    for pause in ("SOON_S", "EVERY_S"):
        monkeypatch.setattr(move_watch, pause, 0.02)


async def told(ana: Client, so: Callable[[MoveView], bool]) -> MoveView:
    """Wait until the node says so of the move."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            view: MoveView = await ana.call(MoveState())
            if so(view):
                return view
            await asyncio.sleep(0.2)  # a node answers a person only so often


def counted(count: int) -> Callable[[MoveView], bool]:
    """So many marks are counted."""
    return lambda view: sum(mark.at > 0 for mark in view.marks) == count


def receipt(state: MoveView) -> ReceiptView:
    """What the client makes of it."""
    row = MoveRow(
        kind="move",
        step="watched",
        job=bytes(16),
        name="ana",
        node=HARBOUR,
        code="",
        secret=b"",
        previous=OLD,
        records=(),
        record=b"",
        statement=b"",
        actor_key=b"",
        login_key=b"",
        started=1,
    )
    return receipts.summary(row, [], (), state, (frozenset(), 0), 1)


async def test_each_mark_is_counted_once_and_the_key_ends_with_the_last(harbour: Town) -> None:
    """The receipt after each mark says who had come by then, to programs and to people alike."""
    ana, bo, cy = [await harbour.join(name, HARBOUR) for name in ("ana", "bo", "cy")]
    network, node = harbour.places, harbour.nodes[HARBOUR]
    assert isinstance(network, Network)
    start = time.time_ns() // 1_000_000_000

    def moved(tx: Tx) -> None:
        account = accounts.account_named(tx, "ana")
        assert account is not None
        moves.add_alias(tx, account.id, OLD)
        moving.lend_key(tx, account.id, LentKey(OLD, f"{OLD}#main-key", SECRET, start + 30 * DAY))

    await node.store.write(moved)
    await ana.call(WatchMove(start=start, previous=OLD))
    come = {"1 h": bo, "7 d": cy}
    arrived = 0
    counts = dict[str, int | str]()
    for name, after_s in MARKS.items():
        if name in come:
            await come[name].call(Follow(f"ana@{HARBOUR}"))
            arrived += 1
        network.shift_clock(HARBOUR, after_s + 1.0)
        view = await told(ana, counted(len(counts) + 1))
        counts[name] = arrived

        found = receipt(view)
        assert msgspec.json.decode(msgspec.json.encode(found), type=ReceiptView) == found
        assert {mark.after_s: mark.arrived for mark in found.marks if mark.at} == {
            MARKS[one]: count for one, count in counts.items()
        }
        html = receipt_page.page(found)
        for one in MARKS:
            assert f"<li>after {lasting(MARKS[one])}: {counts.get(one, 'still to come')}</li>" in html

    assert list(counts.values()) == [1, 1, 2, 2]
    await told(ana, lambda view: view.key_until == 0)
    files = [file for file in (harbour.folder / HARBOUR).rglob("*") if file.is_file()]
    assert [file.name for file in files if SECRET in await asyncio.to_thread(file.read_bytes)] == []

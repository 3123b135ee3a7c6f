"""Scene: carrying a network. An import over many hosts, an archive out and in, a kit renewed.

The import runs a real node, and a hundred small servers in one other process; both are in its time.
"""

import asyncio
import os
import sqlite3
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.portability.calls import (
    Export,
    ExportView,
    HistoryView,
    ImportHistory,
    PlanImport,
    PlanView,
    StartImport,
)
from yurt.client.portability.gathering import Network as Ties
from yurt.client.portability.importing import own_record
from yurt.client.portability.kit_keeper import refreshed
from yurt.client.vault import kits, timeline
from yurt.client.vault.timeline import NewItem
from yurt.lab.bench.figures import Book
from yurt.lab.bench.lone_node import lone_node
from yurt.lab.bench.setting import Setting
from yurt.lab.world.people import Person
from yurt.portability.csv_rows import CsvKind
from yurt.portability.roster import Tie
from yurt.wire.portability_commands import JobStatus, JobView
from yurt.wire.position import Position

FOLLOWS: Final = 10_000
HOSTS: Final = 100
TIES: Final = 1_000
MESSAGES: Final = 20_000
KIT_TIES: Final = 2_000
_KIT_TIMES: Final = 5
_EVERY_S: Final = 1.0
_HEAD: Final = b"Account address,Show boosts,Notify on new posts,Languages\n"
_CONTENT_ID: Final = 16


async def measure(setting: Setting, book: Book) -> None:
    """Measure what is wanted."""
    if setting.wants("kit"):
        await _kit(setting, book)
    if setting.wants("archive-out", "archive-in"):
        await _archive(setting, book)
    if setting.wants("import", "import-rate"):
        await _import(setting, book)


# --- import -----------------------------------------------------------------------------------------
async def _import(setting: Setting, book: Book) -> None:
    """Import that many follows over that many hosts, until each is accepted."""
    folder, follows = setting.folder / "import", setting.less(FOLLOWS)
    names = [f"peer{number:03}.example" for number in range(HOSTS)]
    rows = b"".join(f"p{number}@{names[number % HOSTS]},true,false,\n".encode() for number in range(follows))
    async with lone_node(folder, names) as (_, ana), _peers(folder / "network", names):
        path = folder / "following_accounts.csv"
        await asyncio.to_thread(path.write_bytes, _HEAD + rows)
        began = time.monotonic()
        plan = await ana.engine.call(PlanImport(path=str(path)), PlanView)
        job = await ana.engine.call(StartImport(path=str(path), digest=plan.digest), JobView)
        while job.counts.get("accepted", 0) < follows and not _is_over(job):
            await asyncio.sleep(_EVERY_S)
            job = await ana.engine.ask_node(JobStatus(job.job), JobView)
        took = time.monotonic() - began
    if job.counts.get("accepted") != follows:
        raise RuntimeError(f"not every follow was accepted: {job.counts}")
    book.note("import", took * FOLLOWS / follows)
    book.note("import-rate", follows / took)


def _is_over(job: JobView) -> bool:
    return job.state == "done" and not job.counts.get("pending")


@asynccontextmanager
async def _peers(network: Path, names: list[str]) -> AsyncGenerator[None]:
    module = ("-m", "yurt.lab.bench.fake_peers", str(network), *names)
    peers = await asyncio.create_subprocess_exec(sys.executable, *module, stdout=PIPE)
    try:
        if peers.stdout is not None:
            await peers.stdout.readline()
        yield
    finally:
        peers.terminate()
        await peers.wait()


# --- archive ----------------------------------------------------------------------------------------
async def _archive(setting: Setting, book: Book) -> None:
    """Write an archive of many ties and messages, and take its history in again."""
    folder = setting.folder / "archive"
    async with lone_node(folder) as (node, ana):
        await node.stop()
        await asyncio.to_thread(_fill, node.data, TIES)
        await node.start()
        await ana.engine.sync(20.0)
        room = await ana.engine.create_room("harbour watch")
        await _talk(ana, room.room, setting.less(MESSAGES))
        path = folder / "ana.tar"
        began = time.monotonic()
        await ana.engine.call(Export(kind="archive", path=str(path)), ExportView)
        book.note("archive-out", time.monotonic() - began)
        core = ana.engine._core  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # to forget what it knows
        await core.vault.write(lambda tx: tx.execute("DELETE FROM item").rowcount)
        began = time.monotonic()
        await ana.engine.call(PlanImport(path=str(path)), PlanView)
        await ana.engine.call(ImportHistory(path=str(path), phrase=ana.phrase), HistoryView)
        book.note("archive-in", time.monotonic() - began)


def _fill(data: Path, ties: int) -> None:
    """Put ties into a stopped node's database."""
    (file,) = data.glob("*.db")
    with closing(sqlite3.connect(file)) as base, base:
        for number in range(ties):
            tie = _tie(number)
            person = base.execute(
                "INSERT INTO person (actor, address, inbox, shared_inbox) VALUES (?, ?, ?, ?)",
                (tie.actor, tie.address, tie.inbox, tie.shared_inbox),
            ).lastrowid
            base.executemany(
                "INSERT INTO tie (account, person, direction, state, since) VALUES (1, ?, ?, 'accepted', 1)",
                [(person, "following"), (person, "follower")],
            )


async def _talk(ana: Person, room: bytes, messages: int) -> None:
    """Have said that much: straight into the vault, since this measures no sending."""
    core = ana.engine._core  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as above
    text = "the fog is back over the harbour, and so are the gulls " * 3
    for at in range(0, messages, 1_000):
        new = [
            NewItem(
                room=room,
                kind="message",
                did=core.account.did,
                actor=core.account.actor,
                text=f"message {number}: {text}",
                content_id=os.urandom(_CONTENT_ID),
                own=True,
                position=Position(1, number + 1),
                accepted_at=1_795_000_000_000 + number,
            )
            for number in range(at, min(at + 1_000, messages))
        ]
        await core.vault.write(partial(_add, new=new))


def _add(tx: Connection, new: list[NewItem]) -> None:
    for item in new:
        timeline.add(tx, item)


# --- kit --------------------------------------------------------------------------------------------
async def _kit(setting: Setting, book: Book) -> None:
    """Renew a kit with many ties."""
    async with lone_node(setting.folder / "kit") as (_, ana):
        core = ana.engine._core  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # to time one step alone
        held = await core.vault.read(kits.load)
        if held is None:
            raise RuntimeError("Ana has no kit")
        network = Ties(dict.fromkeys(CsvKind, ()), tuple(_tie(number) for number in range(KIT_TIES)))
        for _ in range(_KIT_TIMES):
            began = time.perf_counter()
            refreshed(held, network, (), core.device.keys, own_record(core), core.now_s)
            book.note("kit", (time.perf_counter() - began) * 1000)


def _tie(number: int) -> Tie:
    node = f"peer{number % HOSTS}.example"
    actor = f"https://{node}/users/p{number}"
    return Tie(
        actor=actor,
        address=f"p{number}@{node}",
        inbox=f"{actor}/inbox",
        shared_inbox=f"https://{node}/inbox",
        follower=True,
        following=True,
        since=1_795_000_000 + number,
    )

"""Figures of carrying a network: an import over many hosts, an archive out and in, a kit renewed.

    python -m yurt.lab.bench.portability [import|archive|kit] [--follows N] [--hosts N]

The import runs a real node, and a hundred small servers in one other process; both are in its time.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
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
from yurt.lab.world.network import Network
from yurt.lab.world.people import Person
from yurt.lab.world.process import NodeProcess
from yurt.portability.csv_rows import CsvKind
from yurt.portability.roster import Tie
from yurt.wire.portability_commands import JobStatus, JobView
from yurt.wire.position import Position

HARBOUR: Final = "harbour.example"
_EVERY_S: Final = 2.0
_STAND_IN: Final = b"Account address,Show boosts,Notify on new posts,Languages\n"


async def one_node(folder: Path, hosts: list[str]) -> tuple[Network, NodeProcess, Person]:
    """Start a node with one person."""
    network = await asyncio.to_thread(Network.make, folder / "network", [HARBOUR, *hosts])
    for name in (HARBOUR, *hosts[:1]):
        network.write_map(name)
    node = NodeProcess(HARBOUR, network, folder / HARBOUR)
    await node.init()
    await node.start()
    map_file = network.write_map("ana@harbour.example")
    ana = await Person.join("ana", await node.invite(), folder / "ana@harbour.example", map_file)
    return network, node, ana


async def import_follows(folder: Path, follows: int, hosts: int) -> None:
    """Import that many follows over that many hosts, until each is accepted."""
    names = [f"peer{number:03}.example" for number in range(hosts)]
    network, node, ana = await one_node(folder, names)
    peers = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yurt.lab.bench.fake_peers", str(network.folder), *names, stdout=PIPE
    )
    try:
        if peers.stdout is not None:
            await peers.stdout.readline()
        rows = b"".join(
            f"p{number}@{names[number % hosts]},true,false,\n".encode() for number in range(follows)
        )
        path = folder / "following_accounts.csv"
        await asyncio.to_thread(path.write_bytes, _STAND_IN + rows)
        began = time.monotonic()
        plan = await ana.engine.call(PlanImport(path=str(path)), PlanView)
        job = await ana.engine.call(StartImport(path=str(path), digest=plan.digest), JobView)
        _line("handed to the node", f"{time.monotonic() - began:.1f} s")
        while job.counts.get("accepted", 0) < follows:
            await asyncio.sleep(_EVERY_S)
            job = await ana.engine.ask_node(JobStatus(job.job), JobView)
            print(f"    {time.monotonic() - began:6.1f} s  {json.dumps(job.counts)}", flush=True)
            if job.state == "done" and not job.counts.get("pending"):
                break
        took = time.monotonic() - began
        _line(f"import of {follows} follows over {hosts} hosts", f"{took:.1f} s  {job.counts}")
    finally:
        await ana.close()
        await node.close()
        peers.terminate()
        await peers.wait()


async def archive(folder: Path, ties: int, messages: int) -> None:
    """Write an archive of that many ties and messages, and take its history in again."""
    _, node, ana = await one_node(folder, [])
    try:
        await node.close()
        await asyncio.to_thread(_fill, node.data, ties)
        await node.start()
        await ana.engine.sync(20.0)
        room = await ana.engine.create_room("harbour watch")
        await _talk(ana, room.room, messages)
        path = folder / "ana.tar"
        began = time.monotonic()
        made = await ana.engine.call(Export(kind="archive", path=str(path)), ExportView)
        out_s = time.monotonic() - began
        size = (await asyncio.to_thread(path.stat)).st_size / 2**20
        _line(
            f"archive of {made.files[0].rows} ties, {made.messages} messages: out",
            f"{out_s:.1f} s, {size:.1f} MiB",
        )
        core = ana.engine._core  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # to forget what it knows
        await core.vault.write(lambda tx: tx.execute("DELETE FROM item").rowcount)
        began = time.monotonic()
        await ana.engine.call(PlanImport(path=str(path)), PlanView)
        back = await ana.engine.call(ImportHistory(path=str(path), phrase=ana.phrase), HistoryView)
        _line(f"  in: verified, planned, {back.messages} messages kept", f"{time.monotonic() - began:.1f} s")
    finally:
        await ana.close()
        await node.close()


async def kit(folder: Path) -> None:
    """Renew kits of several sizes."""
    _, node, ana = await one_node(folder, [])
    try:
        core = ana.engine._core  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # to time one step alone
        held = await core.vault.read(kits.load)
        if held is None:
            return
        for count in (200, 1_000, 2_000):
            network = Ties(dict.fromkeys(CsvKind, ()), tuple(_tie(number) for number in range(count)))
            began = time.perf_counter()
            for _ in range(5):
                refreshed(held, network, (), core.device.keys, own_record(core), core.now_s)
            _line(f"kit renewed, {count} ties", f"{(time.perf_counter() - began) * 200:.0f} ms")
    finally:
        await ana.close()
        await node.close()


def _tie(number: int) -> Tie:
    actor = f"https://peer{number % 100}.example/users/p{number}"
    return Tie(
        actor=actor,
        address=f"p{number}@peer{number % 100}.example",
        inbox=f"{actor}/inbox",
        shared_inbox=f"https://peer{number % 100}.example/inbox",
        follower=True,
        following=True,
        since=1_795_000_000 + number,
    )


def _fill(data: Path, ties: int) -> None:
    """Put ties into a stopped node's database."""
    import sqlite3

    with sqlite3.connect(data / "node.db" if (data / "node.db").exists() else next(data.glob("*.db"))) as db:
        for number in range(ties):
            tie = _tie(number)
            person = db.execute(
                "INSERT INTO person (actor, address, inbox, shared_inbox) VALUES (?, ?, ?, ?)",
                (tie.actor, tie.address, tie.inbox, tie.shared_inbox),
            ).lastrowid
            for direction in ("following", "follower"):
                db.execute(
                    """
                    INSERT INTO tie (account, person, direction, state, since)
                    VALUES (1, ?, ?, 'accepted', 1)
                    """,
                    (person, direction),
                )


async def _talk(ana: Person, room: bytes, messages: int) -> None:
    """Have said that much: straight into the vault, since this measures no sending."""
    core = ana.engine._core  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as above
    did = core.account.did
    for at in range(0, messages, 1_000):
        new = [
            NewItem(
                room=room,
                kind="message",
                did=did,
                actor=core.account.actor,
                text=f"message {number}: the fog is back over the harbour, and so are the gulls " * 3,
                content_id=os.urandom(16),
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


def _line(what: str, figure: str) -> None:
    print(f"  {what:<60} {figure}", flush=True)


async def main(words: list[str]) -> None:
    """Measure what is asked for, or everything."""
    parser = argparse.ArgumentParser(prog="portability")
    parser.add_argument("what", nargs="?", choices=("import", "archive", "kit", "all"), default="all")
    parser.add_argument("--follows", type=int, default=10_000)
    parser.add_argument("--hosts", type=int, default=100)
    args = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="yurt-bench-") as name:
        folder = Path(name)
        if args.what in ("kit", "all"):
            await kit(folder / "kit")
        if args.what in ("archive", "all"):
            await archive(folder / "archive", ties=1_000, messages=20_000)
        if args.what in ("import", "all"):
            await import_follows(folder / "import", args.follows, args.hosts)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))

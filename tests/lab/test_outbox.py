"""What was sent is delivered once and in order, whatever happens to the sender's machine."""

import asyncio
import os
import sys

import pytest

from yurt.lab.world.people import PASSPHRASE, Person
from yurt.lab.world.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

SENDER = """
import asyncio, sys
from pathlib import Path
from yurt.client.clock import SystemClock
from yurt.client.engine import Engine
from yurt.client.paths import load_network

async def main(home, map_file, passphrase, room, mark, first, count):
    clock = SystemClock(Path(map_file))
    engine = await Engine.open(Path(home), passphrase, network=load_network(Path(map_file)), clock=clock)
    for number in range(int(first), int(first) + int(count)):
        await engine.send(bytes.fromhex(room), f"{mark} {number}")
        print(number, flush=True)
    await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""
"""Sends, says what it has stored, and waits to be killed."""


async def send_and_die(person: Person, room: bytes, mark: str, first: int, count: int) -> None:
    """Let an engine in a process of its own store messages, and kill it right after the last one."""
    arguments = (str(person.home), str(person.map_file), PASSPHRASE, room.hex(), mark, str(first), str(count))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SENDER, *arguments, stdout=asyncio.subprocess.PIPE, env=dict(os.environ)
    )
    assert process.stdout is not None
    try:
        for number in range(first, first + count):
            assert (await process.stdout.readline()).strip() == str(number).encode()
    finally:
        process.kill()
        await process.communicate()


async def test_sent_offline_and_killed(town: Town) -> None:
    """Messages stored without a node survive the death of the engine: once each, in order."""
    await town.bo.close()
    await town.hilltop.stop()

    await send_and_die(town.bo, town.room, "offline", 0, 5)
    await send_and_die(town.bo, town.room, "offline", 5, 5)
    await town.hilltop.start()
    await town.bo.reopen()

    await town.ana.reads(town.room, "offline 9")
    assert await town.said(town.ana, "offline") == [f"offline {number}" for number in range(10)]


async def test_killed_while_sending(town: Town) -> None:
    """An engine that dies between sealing and being told so sends the same bytes again, in order."""
    await town.bo.close()

    for first in range(0, 15, 5):
        await send_and_die(town.bo, town.room, "killed", first, 5)
    await town.bo.reopen()

    await town.ana.reads(town.room, "killed 14")
    assert await town.said(town.ana, "killed") == [f"killed {number}" for number in range(15)]
    assert (await town.ana.engine.status()).undecryptable == 0

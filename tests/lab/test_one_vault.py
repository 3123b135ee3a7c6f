"""Many processes of one person: one engine, one ratchet."""

import asyncio
import json

import pytest

from yurt.lab.world.shell import Shell
from yurt.lab.world.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_parallel_commands(town: Town) -> None:
    """A `tail` and 20 `send` at once use one ratchet: 20 messages, none under a key that was used before.

    A key and nonce belong to one generation of the sender's leaf, and a receiver opens each generation
    once (RFC 9420, 9.1): 20 messages that all open are 20 generations.
    """
    shell = Shell.of(town.bo.home, town.bo.map_file)
    await town.bo.close()
    tail = await shell.begin("tail", town.room.hex(), "--json", "--history", "0")

    ended = await asyncio.gather(
        *(shell.yurt("send", town.room.hex(), f"parallel {number}") for number in range(20))
    )

    assert [(one.code, one.err) for one in ended] == [(0, "")] * 20
    for number in range(20):
        await town.ana.reads(town.room, f"parallel {number}")
    assert len(await town.said(town.ana, "parallel")) == 20
    assert (await town.ana.engine.status()).undecryptable == 0
    missing, lines = {f"parallel {number}" for number in range(20)}, tail.stdout
    assert lines is not None
    while missing:
        missing.discard(json.loads(await lines.readline())["text"])
    tail.terminate()
    await tail.communicate()
    await town.bo.reopen()

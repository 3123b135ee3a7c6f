"""A device that lost its place comes back through its own node, whoever the hub is."""

import shutil

import pytest

from yurt.lab.world.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_older_copy_of_a_vault(town: Town) -> None:
    """Bo's vault is put back: it is noticed, comes back across two nodes, and what waits goes out."""
    await town.bo.engine.send(town.room, "before the copy", wait="accepted")
    await town.bo.close()
    copy = town.bo.home.parent / "bo-copy"
    shutil.copytree(town.bo.home, copy)
    await town.bo.reopen()
    await town.bo.engine.send(town.room, "after the copy", wait="accepted")
    await town.ana.reads(town.room, "after the copy")
    await town.bo.close()
    shutil.rmtree(town.bo.home)
    shutil.copytree(copy, town.bo.home)

    await town.bo.reopen()
    await town.bo.engine.send(town.room, "back again")
    await town.ana.reads(town.room, "back again")
    await town.ana.engine.send(town.room, "welcome back", wait="accepted")
    await town.bo.reads(town.room, "welcome back")

    lines = await town.bo.engine.timeline(town.room, limit=200)
    told = [line.text for line in await town.ana.engine.timeline(town.room, limit=200)]
    assert {"stopped", "resynced", "gap"} <= {line.reason for line in lines}
    assert any("came back with a device that had lost its place" in text for text in told)
    assert told.count("back again") == 1

"""An older copy of a vault never speaks: it would encrypt with keys that were used already."""

import shutil
from pathlib import Path

import pytest

from yurt.client.engine import Engine
from yurt.client.testing import Town
from yurt.client.testing_rooms import core_of, line, together
from yurt.wire.problems import ProblemError


async def _copied(town: Town, tmp_path: Path, wear: str) -> tuple[Engine, bytes]:
    """Ana's vault is put back to how it was before her last message; what she did meanwhile is in the log."""
    ana, _, room = await together(town)
    await ana.send(room, "before", wait="accepted")
    await town.leave(ana)
    shutil.copytree(town.home("ana"), tmp_path / "copy")
    ana = await town.open("ana")
    if wear:
        await core_of(ana).vault.write(lambda tx: tx.execute(wear).rowcount)
    await ana.send(room, "after", wait="accepted")
    await town.leave(ana)
    shutil.rmtree(town.home("ana"))
    shutil.copytree(tmp_path / "copy", town.home("ana"))
    return await town.open("ana"), room


async def test_restored_copy(town: Town, tmp_path: Path) -> None:
    """A commit of our leaf that the vault does not know stops the room, and says why."""
    ana, room = await _copied(town, tmp_path, "UPDATE own_leaf SET born = 0")
    offered = len(town.node.appends)

    held = await ana.send(room, "who am I?")
    told = await line(ana, room, reason="stopped")
    with pytest.raises(ProblemError) as refused:
        await ana.send(room, "and now?")
    (view,) = await ana.rooms()

    assert held.state == "queued"
    assert "older copy of the vault" in told.text
    assert view.stopped == "commitOfOwnLeaf"
    assert refused.value.problem.code == "notAllowed"
    assert len(town.node.appends) == offered


async def test_copy_that_is_up_to_date(town: Town) -> None:
    """A vault that merely rested goes on speaking."""
    ana, bo, room = await together(town)
    await ana.send(room, "before", wait="accepted")
    await town.leave(ana)

    ana = await town.open("ana")
    await ana.send(room, "after", wait="accepted")

    assert (await line(bo, room, text="after")).reason == ""

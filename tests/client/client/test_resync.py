"""A room that stopped comes back, where no rule was broken; what was lost is named."""

import shutil
from pathlib import Path

import pytest

from yurt.client.calls import Nothing
from yurt.client.engine import Engine
from yurt.client.rooms.heal_calls import ResyncRoom
from yurt.client.testing import Town
from yurt.client.testing_rooms import ANA, BO, core_of, line, together
from yurt.wire.frames import Gap, room_log
from yurt.wire.position import Position
from yurt.wire.problems import ProblemError


async def _copied(town: Town, tmp_path: Path, wear: str = "") -> tuple[Engine, Engine, bytes]:
    """Ana's vault is put back to how it was before her last message."""
    ana, bo, room = await together(town)
    await ana.send(room, "before", wait="accepted")
    await town.leave(ana)
    shutil.copytree(town.home("ana"), tmp_path / "copy")
    ana = await town.open("ana")
    if wear:
        await core_of(ana).vault.write(lambda tx: tx.execute(wear).rowcount)
    await ana.send(room, "from the other copy", wait="accepted")
    await bo.send(room, "heard by the other copy", wait="accepted")
    await town.leave(ana)
    shutil.rmtree(town.home("ana"))
    shutil.copytree(tmp_path / "copy", town.home("ana"))
    return await town.open("ana"), bo, room


async def test_restored_copy_comes_back(town: Town, tmp_path: Path) -> None:
    """An older copy of a vault is noticed, its keys are wiped, and it comes back by itself with new ones."""
    ana, bo, room = await _copied(town, tmp_path)

    held = await ana.send(room, "who am I?")
    told = await line(ana, room, reason="stopped")
    back = await line(ana, room, reason="resynced")
    heard = await line(bo, room, text="who am I?")
    await bo.send(room, "welcome back", wait="accepted")
    answer = await line(ana, room, text="welcome back")
    others = [item.text for item in await bo.timeline(room) if item.kind == "roster"]

    assert held.state == "queued"
    assert "older copy of the vault" in told.text
    assert "by itself" in told.text
    assert "you came back" in back.text
    assert heard.reason == ""
    assert answer.reason == ""
    assert others[-1].startswith(f"{ANA} came back with a device that had lost its place")
    assert "cannot be read on this device" in (await line(ana, room, reason="gap")).text


async def test_commit_of_our_leaf_waits_for_the_person(town: Town, tmp_path: Path) -> None:
    """Somebody committed with our keys: that is shown and stays so, until the person says go on."""
    ana, bo, room = await _copied(town, tmp_path, "UPDATE own_leaf SET born = 0")
    told = await line(ana, room, reason="stopped")
    (view,) = await ana.rooms()
    offered = len(town.node.appends)

    await ana.call(ResyncRoom(room), Nothing)
    await ana.send(room, "it was me", wait="accepted")
    heard = await line(bo, room, text="it was me")

    assert view.stopped == "commitOfOwnLeaf"
    assert "revoke the device" in told.text
    assert "yurt room resync" in told.text
    assert heard.reason == ""
    assert len(town.node.appends) > offered


async def test_gap_is_named_and_closed(town: Town) -> None:
    """Rows that are gone for good stop a room for a moment, and what was in them is said."""
    ana, bo, room = await together(town)
    await bo.send(room, "one", wait="accepted")
    await line(ana, room, text="one")
    place = town.node.logs[room_log(room)][-1].position

    await core_of(ana).session._started.sink.gap(  # pyright: ignore[reportPrivateUsage]  # as the node says it
        Gap(room_log(room), place, Position(place.term, place.seq + 3), "retention")
    )
    await line(ana, room, reason="resynced")
    await bo.send(room, "two", wait="accepted")

    assert (await line(ana, room, text="two")).reason == ""
    assert "retention" in (await line(ana, room, reason="stopped")).text


async def test_stranger_does_not_vouch(town: Town) -> None:
    """A GroupInfo that nobody known here signed is not entered: the room waits, and says for what."""
    ana, bo, room = await together(town)
    await bo.send(room, "my commit is the newest", wait="accepted")
    await line(ana, room, text="my commit is the newest")
    core = core_of(ana)
    people = f'[["{core.account.did}", "{core.account.actor}"]]'
    await core.vault.write(lambda tx: tx.execute("UPDATE room SET people = ?", (people,)))

    with pytest.raises(ProblemError) as refused:
        await ana.call(ResyncRoom(room), Nothing)
    told = await line(ana, room, reason="notBack")

    assert refused.value.problem.detail["rule"] == "nobodyKnown"
    assert "vouches" in told.text
    assert (await ana.rooms())[0].stopped == "byHand"


async def test_older_room_is_refused(town: Town) -> None:
    """A hub that serves the room as it was before is not followed back there."""
    ana, bo, room = await together(town)
    await bo.send(room, "a key of mine", wait="accepted")
    await line(ana, room, text="a key of mine")
    core = core_of(ana)
    await core.vault.write(lambda tx: tx.execute("UPDATE room SET epoch = epoch + 5"))

    with pytest.raises(ProblemError) as refused:
        await ana.call(ResyncRoom(room), Nothing)

    assert refused.value.problem.detail["rule"] == "olderRoom"
    assert (await ana.rooms())[0].stopped == "byHand"
    assert BO in (await ana.rooms())[0].participants


@pytest.mark.parametrize(
    ("loss", "code"),
    [
        ("UPDATE mls SET value = zeroblob(length(value)) WHERE slot LIKE 'private/%'", "decryptionFailed"),
        ("DELETE FROM mls", "stateLost"),
    ],
    ids=["keys", "everything"],
)
async def test_lost_keys(town: Town, loss: str, code: str) -> None:
    """A valid commit that our keys do not open costs a resync, and nothing of what waits is lost."""
    ana, bo, room = await together(town)
    await bo.send(room, "bo makes a key", wait="accepted")
    await line(ana, room, text="bo makes a key")
    await town.leave(ana)
    ana = await town.open("ana")
    await core_of(ana).vault.write(lambda tx: tx.execute(loss).rowcount)
    core_of(ana).groups.clear()

    await _commit(bo, room)
    stopped = await line(ana, room, reason="stopped")
    await line(ana, room, reason="resynced")
    await ana.send(room, "here again", wait="accepted")

    assert code in stopped.text
    assert (await line(bo, room, text="here again")).reason == ""


async def _commit(engine: Engine, room: bytes) -> None:
    """Somebody's leaf is worn out, so that a commit goes before what they say."""
    await core_of(engine).vault.write(lambda tx: tx.execute("UPDATE own_leaf SET born = 0").rowcount)
    await engine.send(room, "a new key", wait="accepted")

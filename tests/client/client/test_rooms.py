"""Rooms stay safe when a hub lies, people change or somebody goes."""

import asyncio
from dataclasses import replace

import pytest
from sqlcipher3.dbapi2 import Connection

from yurt.client.engine import Engine
from yurt.client.rooms.own_leaf import commit_data, renewed_leaf
from yurt.client.testing import Town
from yurt.client.testing_node import HARBOUR
from yurt.client.testing_rooms import line
from yurt.client.testing_waits import PATIENCE_S
from yurt.mls.group import Group
from yurt.mls.staging import StagedCommit
from yurt.rooms.common.participants import participants_of
from yurt.wire.frames import room_log
from yurt.wire.problems import ProblemError
from yurt.wire.registry import EntryKind, InboxKind

BO = f"bo@{HARBOUR}"


async def _count(engine: Engine, query: str) -> int:
    vault = engine._core.vault  # pyright: ignore[reportPrivateUsage]  # a test looks inside
    (count,) = await vault.read(lambda tx: tx.execute(query).fetchone())
    return int(count)


async def _together(town: Town) -> tuple[Engine, Engine, bytes]:
    ana, bo = await asyncio.gather(town.join("ana"), town.join("bo"))
    room = (await ana.create_room("harbour watch")).room
    await ana.invite(room, BO)
    await line(bo, room, kind="roster")
    return ana, bo, room


async def test_roster_is_told(town: Town) -> None:
    """Everybody reads who added whom, and in which epoch."""
    ana, bo, room = await _together(town)

    told = await line(ana, room, kind="roster")
    # Plainly, once the node has confirmed her address.
    joined = await line(bo, room, text=f"ana@{HARBOUR} added you (epoch 2)")

    assert told.text == f"ana@{HARBOUR} added {BO} (epoch 2)"
    assert joined.kind == "roster"


async def test_invite_again(town: Town) -> None:
    """Inviting somebody who is there changes nothing and claims nothing."""
    ana, _, room = await _together(town)
    left = len(town.node.residents["bo"].packages)

    again = await ana.invite(room, BO)

    assert again.state == "participant"
    assert len(town.node.residents["bo"].packages) == left


async def test_garbage_in_the_log(town: Town) -> None:
    """What cannot be read is one line with a reason, is counted, and stops nothing."""
    ana, bo, room = await _together(town)
    sent = await ana.send(room, "before", wait="accepted")
    entry = town.node.messages(room)[-1].body

    await town.node.inject(room, EntryKind.MESSAGE, entry[:-1] + bytes([entry[-1] ^ 1]))
    await town.node.inject(room, 77, b"from a later release")
    await ana.send(room, "after", wait="accepted")
    await line(bo, room, kind="message", text="after")
    (view,) = await bo.rooms()
    reasons = [item.reason for item in await bo.timeline(room) if item.kind == "undecryptable"]

    assert sent.state == "accepted"
    assert len(reasons) == view.undecryptable == 1
    assert reasons[0]
    assert not view.stopped


async def test_replayed_message(town: Town) -> None:
    """A message that the hub delivers a second time is shown once."""
    ana, bo, room = await _together(town)
    await ana.send(room, "once", wait="accepted")
    await line(bo, room, kind="message", text="once")

    await town.node.inject(room, EntryKind.MESSAGE, town.node.messages(room)[-1].body)
    await line(bo, room, kind="undecryptable")

    shown = [item for item in await bo.timeline(room) if item.kind == "message"]
    assert len(shown) == 1


async def test_commit_that_nobody_may_follow(town: Town) -> None:
    """A hub that accepts an invalid commit stops the room here; nothing is sent into it any more."""
    _, bo, room = await _together(town)
    commits = [row for row in town.node.logs[room_log(room)] if row.kind == EntryKind.COMMIT]

    await town.node.inject(room, EntryKind.COMMIT, commits[0].body)
    told = await line(bo, room, reason="stopped")
    with pytest.raises(ProblemError, match="stopped") as refused:
        await bo.send(room, "is anybody there?")

    assert refused.value.problem.code == "notAllowed"
    assert "nothing is sent into it" in told.text


async def test_forked_log(town: Town) -> None:
    """A row whose chain does not continue the log stops the room."""
    ana, bo, room = await _together(town)
    await town.node.stop()
    rows = town.node.logs[room_log(room)]
    await ana.send(room, "never sent")
    state = town.node.rooms[room]
    town.node.rooms[room] = replace(state, chain=bytes(32))
    await town.node.start()

    told = await line(bo, room, reason="stopped")

    assert "logForked" in told.text
    assert len(rows) >= 3


async def test_removed(town: Town) -> None:
    """Who was removed is told so, keeps what was read, and can send nothing more."""
    ana, bo, room = await _together(town)
    await ana.send(room, "goodbye", wait="accepted")
    await line(bo, room, kind="message", text="goodbye")
    core, committer = ana._core, ana._committer  # pyright: ignore[reportPrivateUsage]  # a test looks inside

    def stage(_tx: Connection, group: Group) -> StagedCommit:
        gone = [m.index for m in participants_of(group.tree).members if m.did != core.account.did]
        return group.stage_commit(
            removes=gone, leaf=renewed_leaf(core, group), authenticated_data=commit_data(core)
        )

    async with core.lock(room):
        await committer.commit(room, "remove", stage)
    told = await line(bo, room, text=f"ana@{HARBOUR} removed {BO} (epoch 3)")
    with pytest.raises(ProblemError, match="no longer in this room"):
        await bo.send(room, "wait")
    (view,) = await bo.rooms()
    rows = await _count(bo, "SELECT count(*) FROM mls")

    assert told.kind == "roster"
    assert view.removed
    assert rows == 0  # no secret of the room is left


async def test_second_welcome(town: Town) -> None:
    """A Welcome for a known room changes nothing, wherever it comes from."""
    ana, bo, room = await _together(town)
    await ana.send(room, "hello", wait="accepted")
    await line(bo, room, kind="message", text="hello")
    before = await bo.timeline(room)

    welcome = town.node.logs["inbox/bo"][0]
    town.node.post("bo", InboxKind.WELCOME, welcome.body)
    town.node.post("bo", 99, b"from a later release")
    await town.node.ring("inbox")
    await ana.send(room, "and again", wait="accepted")
    await line(bo, room, kind="message", text="and again")

    after = await bo.timeline(room)
    assert after[: len(before)] == before
    assert len(after) == len(before) + 1


async def test_used_key_package_is_gone(town: Town) -> None:
    """The private keys of a key package go in the moment that it let somebody in."""
    _, bo, _ = await _together(town)

    kept = await _count(bo, "SELECT count(*) FROM key_package")

    assert kept % 20 == 19


async def test_changed_did_blocks_sending(town: Town) -> None:
    """If an address means somebody else now, nothing is sent to it until a person has decided."""
    ana, bo, room = await _together(town)
    await ana.send(room, "before", wait="accepted")
    eve = await town.join("eve")
    real, false = town.node.residents["bo"], town.node.residents["eve"]
    town.node.residents["bo"] = replace(real, join=false.join, did=false.did)

    with pytest.raises(ProblemError) as refused:
        await ana.invite(room, BO)
    held = await ana.send(room, "is it you?")
    told = await line(ana, room, content_id=held.content_id, reason="didChanged")

    assert refused.value.problem.detail == {"rule": "didChanged"}
    assert told.state == "queued"
    assert await eve.sync(PATIENCE_S)
    assert await bo.sync(PATIENCE_S)


async def test_unusable_address(town: Town) -> None:
    """An address that is none, or that nobody has, is refused in one line."""
    ana = await town.join("ana")
    room = (await ana.create_room("alone")).room

    codes = list[str]()
    for address in ("bo", "bo@", "nobody@harbour.example", "\x1b@x"):
        with pytest.raises(ProblemError) as refused:
            await ana.invite(room, address)
        codes.append(refused.value.problem.code)

    assert codes == ["badRequest", "badRequest", "notFound", "badRequest"]


async def test_expired_token(town: Town) -> None:
    """A device whose token is over signs in again by itself."""
    ana = await town.join("ana")
    await town.leave(ana)
    town.node.residents["ana"].token = "another"

    ana = await town.open("ana")

    assert await ana.sync(PATIENCE_S)
    assert (await ana.status()).live


async def test_an_answer_to_a_claim_is_lost(town: Town) -> None:
    """The same claim is made once more, so nobody's key packages are spent on nothing."""
    ana, bo = await asyncio.gather(town.join("ana"), town.join("bo"))
    room = (await ana.create_room("harbour watch")).room
    town.node.lose_claims = 1

    assert (await ana.invite(room, BO)).state == "invited"

    await line(bo, room, kind="roster")

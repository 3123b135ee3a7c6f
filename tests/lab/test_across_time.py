"""Away for an hour, for days, for a month: reading goes on, and all comes after, once and in order."""

import asyncio
import os
from collections.abc import Sequence
from typing import Final

import pytest

from yurt.client.api import RoomView
from yurt.client.invitations.calls import LinkView, MakeLink
from yurt.lab.world.people import Person, until
from yurt.lab.world.town import Town
from yurt.wire.command import Done
from yurt.wire.people_commands import Block, Unblock

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOUR: Final = 3_600.0
DAY: Final = 24 * HOUR
NOTICED_S: Final = 1.2
"""Everybody looks at the network map once a second, and nobody says when."""


class Calendar:
    """What time it is in the town; only forwards."""

    now: float = 0.0

    @classmethod
    async def pass_by(cls, town: Town, seconds: float) -> None:
        """Let time pass for every node and every person."""
        cls.now += seconds
        for who in (*town.world.nodes, *(person.address for person in town.world.people)):
            town.world.network.shift_clock(who, cls.now)
        await asyncio.sleep(NOTICED_S)


async def view_of(person: Person, room: bytes) -> RoomView:
    """How a room looks to somebody."""
    return next(view for view in await person.engine.rooms() if view.room == room)


async def say(person: Person, room: bytes, texts: Sequence[str]) -> None:
    """Say some things and wait for each."""
    for text in texts:
        await person.engine.send(room, text, wait="accepted")


async def test_hub_away_for_an_hour(town: Town) -> None:
    """Who has read goes on reading; what is written waits on both sides, and arrives once and in order."""
    room, by_ana, by_bo = town.room, [f"hour: ana {n}" for n in range(5)], [f"hour: bo {n}" for n in range(5)]
    await say(town.ana, room, ["hour: before"])
    await town.bo.reads(room, "hour: before")

    await town.harbour.kill()
    for mine, yours in zip(by_ana, by_bo, strict=True):
        assert (await town.ana.engine.send(room, mine)).state == "queued"
        assert (await town.bo.engine.send(room, yours)).state == "queued"
    await Calendar.pass_by(town, HOUR)
    assert await town.said(town.bo, "hour") == ["hour: before"]
    assert [item.text for item in await town.bo.engine.search("before")] == ["hour: before"]
    assert (await view_of(town.bo, room)).outbox >= len(by_bo)  # a read mark may wait with them
    await town.harbour.start()

    for person in (town.ana, town.bo):
        for texts in (by_ana, by_bo):
            await person.has(room, texts[-1])
    assert await town.said(town.ana, "hour: ana") == by_ana
    assert await town.said(town.bo, "hour: bo") == by_bo
    assert await town.said(town.ana, "hour") == await town.said(town.bo, "hour")


async def test_member_node_away_for_days(town: Town) -> None:
    """A node that was off for three days takes in all that it missed: messages, commits, people."""
    room, texts = town.room, [f"days: {n}" for n in range(6)]

    await town.hilltop.kill()
    await Calendar.pass_by(town, 3 * DAY)
    for day in range(3):
        await say(town.ana, room, texts[2 * day : 2 * day + 2])
        await town.ana.engine.set_role(room, town.bo.address, ("moderator", "member", "moderator")[day])
    await town.hilltop.start()

    await town.bo.reads(room, texts[-1])
    assert await town.said(town.bo, "days") == texts
    assert [one.role for one in await town.bo.engine.participants(room) if one.own] == ["moderator"]
    await say(town.bo, room, ["days: back again"])
    await town.ana.reads(room, "days: back again")


async def test_device_away_for_a_month(town: Town) -> None:
    """A device that was off for a month reads what was said meanwhile, speaks, and has lost nothing."""
    room, texts = town.room, [f"month: {n}" for n in range(15)]

    await town.bo.close()
    for ten_days in range(3):
        await Calendar.pass_by(town, 10 * DAY)
        await say(town.ana, room, texts[5 * ten_days : 5 * ten_days + 5])
    await town.bo.reopen()

    await town.bo.reads(room, texts[-1])
    assert await town.said(town.bo, "month") == texts
    assert (await town.bo.engine.status()).undecryptable == 0
    await say(town.bo, room, ["month: back again"])
    await town.ana.reads(room, "month: back again")


async def test_a_block_breaks_no_epoch(town: Town) -> None:
    """Ana blocks Bo: his commits and hers go on, and others read both."""
    room = town.room
    await town.ana.engine.set_role(room, town.bo.address, "admin")

    async def is_admin() -> bool:
        return any(one.own and one.role == "admin" for one in await town.bo.engine.participants(room))

    await until(is_admin, "bo is an admin")
    await town.ana.engine.ask_node(Block(address=town.bo.address), Done)
    await town.bo.engine.call(MakeLink(room=room, secret=os.urandom(16)), LinkView)
    await say(town.bo, room, ["block: bo"])
    await town.ana.engine.call(MakeLink(room=room, secret=os.urandom(16)), LinkView)
    await say(town.ana, room, ["block: ana"])
    await town.bo.reads(room, "block: ana")

    async def in_one_epoch() -> bool:
        return (await view_of(town.bo, room)).epoch == (await view_of(town.ana, room)).epoch

    await until(in_one_epoch, "both are in one epoch")
    assert {(await one.engine.status()).undecryptable for one in (town.ana, town.bo)} == {0}
    await town.ana.engine.ask_node(Unblock(address=town.bo.address), Done)

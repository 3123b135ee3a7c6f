"""A message that was written before somebody came and placed after: named, asked for, told, in its place."""

import asyncio

import pytest

from yurt.client.api import PersonView
from yurt.client.history import granting
from yurt.client.history.calls import InviteWithHistory
from yurt.client.testing import Town
from yurt.client.testing_rooms import ANA, BO, line, together
from yurt.client.vault.raced import BEFORE_YOU

CY = "cy@harbour.example"


async def test_a_message_that_raced_the_add_is_told_by_others(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its line has a reason first, then its words, at the same place, with who vouches for them."""
    monkeypatch.setattr(granting, "MAX_ANSWER_DELAY_MS", 2)
    ana, bo, room = await together(town)
    cy = await town.join("cy")
    await ana.send(room, "long before", wait="accepted")
    await line(bo, room, text="long before")
    offered = len(town.node.appends)
    town.node.way = asyncio.Event()
    await bo.send(room, "just before")
    await town.node.offered(offered + 1)

    await ana.call(InviteWithHistory(room=room, address=CY), PersonView)
    town.node.way.set()
    await ana.send(room, "welcome", wait="accepted")

    raced = await line(cy, room, kind="undecryptable")
    assert raced.reason == BEFORE_YOU
    told = await line(cy, room, text="just before")
    assert (told.item, told.position, told.vouched_by) == (raced.item, raced.position, ANA)
    assert told.address.startswith(BO)
    seen = [one.text for one in await cy.timeline(room) if one.kind == "message"]
    assert seen == ["long before", "just before", "welcome"]
    assert (await cy.status()).undecryptable == 0
    assert [one.text for one in await cy.search("just")] == ["just before"]


async def test_whoever_is_given_no_history_is_not_told(town: Town) -> None:
    """The line stays, with its reason; nobody is asked for what may not be told."""
    ana, bo, room = await together(town)
    cy = await town.join("cy")
    offered = len(town.node.appends)
    town.node.way = asyncio.Event()
    await bo.send(room, "just before")
    await town.node.offered(offered + 1)

    await ana.invite(room, CY)
    town.node.way.set()
    await ana.send(room, "welcome", wait="accepted")

    assert (await line(cy, room, kind="undecryptable")).reason == BEFORE_YOU
    await line(cy, room, text="welcome")
    await line(ana, room, text="just before")
    assert [one.text for one in await cy.timeline(room) if one.kind == "message"] == ["welcome"]

"""One order for everybody, whatever happens on the way."""

import asyncio

import pytest

from yurt.lab.world.people import Person, follow, sign_in
from yurt.lab.world.town import Town
from yurt.lab.world.world import HARBOUR, HILLTOP

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def say(person: Person, room: bytes, texts: list[str]) -> None:
    """Say some things, one after the other."""
    for text in texts:
        await person.engine.send(room, text, wait="accepted")


def numbered(mark: str, count: int) -> list[str]:
    """Some texts that begin with a mark."""
    return [f"{mark} {number}" for number in range(count)]


async def test_two_append_at_once(town: Town) -> None:
    """Two clients that write at the same time end with the same order of all messages."""
    by_ana, by_bo = numbered("at once: ana", 15), numbered("at once: bo", 15)

    await asyncio.gather(say(town.ana, town.room, by_ana), say(town.bo, town.room, by_bo))
    for person in (town.ana, town.bo):
        for texts in (by_ana, by_bo):
            await person.has(town.room, texts[-1])

    assert await town.said(town.ana, "at once") == await town.said(town.bo, "at once")
    assert await town.said(town.bo, "at once: ana") == by_ana
    assert await town.said(town.ana, "at once: bo") == by_bo


async def test_resumed_after_disconnect(town: Town) -> None:
    """What was said while a client had no connection is there when it is back, once each."""
    way, texts = town.world.links[town.bo.address, HILLTOP], numbered("resumed", 5)

    way.cut()
    await say(town.ana, town.room, texts)
    way.restore()

    await town.bo.reads(town.room, texts[-1])
    assert await town.said(town.bo, "resumed") == texts


async def test_nodes_cut_from_each_other(town: Town) -> None:
    """When the way between two nodes is back, the member node gets what it missed, in order."""
    way, texts = town.world.links[HARBOUR, HILLTOP], numbered("cut", 5)

    way.cut()
    await say(town.ana, town.room, texts)
    way.restore()

    await town.bo.reads(town.room, texts[-1])
    assert await town.said(town.bo, "cut") == texts


async def test_hub_away_and_back(town: Town) -> None:
    """While a room's hub is away, messages wait in the outbox of their author, and then arrive in order."""
    texts = numbered("hub away", 5)

    await town.harbour.kill()
    sent = [await town.bo.engine.send(town.room, text) for text in texts]
    await town.harbour.start()

    assert {one.state for one in sent} == {"queued"}
    await town.ana.reads(town.room, texts[-1])
    assert await town.said(town.ana, "hub away") == texts


async def test_member_node_away_and_back(town: Town) -> None:
    """A member node that was away gets what it missed from the hub."""
    texts = numbered("member away", 5)

    await town.hilltop.kill()
    await say(town.ana, town.room, texts)
    await town.hilltop.start()

    await town.bo.reads(town.room, texts[-1])
    assert await town.said(town.bo, "member away") == texts


async def test_token_is_over(town: Town) -> None:
    """A device whose token counts no more signs in again by itself, and nothing that waited is lost."""
    device = (await town.ana.engine.status()).device_id
    await sign_in(town.harbour, town.ana.name, device)  # the same device again: its token from before is over

    await town.harbour.restart()
    await town.ana.engine.send(town.room, "token: over")

    await town.bo.reads(town.room, "token: over")


async def test_newcomer_reads_nothing_from_before(town: Town) -> None:
    """Whoever joins reads from there on, and nothing from before is even sent to them."""
    cy = await town.world.person("cy", HILLTOP)
    await follow(cy, town.ana)
    await say(town.ana, town.room, ["before cy"])

    await town.ana.engine.invite(town.room, cy.address)
    await cy.enters(town.room)
    await say(town.ana, town.room, ["welcome, cy"])
    await cy.reads(town.room, "welcome, cy")

    assert await cy.texts(town.room) == ["welcome, cy"]
    assert (await cy.engine.status()).undecryptable == 0

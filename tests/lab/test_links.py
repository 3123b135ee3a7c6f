"""Joining by link, leaving and bans, with real nodes and engines: from a URL to the first message read."""

import asyncio
import os
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from yurt.client.api import RoomView
from yurt.client.calls import Nothing
from yurt.client.invitations import departures
from yurt.client.invitations.calls import (
    Ban,
    JoinByLink,
    JoinView,
    LeaveRoom,
    LeftView,
    LinkView,
    MakeLink,
    Unban,
)
from yurt.lab.world.people import Person, until
from yurt.lab.world.world import HARBOUR, HILLTOP, World
from yurt.wire.problems import ProblemError

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    """Two nodes."""
    async with World.open(tmp_path_factory.mktemp("links")) as world:
        yield world


async def link_of(host: Person, room: bytes, *, uses: int = 1, account: bool = False) -> str:
    """Make a link."""
    call = MakeLink(room=room, secret=os.urandom(16), uses=uses, account=account)
    return (await host.engine.call(call, LinkView)).url


async def joins(guest: Person, url: str, within: float = 20.0) -> JoinView:
    """Use a link."""
    return await guest.engine.call(JoinByLink(url=url, within=within), JoinView)


async def view_of(person: Person, room: bytes) -> RoomView:
    """How a room looks to somebody."""
    return next(view for view in await person.engine.rooms() if view.room == room)


async def inside(person: Person, room: bytes) -> None:
    """Wait until somebody is in a room."""

    async def there() -> bool:
        return any(v.room == room and not v.waiting and not v.refused for v in await person.engine.rooms())

    await until(there, f"{person.name} is let in")


async def outside(person: Person, room: bytes, address: str) -> None:
    """Wait until somebody sees that somebody is gone."""

    async def gone() -> bool:
        return address not in (await view_of(person, room)).participants

    await until(gone, f"{address} is out")


async def test_from_link_to_leave_across_nodes(world: World) -> None:
    """Bo of another node, whom Ana never met, joins by link, speaks, leaves; a used-up link leads nowhere."""
    ana, bo = await world.person("ana", HARBOUR), await world.person("bo", HILLTOP)
    room = (await ana.engine.create_room("tea")).room
    url = await link_of(ana, room)

    joined = await joins(bo, url)
    assert (joined.state, joined.name, joined.room) == ("joined", "tea", room)
    await ana.engine.send(room, "welcome, bo")
    await bo.reads(room, "welcome, bo")
    await bo.engine.send(room, "hello, ana")
    await ana.reads(room, "hello, ana")

    await bo.engine.call(LeaveRoom(room=room), LeftView)
    assert (await view_of(bo, room)).left
    with pytest.raises(ProblemError, match="you have left"):
        await bo.engine.send(room, "one more thing")
    await ana.sees(room, lambda item: "wants to leave" in item.text)
    await ana.engine.send(room, "he is gone")  # before the next message, his leaf goes
    await ana.has(room, "he is gone")
    await outside(ana, room, bo.address)
    await until(lambda: _done_leaving(bo, room), "bo hears that he is out")

    with pytest.raises(ProblemError, match="leads nowhere"):
        await joins(bo, url)


async def _done_leaving(person: Person, room: bytes) -> bool:
    return (await person.engine.call(LeaveRoom(room=room), LeftView)).done


async def test_waiting_survives_everything(world: World) -> None:
    """Nobody of the room is online: the request outlives every process, until somebody comes."""
    cy, dee = await world.person("cy", HARBOUR), await world.person("dee", HILLTOP)
    room = (await cy.engine.create_room("later")).room
    url = await link_of(cy, room)
    await cy.close()

    waiting = await joins(dee, url, within=0.5)
    assert waiting.state == "waiting"
    assert (await view_of(dee, room)).waiting
    await dee.close()
    for domain in (HARBOUR, HILLTOP):
        await world.nodes[domain].kill()
        await world.nodes[domain].start()
    await cy.reopen()
    await dee.reopen()

    await inside(dee, room)
    await cy.engine.send(room, "there you are")
    await dee.reads(room, "there you are")


async def test_ban(world: World) -> None:
    """A ban removes, and holds against links; the answer is that of a link that leads nowhere."""
    eve, fay = await world.person("eve", HARBOUR), await world.person("fay", HILLTOP)
    room = (await eve.engine.create_room("quiet")).room
    url = await link_of(eve, room, uses=3)
    await joins(fay, url)

    await eve.engine.call(Ban(room=room, address=fay.address), Nothing)
    await eve.sees(room, lambda item: item.text.startswith(f"{eve.address} banned {fay.address}"))
    await fay.sees(room, lambda item: "removed" in item.text)
    with pytest.raises(ProblemError, match="leads nowhere"):
        await joins(fay, url)

    await eve.engine.call(Unban(room=room, address=fay.address), Nothing)
    assert (await joins(fay, url)).state == "joined"


async def test_race_for_one_use(world: World) -> None:
    """Five run for a link of one use: one is in, the others are told in one line."""
    gus = await world.person("gus", HARBOUR)
    room = (await gus.engine.create_room("one chair")).room
    url = await link_of(gus, room)
    runners = await asyncio.gather(*(world.person(f"runner{n}", (HARBOUR, HILLTOP)[n % 2]) for n in range(5)))

    answers = await asyncio.gather(*(joins(one, url) for one in runners), return_exceptions=True)

    assert [type(answer) for answer in answers].count(JoinView) == 1, answers
    assert all("leads nowhere" in str(a) for a in answers if not isinstance(a, JoinView)), answers

    async def two() -> bool:
        return len((await view_of(gus, room)).participants) == 2

    await until(two, "gus sees who was first")


async def test_owner_leaves_while_nobody_speaks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's client takes her out by itself, over restarts; whoever is next acts as the owner."""
    hal, ida, jo = [await world.person(name, HARBOUR) for name in ("hal", "ida", "jo")]
    room = (await hal.engine.create_room("after hal")).room
    url = await link_of(hal, room, uses=2)
    for guest in (ida, jo):
        await joins(guest, url)
        await inside(guest, room)
    await ida.close()
    await jo.close()

    await hal.engine.send(room, "goodbye")
    await hal.has(room, "goodbye")
    left = await hal.engine.call(LeaveRoom(room=room), LeftView)
    assert not left.done
    await hal.close()
    await hal.reopen()
    assert (await view_of(hal, room)).left
    for who in ("MODERATORS_S", "MEMBERS_S"):  # a story cannot wait a minute
        monkeypatch.setattr(departures, who, (0.0, 0.1))
    await ida.reopen()
    await outside(ida, room, hal.address)
    await until(lambda: _done_leaving(hal, room), "hal hears that he is out")
    await jo.reopen()
    await jo.sees(room, lambda item: item.text.startswith(f"{ida.address} now acts as the owner"))
    assert [p.role for p in await ida.engine.participants(room) if p.own] == ["owner"]

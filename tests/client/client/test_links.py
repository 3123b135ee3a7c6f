"""Letting people in: what a hub hands over is believed as little as if the hub were the attacker."""

import asyncio
import os
from dataclasses import replace

import pytest
from sqlcipher3.dbapi2 import Connection

from yurt.client.calls import Nothing
from yurt.client.devices.each_room import unsettled
from yurt.client.devices.own_record import own_record
from yurt.client.engine import Engine
from yurt.client.errors import UsageError
from yurt.client.identity import KeepPhrase
from yurt.client.invitations.calls import EndLink, JoinByLink, JoinView, Links, LinkView, ListLinks, MakeLink
from yurt.client.people_calls import ConfirmRoom
from yurt.client.testing import Town
from yurt.client.testing_node import HARBOUR
from yurt.client.testing_rooms import ANA, BO, core_of, line
from yurt.client.testing_waits import PATIENCE_S
from yurt.client.vault import joinings, people
from yurt.client.vault.joinings import Joining
from yurt.identity.device import DeviceKeys
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import next_record
from yurt.rooms.common.join_request import JoinRequest
from yurt.wire.problems import ProblemError


async def test_hub_lends_nonsense_with_the_good(town: Town) -> None:
    """Garbage, a forged proof, bo's package under eve's proof: left out; bo, who asks honestly, is in."""
    ana, bo, eve = await asyncio.gather(*(town.join(name) for name in ("ana", "bo", "eve")))
    room = (await ana.create_room("tea")).room
    link = await ana.call(MakeLink(room=room, secret=os.urandom(16), uses=3), LinkView)
    await town.leave(ana)
    for guest in (bo, eve):
        view = await guest.call(JoinByLink(url=link.url, within=0.1), JoinView)
        assert view.state == "waiting"
    await town.leave(eve)  # her client would ask again, honestly
    bos, eves = (JoinRequest.decode(data) for data in town.node.waiting[room])
    town.node.waiting[room] = [
        b"garbage",
        JoinRequest(eves.key_package, eves.proof[:-64] + bytes(64)).encode(),
        JoinRequest(bos.key_package, eves.proof).encode(),
        bos.encode(),
    ]

    ana = await town.open("ana")

    await line(bo, room, kind="roster")
    people = {one.did for one in await ana.participants(room)}
    assert people == {(await engine.status()).did for engine in (ana, bo)}
    left = await ana.call(ListLinks(room=room), Links)
    assert [one.uses_left for one in left.links] == [2]


async def test_a_request_for_one_room_is_no_yes_to_another(town: Town) -> None:
    """A hub that hands the key package on to somebody with another room brings nobody into that."""
    ana, bo = await asyncio.gather(town.join("ana"), town.join("bo"))
    assert await bo.sync(PATIENCE_S)  # bo's key packages are out; now each of them went with a request of his

    def ask(tx: Connection) -> None:
        for (ref,) in tx.execute("SELECT ref FROM key_package").fetchall():
            joinings.save(
                tx, Joining(os.urandom(32), "tea", "harbour.example", b"", ref, "refused", "", 0, 1)
            )

    await core_of(bo).write(ask)
    room = (await ana.create_room("not tea")).room
    await ana.invite(room, BO)
    refused = await line(bo, room, kind="notice")
    assert "wrongRoom" in refused.text
    assert room not in {one.room for one in await bo.rooms()}


async def by_link_of(
    town: Town, maker: str, keep_phrase: KeepPhrase = lambda _: None
) -> tuple[Engine, Engine, bytes]:
    """Bo, whose phrase is kept, came into Ana's room by a link that says to be of somebody."""
    ana, bo, eve = await asyncio.gather(town.join("ana"), town.join("bo", keep_phrase), town.join("eve"))
    room = (await ana.create_room("tea")).room
    link = await ana.call(MakeLink(room=room, secret=os.urandom(16)), LinkView)
    did = (await {"ana": ana, "eve": eve}[maker].status()).did
    await town.leave(ana)
    await bo.call(JoinByLink(url=link.url, within=0.1), JoinView)

    def change(tx: Connection) -> None:
        tx.execute("UPDATE joining SET inviter = ?", (did,))

    await core_of(bo).write(change)
    ana = await town.open("ana")
    await line(bo, room, kind="roster")
    return ana, bo, room


async def test_who_made_the_link_is_met_by_it(town: Town) -> None:
    """The did came on a way that no node saw: whoever has it here is pinned, once their node knows them."""
    _, bo, room = await by_link_of(town, "ana")

    assert (await bo.send(room, "hello", wait="accepted")).state == "accepted"

    def pinned(tx: Connection) -> bool:
        return people.by_address(tx, ANA) is not None

    assert await core_of(bo).until(pinned, 15.0)
    assert not [item for item in await bo.timeline(room) if item.reason == "inviterMissing"]


async def test_room_without_the_maker_of_the_link(town: Town) -> None:
    """A hub that answers a link with a room of its own hears nothing, until the person says so."""
    _, bo, room = await by_link_of(town, "eve")

    sent = await bo.send(room, "is anybody here?")
    held = await line(bo, room, content_id=sent.content_id, reason="inviterMissing")
    await bo.call(ConfirmRoom(room), Nothing)

    assert held.state == "queued"
    await line(bo, room, content_id=sent.content_id, state="accepted")


async def test_no_other_device_is_brought_to_a_room_without_the_maker(town: Town) -> None:
    """It would not know that what is said there has to wait; confirmed, the room is like any other."""
    phrases = list[RecoveryPhrase]()
    _, bo, room = await by_link_of(town, "eve", keep_phrase=phrases.append)
    core = core_of(bo)
    before, identity = own_record(core.account), phrases[0].identity_key()
    tablet = (DeviceKeys.generate().public, core.now_s + 86_400)
    after = next_record(before, identity, time=core.now_s, add=[tablet])
    core.account = replace(core.account, record=after.encode())

    held = await core.write(lambda tx: unsettled(core, tx))
    await bo.call(ConfirmRoom(room), Nothing)
    let_go = await core.write(lambda tx: unsettled(core, tx))

    assert (held, let_go) == ([], [room])


async def test_maker_of_the_link_comes_late(town: Town) -> None:
    """What waited for them goes by itself."""
    ana, bo, room = await by_link_of(town, "eve")
    sent = await bo.send(room, "is anybody here?")
    await line(bo, room, content_id=sent.content_id, reason="inviterMissing")

    await ana.invite(room, f"eve@{HARBOUR}")

    await line(bo, room, content_id=sent.content_id, state="accepted")


async def test_link_made_twice_is_one(town: Town) -> None:
    """The answer was lost and the same is asked again: one link, one commit; ended, it is gone."""
    ana = await town.join("ana")
    room = (await ana.create_room("tea")).room
    call = MakeLink(room=room, secret=os.urandom(16))

    first, again = await ana.call(call, LinkView), await ana.call(call, LinkView)

    assert first.url == again.url
    assert len((await ana.call(ListLinks(room=room), Links)).links) == 1
    await ana.call(EndLink(room=room, code=first.code), Nothing)
    assert not (await ana.call(ListLinks(room=room), Links)).links
    with pytest.raises(ProblemError, match="no link"):
        await ana.call(EndLink(room=room, code=first.code), Nothing)


async def test_link_that_was_copied_badly(town: Town) -> None:
    """Noticed here, before anybody is asked."""
    ana = await town.join("ana")
    room = (await ana.create_room("tea")).room
    url = (await ana.call(MakeLink(room=room, secret=os.urandom(16)), LinkView)).url

    for broken in (url[:-1], url.split("#", maxsplit=1)[0], url[:-22] + "A" * 22):
        with pytest.raises(UsageError):
            await ana.call(JoinByLink(url=broken), JoinView)

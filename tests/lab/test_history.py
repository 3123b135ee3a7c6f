"""History for joiners: given by who chose so, fetched over two nodes, marked with who vouches."""

import pytest

from yurt.client.api import PersonView, TimelineItem
from yurt.client.calls import Nothing
from yurt.client.consent.calls import AnswerInvitation, InvitationViews, ListInvitations
from yurt.client.history.calls import GiveHistory, GivenView, InviteWithHistory, LimitHistory
from yurt.lab.world.people import follow, meet
from yurt.lab.world.town import Town
from yurt.lab.world.world import HILLTOP
from yurt.wire.problems import ProblemError

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _lines(items: list[TimelineItem]) -> list[tuple[str, str, str]]:
    return [(one.text, one.name.strip("?"), one.vouched_by) for one in items if one.kind == "message"]


async def test_a_joiner_reads_what_was_said_before_if_the_inviter_chose_so(town: Town) -> None:
    """All that the vault of the inviter has: in order, edits done, with names, marked and searchable."""
    ana, bo = town.ana, town.bo
    cleo = await town.world.person("cleo", HILLTOP)
    await follow(cleo, ana)
    room = await meet(ana, bo, name="archive")
    await ana.engine.send(room, "the frist line", wait="accepted")
    first = await ana.has(room, "the frist line")
    await ana.engine.edit(room, first.item, "the first line", wait="accepted")
    await bo.engine.send(room, "the second line", wait="accepted")
    second = await ana.reads(room, "the second line")
    await ana.engine.react(room, second.item, "x", wait="accepted")
    gone = (await ana.engine.send(room, "never mind", wait="accepted")).item
    await ana.engine.delete(room, gone, wait="accepted")

    await ana.engine.call(InviteWithHistory(room=room, address=cleo.address), PersonView)
    await cleo.enters(room)
    await ana.engine.send(room, "welcome", wait="accepted")
    await cleo.reads(room, "welcome")
    await cleo.sees(room, lambda item: "vouches for them" in item.text)

    seen = [one for one in await cleo.engine.timeline(room) if one.kind == "message"]
    assert _lines(seen) == [
        ("the first line", "ana", ana.address),
        ("the second line", "bo", ana.address),
        ("welcome", "ana", ""),
    ]
    assert seen[0].edited
    assert [reaction.emoji for reaction in seen[1].reactions] == ["x"]
    assert [one.text for one in await cleo.engine.search("second")] == ["the second line"]
    await cleo.close()


async def test_who_is_invited_without_reads_nothing_before(town: Town) -> None:
    """Nothing is the rule; it may be given later, and not beyond what the room allows."""
    ana, bo = town.ana, town.bo
    dan = await town.world.person("dan", HILLTOP)
    await follow(dan, ana)
    room = await meet(ana, bo, name="closed book")
    await ana.engine.send(room, "before dan", wait="accepted")
    await ana.engine.invite(room, dan.address)
    await dan.enters(room)
    await ana.engine.send(room, "with dan", wait="accepted")
    await dan.reads(room, "with dan")
    assert [line[0] for line in _lines(await dan.engine.timeline(room))] == ["with dan"]

    await ana.engine.call(LimitHistory(room=room, seconds=0), Nothing)
    with pytest.raises(ProblemError, match="gives joiners no history"):
        await ana.engine.call(GiveHistory(room=room, address=dan.address), GivenView)

    await ana.engine.call(LimitHistory(room=room, seconds=3600), Nothing)
    given = await ana.engine.call(GiveHistory(room=room, address=dan.address), GivenView)
    assert given.devices == 1
    await dan.sees(room, lambda item: "vouches for them" in item.text)
    assert _lines(await dan.engine.timeline(room))[0] == ("before dan", "ana", ana.address)
    await dan.close()


async def test_a_stranger_asks_before_adding_somebody(town: Town) -> None:
    """No tie: the invitation waits for the person's yes, and is carried out by itself then."""
    ana = town.ana
    eve = await town.world.person("eve", HILLTOP)
    room = (await ana.engine.create_room("strangers")).room
    person = await ana.engine.invite(room, eve.address)
    assert person.state == "asked"
    (asks,) = (await eve.engine.call(ListInvitations(), InvitationViews)).invitations
    assert (asks.address, asks.room) == (ana.address, room)
    with pytest.raises(ProblemError, match="does not ask you"):
        await eve.engine.call(AnswerInvitation(address=town.bo.address, accept=True), Nothing)
    await eve.engine.call(AnswerInvitation(address=ana.address, accept=True), Nothing)
    await eve.enters(room)
    assert not (await eve.engine.call(ListInvitations(), InvitationViews)).invitations
    # Who refuses is not added, and who asked learns nothing.
    other = (await eve.engine.create_room("hers")).room
    assert (await eve.engine.invite(other, ana.address)).state == "invited"  # they share a room by now
    await eve.close()

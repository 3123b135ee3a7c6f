"""What people do to messages, as everybody sees it."""

import pytest
from sqlcipher3.dbapi2 import Connection

from yurt.client.api import Reaction
from yurt.client.engine import Engine
from yurt.client.rooms.send import open_room, store
from yurt.client.testing import Town
from yurt.client.testing_rooms import ANA, BO, core_of, line, together
from yurt.client.vault import actions
from yurt.client.vault.timeline import NewItem
from yurt.rooms.common.content import Target
from yurt.rooms.common.said import Like, encode_said
from yurt.wire.problems import ProblemError, refuse

THUMB = "\N{THUMBS UP SIGN}"


async def _speaking(town: Town) -> tuple[Engine, Engine, bytes]:
    """Ana and bo have both said something."""
    ana, bo, room = await together(town)
    await ana.send(room, "the light is on", wait="accepted")
    await bo.send(room, "I see it", wait="accepted")
    await line(ana, room, text="I see it")
    return ana, bo, room


async def test_reply(town: Town) -> None:
    """An answer names what it answers, on both sides."""
    ana, bo, room = await _speaking(town)
    asked = await line(bo, room, text="the light is on")

    await bo.send(room, "which one?", reply_to=asked.item, wait="accepted")
    here, there = await line(bo, room, text="which one?"), await line(ana, room, text="which one?")

    assert (here.reply_did, here.reply_id) == (asked.did, asked.content_id)
    assert (there.reply_did, there.reply_id) == (asked.did, asked.content_id)


async def _who(engine: Engine) -> tuple[str, str]:
    """Somebody's address and did."""
    status = await engine.status()
    return status.address, status.did


def thumb(*who: tuple[str, str], own: bool = False) -> Reaction:
    """A thumb of these people."""
    return Reaction(emoji=THUMB, by=tuple(by for by, _ in who), dids=tuple(did for _, did in who), own=own)


async def test_reactions(town: Town) -> None:
    """A reaction stands under its message, once a person and emoji, until it is taken back."""
    ana, bo, room = await _speaking(town)
    there = await line(bo, room, text="the light is on")
    hers, his = await _who(ana), await _who(bo)

    await bo.react(room, there.item, THUMB, wait="accepted")
    await bo.react(room, there.item, THUMB, wait="accepted")
    seen = await line(ana, room, reactions=(thumb(his),))
    await ana.react(room, seen.item, THUMB, wait="accepted")
    both = await line(bo, room, reactions=(thumb(his, hers, own=True),))
    await bo.react(room, there.item, THUMB, undo=True, wait="accepted")
    left = await line(bo, room, reactions=(thumb(hers),))

    assert seen.text == both.text == left.text == "the light is on"
    assert not [item for item in await ana.timeline(room) if item.kind == "notice" and item.own is False]


async def test_edit(town: Town) -> None:
    """The author says something else; it shows at once here, and there when it arrives."""
    ana, bo, room = await _speaking(town)
    mine = await line(ana, room, text="the light is on")

    sent = await ana.edit(room, mine.item, "the light is off")
    at_once = await line(ana, room, text="the light is off")
    there = await line(bo, room, text="the light is off")
    again = await ana.edit(room, mine.item, "the light is off", content_id=sent.content_id)

    assert sent.state == "queued"
    assert at_once.item == mine.item
    assert at_once.edited
    assert there.edited
    assert again.item == sent.item


async def test_edit_of_another_and_of_nothing(town: Town) -> None:
    """Nobody changes another's words, and nothing is done to what is not there."""
    ana, bo, room = await _speaking(town)
    his = await line(ana, room, text="I see it")
    name = await line(ana, room, text="named the room 'harbour watch'")

    problems = list[str]()
    for item in (his.item, name.item, 4_711):
        with pytest.raises(ProblemError) as refused:
            await ana.edit(room, item, "I do not")
        problems.append(refused.value.problem.code)
    with pytest.raises(ProblemError) as mine:
        await bo.delete(room, (await line(bo, room, text="the light is on")).item)

    assert problems == ["notAllowed", "notFound", "notFound"]
    assert mine.value.problem.code == "notAllowed"  # ana's role is higher


async def test_delete(town: Town) -> None:
    """A message that its author took back is gone from both vaults, and nothing brings it back."""
    ana, bo, room = await _speaking(town)
    mine, there = await line(ana, room, text="the light is on"), await line(bo, room, text="the light is on")
    await bo.react(room, there.item, THUMB, wait="accepted")

    await ana.delete(room, mine.item, wait="accepted")
    gone = await line(bo, room, deleted_by=ANA)
    here = await line(ana, room, deleted_by=ANA)
    with pytest.raises(ProblemError) as late:
        await ana.edit(room, mine.item, "again")

    assert (gone.text, gone.reactions, here.text) == ("", (), "")
    assert late.value.problem.code == "notFound"
    for engine in (ana, bo):
        assert "the light is on" not in await core_of(engine).vault.read(_everything)


async def test_delete_by_a_moderator(town: Town) -> None:
    """Whoever has a higher role may delete; a line that cannot be hidden names both."""
    ana, bo, room = await _speaking(town)
    his = await line(ana, room, text="I see it")

    await ana.delete(room, his.item, wait="accepted")
    here = await line(ana, room, text=f"deleted a message of {BO}")
    there = await line(bo, room, text=f"deleted a message of {BO}")
    gone = await line(bo, room, deleted_by=ANA)

    assert here.address == there.address == ANA
    assert gone.own
    assert len([i for i in await ana.timeline(room) if i.text == here.text]) == 1


async def test_action_that_the_room_refuses(town: Town) -> None:
    """What the room refused is as if it had never been said."""
    ana, _, room = await _speaking(town)
    mine = await line(ana, room, text="the light is on")
    town.node.refusals = [refuse("refused", "no", rule="entryTooLarge").problem]

    refused = await ana.delete(room, mine.item, wait="accepted")
    back = await line(ana, room, item=mine.item)

    assert refused.state == "refused"
    assert (back.text, back.deleted_by) == ("the light is on", "")


async def test_too_many_reactions(town: Town) -> None:
    """The twenty-first reaction of one person under one message is refused before it is sent."""
    ana, _, room = await _speaking(town)
    mine = await line(ana, room, text="the light is on")
    for number in range(20):
        await ana.react(room, mine.item, f"{number}")

    with pytest.raises(ProblemError, match="too many reactions"):
        await ana.react(room, mine.item, THUMB)

    shown = await line(ana, room, item=mine.item)
    assert len(shown.reactions) == 20
    assert (await ana.status()).outbox <= 20


async def test_reaction_that_comes_before_its_message(town: Town) -> None:
    """An action whose target is missing waits for it."""
    ana, bo, room = await _speaking(town)
    bo_did, name = (await bo.status()).did, bytes(range(16))
    core = core_of(ana)
    early = encode_said(Like(bytes(16), THUMB, Target(bo_did, name)))

    def like(tx: Connection) -> None:
        hidden = NewItem(room=room, kind="notice", hidden=True)
        item = store(tx, core.device, open_room(tx, room), bytes(16), early, hidden)
        actions.add(tx, item, room, Target(bo_did, name), early)

    await core.write(like)
    await ana.send(room, "after it", wait="accepted")
    await line(bo, room, text="after it")
    await bo.send(room, "at last", content_id=name, wait="accepted")
    hers = await _who(ana)
    here = await line(ana, room, text="at last", reactions=(thumb(hers, own=True),))
    there = await line(bo, room, text="at last", reactions=(thumb(hers),))

    assert here.position == there.position


def _everything(tx: Connection) -> str:
    return str(tx.execute("SELECT text, original FROM item").fetchall()) + str(
        tx.execute("SELECT content FROM action").fetchall()
    )

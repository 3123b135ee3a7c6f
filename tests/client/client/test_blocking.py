"""Blocking somebody: what they say in rooms is folded away here, and nowhere else."""

from yurt.client.testing import Town
from yurt.client.testing_rooms import BO, line, together
from yurt.wire.command import Done
from yurt.wire.people_commands import Block, Unblock


async def test_what_a_blocked_person_says_is_folded(town: Town) -> None:
    """In the room, in what is unread, and in a search; it is there again once they are not blocked."""
    ana, bo, room = await together(town)
    said = await bo.send(room, "a word that ana will not read", wait="accepted")
    await line(ana, room, content_id=said.content_id)

    await ana.ask_node(Block(BO), Done)
    later = await bo.send(room, "another word", wait="accepted")
    folded = await line(ana, room, content_id=later.content_id, reason="blocked")

    items = await ana.timeline(room)
    shown = [item for item in items if item.did == folded.did and item.kind == "message"]
    (view,) = await ana.rooms()
    assert [item.text for item in shown] == ["blocked: 1 message"] * 2
    assert (await ana.search("word"), view.unread) == ([], 0)
    assert any(BO in item.text for item in items if item.kind == "roster")

    revision = folded.revision
    await ana.ask_node(Unblock(BO), Done)
    async for item in ana.watch(room, revision=revision):
        if item.content_id == later.content_id:
            assert item.text == "another word"
            break
    assert [item.text for item in await ana.search("word")] == [
        "a word that ana will not read",
        "another word",
    ]

"""Blocking somebody: what they say in rooms is folded away here, and nowhere else."""

import asyncio
from pathlib import Path

from sqlcipher3.dbapi2 import Connection

from yurt.client.api import Reaction, TimelineItem
from yurt.client.testing import PASSPHRASE, Town
from yurt.client.testing_rooms import BO, line, together
from yurt.client.vault import actions, blocked, timeline
from yurt.client.vault.open import Vault
from yurt.client.vault.timeline import Marks, NewItem
from yurt.rooms.common.content import Target
from yurt.wire.command import Done
from yurt.wire.people_commands import Block, Unblock

ROOM = bytes(32)


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


async def test_an_unconfirmed_address_hides_nobody_who_is_blocked(tmp_path: Path) -> None:
    """Under whatever name a reaction of theirs is shown, the did behind it is what counts."""
    vault = await asyncio.to_thread(Vault.create, tmp_path, PASSPHRASE)
    eve, cy = ("eve@hill.example (not confirmed)", "did:key:zEve"), ("cy@hill.example", "did:key:zCy")
    marks = Marks(reactions=(Reaction(emoji="👍", by=(eve[0], cy[0]), dids=(eve[1], cy[1])),))

    def react(tx: Connection) -> list[TimelineItem]:
        name = Target("did:key:zAna", bytes(16))
        timeline.add(tx, NewItem(room=ROOM, kind="message", text="hi", did=name.did, content_id=name.id))
        note = actions.note(tx, ROOM, target=name)
        assert note is not None
        actions.show(tx, note, "hi", marks)
        blocked.put(tx, "eve@hill.example", eve[1])
        return timeline.page(tx, None, 0, 10)

    (line,) = await vault.write(react)
    await vault.close()

    assert [(one.by, one.dids) for one in line.reactions] == [((cy[0],), (cy[1],))]

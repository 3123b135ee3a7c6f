"""What a person has read, what waits for them, and history page by page."""

import asyncio
from pathlib import Path

import pytest
from sqlcipher3.dbapi2 import Connection

from yurt.client.api import NEWEST
from yurt.client.mentions import mentions
from yurt.client.testing import PASSPHRASE, Town
from yurt.client.testing_waits import PATIENCE_S
from yurt.client.vault import read_marks, schema, timeline
from yurt.client.vault.open import Vault
from yurt.client.vault.timeline import NewItem

ROOM = bytes(32)
ANA = "ana@harbour.example"


@pytest.mark.parametrize("text", ["@ana", "look, @ANA!", "(@ana@harbour.example)", "@ana.", "@ana: now"])
def test_mention(text: str) -> None:
    """A name with an at sign speaks to its person, whatever stands around it."""
    assert mentions(text, ANA)


@pytest.mark.parametrize(
    "text", ["ana", "@anais", "@ana@hilltop.example", "x@ana", "@ana@harbour.example.org", "@ana-b", "@ana.b"]
)
def test_no_mention(text: str) -> None:
    """Longer names and the addresses of others speak to somebody else."""
    assert not mentions(text, ANA)


async def test_unread(tmp_path: Path) -> None:
    """Only messages of others wait to be read; a mark never goes back."""
    vault = await asyncio.to_thread(Vault.create, tmp_path, PASSPHRASE)

    def talk(tx: Connection) -> list[tuple[int, int]]:
        say = [timeline.add(tx, NewItem(room=ROOM, kind="message", text=t)) for t in ("hi", "@ana?", "ok")]
        timeline.add(tx, NewItem(room=ROOM, kind="message", text="mine, @ana", own=True))
        timeline.add(tx, NewItem(room=ROOM, kind="roster", text="bo added @ana"))
        seen = list[tuple[int, int]]()
        for mark in (0, say[0], say[1], say[0]):
            read_marks.advance(tx, ROOM, mark)
            read = read_marks.load(tx, ROOM)
            unread = read_marks.count_unread(tx, ROOM, read)
            seen.append((unread, read_marks.count_mentions(tx, ROOM, read, ANA)))
        return seen

    counts = await vault.write(talk)
    await vault.close()

    assert counts == [(3, 1), (2, 1), (1, 0), (1, 0)]


async def test_older_vault_gains_the_table(tmp_path: Path) -> None:
    """A vault of the release before opens, and is then of this one."""
    vault = await asyncio.to_thread(Vault.create, tmp_path, PASSPHRASE)

    def make_old(tx: Connection) -> None:
        tx.execute("DROP TABLE read_mark")
        tx.execute("DELETE FROM _sqlite_migrations WHERE name = 'read_marks'")
        tx.execute("PRAGMA user_version = 1")

    await vault.write(make_old)
    await vault.close()
    vault = await asyncio.to_thread(Vault.open, tmp_path, PASSPHRASE)
    found = await vault.read(lambda tx: tx.execute("PRAGMA user_version").fetchone())
    read = await vault.read(lambda tx: read_marks.load(tx, ROOM))
    await vault.close()

    assert (found, read) == ((schema.VERSION,), 0)


async def test_engine_pages_and_marks(town: Town) -> None:
    """The newest page comes first, each earlier one joins it without a hole, and a person knows another."""
    ana, bo = await town.join("ana"), await town.join("bo")
    room = (await ana.create_room("watch")).room
    invited = await ana.invite(room, "bo@harbour.example")
    for number in range(7):
        await ana.send(room, f"light {number}", wait="accepted")

    newest = await ana.timeline(room, before=NEWEST, limit=4)
    earlier = await ana.timeline(room, before=newest[0].item, limit=100)
    known = await ana.person("bo@harbour.example")
    async with asyncio.timeout(PATIENCE_S):
        async for line in bo.watch(room):
            if line.text == "light 6":
                break
    unread = (await bo.rooms())[0].unread
    status = await bo.status()
    lines = await bo.timeline(room)
    await bo.mark_read(room, lines[-1].item)

    assert [line.text for line in newest] == [f"light {number}" for number in range(3, 7)]
    assert earlier + newest == await ana.timeline(room)
    assert known.safety_number == invited.safety_number
    assert status.revision >= max(line.revision for line in lines)
    assert (unread, (await bo.rooms())[0].unread) == (7, 0)

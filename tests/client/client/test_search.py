"""Finding what was said, in this vault and nowhere else."""

import pytest
from sqlcipher3.dbapi2 import Connection

from yurt.client.api import TimelineItem
from yurt.client.testing import Town
from yurt.client.testing_rooms import core_of, line, together
from yurt.wire.problems import ProblemError


def _texts(found: list[TimelineItem]) -> list[str]:
    return [item.text for item in found]


async def test_search(town: Town) -> None:
    """Messages of all rooms are found by words, beginnings of words, without accents, oldest first."""
    ana, bo, room = await together(town)
    other = (await ana.create_room("kitchen")).room
    for text in ("Un café, s'il vous plaît", "cafeteria: closed", 'a "quoted" word'):
        await ana.send(room, text, wait="accepted")
    await ana.send(other, "more CAFÉ", wait="accepted")
    await line(bo, room, text='a "quoted" word')

    everywhere = await ana.search("cafe")
    here = await ana.search("cafe", room=room)
    last = await ana.search("cafe", limit=1)
    earlier = await ana.search("cafe", before=last[0].item)
    theirs = await bo.search("vous CAFE")

    texts = ["Un café, s'il vous plaît", "cafeteria: closed", "more CAFÉ"]
    assert _texts(everywhere) == texts
    assert _texts(here) == _texts(earlier) == texts[:2]
    assert _texts(last) == texts[2:]
    assert _texts(theirs) == texts[:1]


async def test_no_syntax(town: Town) -> None:
    """Whatever is typed is looked for as words; nothing that is typed breaks the search."""
    ana, _, room = await together(town)
    await ana.send(room, 'a "quoted" word, NEAR the end', wait="accepted")

    found = [
        len(await ana.search(text))
        for text in ('"quo', "near(", "a AND b", "text:word", "word*\0", "w\ud800")
    ]
    with pytest.raises(ProblemError, match="nothing to look for"):
        await ana.search('"* \0')

    assert found == [1, 1, 0, 0, 1, 1]


async def test_what_was_changed_or_deleted(town: Town) -> None:
    """A search knows what messages say now; of a deleted one not a word is left."""
    ana, bo, room = await together(town)
    first = await ana.send(room, "marzipan", wait="accepted")
    await ana.edit(room, first.item, "nougat", wait="accepted")
    edited = (await ana.search("marzipan"), _texts(await ana.search("nougat")))

    await ana.delete(room, first.item, wait="accepted")
    await line(bo, room, deleted_by=(await ana.status()).address)
    words = [await core_of(engine).vault.read(_index) for engine in (ana, bo)]

    assert edited == ([], ["nougat"])
    assert await ana.search("nougat") == await bo.search("nougat") == []
    assert all(b"nougat" not in index and b"marzipan" not in index for index in words)


def _index(tx: Connection) -> bytes:
    return b"".join(block for (block,) in tx.execute("SELECT block FROM word_data"))

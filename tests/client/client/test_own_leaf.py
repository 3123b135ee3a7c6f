"""A leaf wears out, by age and by use; another one takes its place, and nobody notices."""

import asyncio

import pytest
from sqlcipher3.dbapi2 import Connection

from yurt.client.engine import Engine
from yurt.client.testing import Town
from yurt.client.testing_rooms import core_of, line, together


async def _key(engine: Engine, room: bytes) -> bytes:
    """Give the signature key of the engine's leaf."""
    core = core_of(engine)

    def look(tx: Connection) -> bytes:
        group = core.groups.load(tx, room)
        return group.tree.leaf(group.own_index).signature_key

    return await core.vault.write(look)


@pytest.mark.parametrize(
    "wear",
    ["UPDATE own_leaf SET born = born - 8 * 86400", "UPDATE own_leaf SET counter = counter - 500"],
    ids=["old", "used"],
)
async def test_worn_out_leaf(town: Town, wear: str) -> None:
    """After 7 days, or 500 contents, the next message goes out under a new key; the one after it too."""
    ana, bo, room = await together(town)
    await ana.send(room, "one", wait="accepted")
    await ana.send(room, "two", wait="accepted")
    fresh, epoch = await _key(ana, room), town.node.rooms[room].epoch

    await core_of(ana).vault.write(lambda tx: tx.execute(wear).rowcount)
    await ana.send(room, "three", wait="accepted")
    renewed, then = await _key(ana, room), town.node.rooms[room].epoch
    await ana.send(room, "four", wait="accepted")
    heard = await line(bo, room, text="four")

    assert fresh != renewed == await _key(ana, room)
    assert epoch + 1 == then == town.node.rooms[room].epoch
    assert heard.reason == ""
    assert not [item for item in await bo.timeline(room) if item.reason]


async def test_leaf_that_wears_out_while_something_is_on_its_way(town: Town) -> None:
    """Whoever never stops talking gets a new key too: each content asks, not each pause."""
    ana, bo, room = await together(town)
    await ana.send(room, "one", wait="accepted")
    fresh, said = await _key(ana, room), len(town.node.appends)
    town.node.way = asyncio.Event()
    await ana.send(room, "two")
    await town.node.offered(said + 1)

    await core_of(ana).vault.write(lambda tx: tx.execute("UPDATE own_leaf SET born = 0").rowcount)
    await ana.send(room, "three")
    town.node.way.set()
    await line(bo, room, text="three")

    assert await _key(ana, room) != fresh


async def test_leaf_of_an_engine_that_begins_again(town: Town) -> None:
    """How long a leaf has served is known after a restart."""
    ana, bo, room = await together(town)
    await ana.send(room, "one", wait="accepted")
    fresh = await _key(ana, room)
    await core_of(ana).vault.write(lambda tx: tx.execute("UPDATE own_leaf SET born = 0").rowcount)
    await town.leave(ana)

    ana = await town.open("ana")
    await ana.send(room, "two", wait="accepted")
    await line(bo, room, text="two")

    assert await _key(ana, room) != fresh

"""Read marks: who has read; names that an admin gives. Over two nodes, with real engines."""

import pytest

from yurt.client.calls import Nothing
from yurt.client.rooms.naming import NameRoom
from yurt.client.rooms.reading import SwitchReads
from yurt.lab.world.people import until
from yurt.lab.world.town import Town
from yurt.wire.problems import ProblemError

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_who_has_read_is_shown_and_can_be_switched_off(town: Town) -> None:
    """A mark covers all before it; who switches it off tells nothing more."""
    room = town.room
    await town.ana.engine.send(room, "did you read this?", wait="accepted")
    line = await town.bo.sees(room, lambda item: item.text == "did you read this?")
    await town.bo.engine.mark_read(room, line.item)
    read = await town.ana.sees(room, lambda item: item.text == "did you read this?" and bool(item.read_by))
    assert read.read_by == (town.bo.address,)
    marks = {one.address: one.read for one in await town.ana.engine.participants(room)}
    assert marks[town.bo.address] == line.position

    await town.bo.engine.call(SwitchReads(room=room, on=False), Nothing)
    await town.ana.engine.send(room, "and this?", wait="accepted")
    line = await town.bo.sees(room, lambda item: item.text == "and this?")
    await town.bo.engine.mark_read(room, line.item)
    await town.bo.engine.send(room, "no", wait="accepted")
    await town.ana.reads(room, "no")
    unread = await town.ana.sees(room, lambda item: item.text == "and this?")
    assert unread.read_by == ()


async def test_a_room_is_named_anew_by_an_admin_and_by_nobody_else(town: Town) -> None:
    """Name and topic travel inside the encryption; the log says which of two names stands."""
    room = town.room
    name = NameRoom(room=room, content_id=bytes(16), called="tea house", topic="leaves")
    with pytest.raises(ProblemError, match="only an admin"):
        await town.bo.engine.call(name, Nothing)
    await town.ana.engine.call(name, Nothing)
    await town.ana.engine.call(name, Nothing)  # asked again, it is said once
    await town.bo.sees(room, lambda item: item.text == "named the room 'tea house', about 'leaves'")

    async def named() -> bool:
        views = [*await town.ana.engine.rooms(), *await town.bo.engine.rooms()]
        return [view.name for view in views if view.room == room] == ["tea house", "tea house"]

    await until(named, "both know the name")

"""A person who says more than a node lets them say, with a real node and a real client."""

from pathlib import Path

import pytest

from yurt.lab.world.people import follow, meet, until
from yurt.lab.world.world import HARBOUR, World

pytestmark = pytest.mark.asyncio


async def test_who_says_too_much_at_once_is_slowed_down_and_loses_nothing(tmp_path: Path) -> None:
    """Six lines against a burst of two: each arrives once, in order, and the line that waits says why."""
    async with World.open(tmp_path, HARBOUR) as world:
        ana, bo = await world.person("ana", HARBOUR), await world.person("bo", HARBOUR)
        await follow(bo, ana)
        room = await meet(ana, bo)
        settings = world.nodes[HARBOUR].data / "node.toml"
        limited = "messages_per_s = 1.0\nmessages_burst = 2\n"
        settings.write_text(settings.read_text().replace("messages_per_s = 0\n", limited))
        await world.nodes[HARBOUR].restart()
        said = [f"line {number}" for number in range(6)]

        for text in said:
            await ana.engine.send(room, text)

        async def waiting() -> bool | None:
            page = await ana.engine.timeline(room)
            return any(item.reason == "tooOften" for item in page) or None

        await until(waiting, "a line that says why it waits")
        for person in (ana, bo):
            await person.has(room, said[-1])

        assert [text for text in await bo.texts(room) if text in said] == said
        page = await ana.engine.timeline(room)
        mine = [item for item in page if item.text in said]
        assert {item.reason for item in mine} == {""}
        assert {item.state for item in mine} <= {"accepted", "settled"}

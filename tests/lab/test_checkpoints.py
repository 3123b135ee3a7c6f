"""Settled: a second copy exists. A town of its own: a device speaks at most once a minute."""

import pytest

from yurt.client.api import TimelineItem
from yurt.lab.world.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_message_is_settled_when_somebody_on_another_node_has_seen_it(town: Town) -> None:
    """Accepted says that the hub has it; settled, that a second node and person do."""
    room = town.room
    await town.ana.engine.send(room, "is it safe?", wait="accepted")

    def settled(item: TimelineItem) -> bool:
        return item.text == "is it safe?" and item.state == "settled"

    await town.ana.sees(room, settled, within=100)
    await town.bo.sees(room, lambda item: item.text == "is it safe?")
    # Bo is the only one who is not on the hub: for his words, the word of the hub's people is all there is.
    await town.bo.engine.send(room, "it is", wait="accepted")
    await town.bo.sees(room, lambda item: item.text == "it is" and item.state == "settled", within=100)

"""After a move it is counted who arrived: after an hour, a day, a week and a month of the network's clock."""

from pathlib import Path
from typing import Final

import msgspec
import pytest

from yurt.client.calls import EngineCall
from yurt.client.moving import receipt_page
from yurt.client.moving.calls import (
    AskReceipt,
    ConfirmMove,
    GoOnMove,
    MoveStanding,
    PrepareMove,
    ReceiptView,
    ShowMove,
)
from yurt.lab.world.people import PATIENCE_S, Person, follow, until
from yurt.lab.world.world import World

OLD, NEW, LATE = "harbour.example", "hilltop.example", "meadow.example"
HOUR: Final = 3_600
DAY: Final = 24 * HOUR
MARKS: Final = (HOUR, DAY, 7 * DAY, 30 * DAY)


async def go_on(person: Person, call: EngineCall | None = None) -> MoveStanding:
    """Do steps until one needs a person, or the end."""
    standing = await person.engine.call(call or ShowMove(), MoveStanding)
    while standing.next and not standing.needs_confirmation:
        standing = await person.engine.call(GoOnMove(), MoveStanding)
    return standing


async def counted(world: World, person: Person, number: int, *, retry: bool = False) -> ReceiptView:
    """Let the clock come to a mark, and wait until it is counted."""
    for who in (*world.nodes, *(one.address for one in world.people)):
        world.network.shift_clock(who, float(MARKS[number]))

    async def there() -> ReceiptView | None:
        view = await person.engine.call(AskReceipt(), ReceiptView)
        return view if view.marks[number].at else None

    view = await until(there, f"the mark at {MARKS[number]} s is counted", within=2 * PATIENCE_S)
    return await person.engine.call(AskReceipt(retry=True), ReceiptView) if retry else view


def check_receipt(view: ReceiptView, arrived: list[int]) -> None:
    """The receipt says the same to programs and to people."""
    told = msgspec.json.decode(msgspec.json.encode(view), type=ReceiptView)
    assert told == view
    assert [mark.arrived for mark in view.marks if mark.at] == arrived
    html = receipt_page.page(view)
    for name, number in zip(("1 h", "1 d", "7 d", "30 d"), [*arrived, *4 * ["still to come"]], strict=False):
        assert f"<li>after {name}: {number}</li>" in html
    assert "<script" not in html


@pytest.mark.long
async def test_four_marks_and_a_retry(tmp_path: Path) -> None:
    """Who was away during the move comes by a retry, and each receipt says what was counted until then."""
    async with World.open(tmp_path, OLD, NEW, LATE) as world:
        ana, bo, cy = (
            await world.person("ana", OLD),
            await world.person("bo", NEW),
            await world.person("cy", LATE),
        )
        await follow(bo, ana)
        await follow(cy, ana)
        prepare = PrepareMove(link=world.invites[NEW], account="ana", phrase=ana.phrase)
        assert (await go_on(ana, prepare)).needs_confirmation
        await world.nodes[LATE].kill()
        await ana.engine.call(ConfirmMove(), MoveStanding)
        assert (await go_on(ana)).step == "watched"

        check_receipt(await counted(world, ana, 0), [1])
        await world.nodes[LATE].start()
        view = await counted(world, ana, 1, retry=True)
        first = [mark.arrived for mark in view.marks if mark.at]
        check_receipt(view, first)

        async def cy_came() -> bool:
            return (await ana.engine.call(AskReceipt(), ReceiptView)).followers.kept == 2

        await until(cy_came, "cy comes by the retry", within=2 * PATIENCE_S)
        check_receipt(await counted(world, ana, 2), [*first, 2])
        view = await counted(world, ana, 3)
        check_receipt(view, [*first, 2, 2])
        assert view.followers.share == 1.0

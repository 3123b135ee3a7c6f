"""Somebody moves between real nodes, stopped after every step; and comes along with ties, rooms and history."""

from pathlib import Path

from yurt.client.calls import Nothing
from yurt.client.moving.calls import (
    AskReceipt,
    CheckMove,
    CheckView,
    ConfirmMove,
    GoOnMove,
    MoveStanding,
    PrepareMove,
    ReceiptView,
    ShowMove,
)
from yurt.lab.world.people import PATIENCE_S, Person, follow, until
from yurt.lab.world.world import World

OLD, NEW, FAR = "harbour.example", "hilltop.example", "meadow.example"


async def arrived(person: Person, strong: int) -> ReceiptView:
    """Wait until everybody is there whom the receipt knows."""

    async def all_there() -> ReceiptView | None:
        view = await person.engine.call(AskReceipt(), ReceiptView)
        return view if view.followers.kept >= strong else None

    return await until(all_there, f"{person.name}'s followers arrive", within=2 * PATIENCE_S)


async def test_planned_move(tmp_path: Path) -> None:
    """A person who is killed after every step of a move arrives with each tie, in each room, and speaks there."""
    async with World.open(tmp_path, OLD, NEW, FAR) as world:
        ana, bo = await world.person("ana", OLD), await world.person("bo", FAR)
        cy = await world.person("cy", OLD)
        await follow(bo, ana)
        await follow(ana, bo)
        await follow(cy, ana)
        room = (await bo.engine.create_room("the far room")).room
        await bo.engine.invite(room, "ana@" + OLD)
        await ana.enters(room)
        await bo.engine.send(room, "before the move")
        await ana.reads(room, "before the move")

        check = await ana.engine.call(CheckMove(to=NEW), CheckView)
        assert check.followers.outcomes == {"ours": 2}
        assert {tie.address for tie in check.ties if tie.strong} >= {"bo@" + FAR}
        assert [fate.outcome for fate in check.rooms] == ["keeps"]

        standing = await ana.engine.call(
            PrepareMove(link=world.invites[NEW], account="ana", phrase=ana.phrase), MoveStanding
        )
        seen = [standing.step]
        while standing.next:
            if standing.needs_confirmation:
                assert any("2 followers" in line for line in standing.difference)
                standing = await ana.engine.call(ConfirmMove(), MoveStanding)
            else:
                standing = await ana.engine.call(GoOnMove(), MoveStanding)
            seen.append(standing.step)
            await ana.close()
            await ana.reopen()
            assert await ana.engine.call(ShowMove(), MoveStanding) == standing

        assert seen[-1] == "watched"
        assert standing.notes == ()
        assert (await ana.engine.status()).address == "ana@" + NEW
        receipt = await arrived(ana, 2)
        assert receipt.followers.share == receipt.following.share == 1.0
        assert (receipt.rooms_kept, receipt.rooms, receipt.history) == (1, 1, 1.0)
        await ana.engine.send(room, "after the move")
        await bo.reads(room, "after the move")
        await bo.engine.send(room, "welcome there")
        await ana.reads(room, "welcome there")


_ = Nothing

"""Somebody moves between real nodes, stopped after every step; ties, rooms and history come along."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from sqlcipher3.dbapi2 import Connection

from yurt.client.calls import EngineCall, Nothing
from yurt.client.moving.calls import (
    AskReceipt,
    CancelMove,
    CheckMove,
    CheckView,
    ConfirmMove,
    GoOnMove,
    MoveStanding,
    PrepareMove,
    ReceiptView,
    ShowMove,
)
from yurt.client.vault import moves
from yurt.client.vault.open import Vault
from yurt.lab.world.people import PASSPHRASE, PATIENCE_S, Person, follow, until
from yurt.lab.world.world import World
from yurt.wire.problems import ProblemError

OLD, NEW, FAR = "harbour.example", "hilltop.example", "meadow.example"


async def forget_step(person: Person, step: str) -> None:
    """Write into somebody's closed vault that the move stands where it stood a step ago."""
    vault = await asyncio.to_thread(Vault.open, person.home, PASSPHRASE)

    def unit(tx: Connection) -> None:
        row = moves.load(tx)
        assert row is not None
        moves.save(tx, msgspec.structs.replace(row, step=step))

    await vault.write(unit)
    await vault.close()


async def arrived(person: Person, strong: int) -> ReceiptView:
    """Wait until everybody is there whom the receipt knows."""

    async def all_there() -> ReceiptView | None:
        view = await person.engine.call(AskReceipt(), ReceiptView)
        return view if view.followers.kept >= strong else None

    return await until(all_there, f"{person.name}'s followers arrive", within=2 * PATIENCE_S)


async def test_planned_move(tmp_path: Path) -> None:
    """Who is killed after every step of a move arrives with each tie, in each room, and speaks there."""
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
            before = standing
            if standing.needs_confirmation:
                assert any("2 followers" in line for line in standing.difference)
                standing = await ana.engine.call(ConfirmMove(), MoveStanding)
            else:
                standing = await ana.engine.call(GoOnMove(), MoveStanding)
            seen.append(standing.step)
            await ana.close()
            if not before.needs_confirmation:
                # The power failed after the step was done and before it was written down: it is done again.
                await forget_step(ana, before.step)
                await ana.reopen()
                assert await ana.engine.call(GoOnMove(), MoveStanding) == standing
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


async def go_on(person: Person, call: EngineCall | None = None) -> MoveStanding:
    """Do steps until one needs a person, or the end."""
    standing = await person.engine.call(call or ShowMove(), MoveStanding)
    while standing.next and not standing.needs_confirmation:
        standing = await person.engine.call(GoOnMove(), MoveStanding)
    return standing


async def test_old_node_that_does_nothing(tmp_path: Path) -> None:
    """An old node that refuses everything after the confirmation keeps neither a tie nor a room."""
    async with World.open(tmp_path, OLD, NEW, FAR) as world:
        ana, bo = await world.person("ana", OLD), await world.person("bo", FAR)
        await follow(bo, ana)
        await follow(ana, bo)
        room = (await bo.engine.create_room("the far room")).room
        await bo.engine.invite(room, "ana@" + OLD)
        await ana.enters(room)
        await bo.engine.send(room, "are you there?")
        await ana.reads(room, "are you there?")
        prepare = PrepareMove(link=world.invites[NEW], account="anna", phrase=ana.phrase)
        assert (await go_on(ana, prepare)).needs_confirmation
        await ana.engine.call(CancelMove(), Nothing)
        assert await ana.engine.call(ShowMove(), MoveStanding) == MoveStanding()
        again = msgspec.structs.replace(prepare, link=await world.nodes[NEW].invite())
        assert (await go_on(ana, again)).needs_confirmation  # whoever thinks again is let in by another link

        await world.nodes[OLD].kill()
        await ana.engine.call(ConfirmMove(), MoveStanding)
        with pytest.raises(ProblemError):
            await go_on(ana)
        assert (await ana.engine.call(ShowMove(), MoveStanding)).step == "recorded"
        standing = await go_on(ana, ConfirmMove(lend_key=True))

        assert standing.step == "watched"
        receipt = await arrived(ana, 1)
        assert (receipt.rooms_kept, receipt.rooms) == (1, 1)
        await ana.engine.send(room, "here, elsewhere")
        await bo.reads(room, "here, elsewhere")
        # It comes back, and says that nothing has happened: nobody goes back with it.
        await world.nodes[OLD].start()
        await bo.engine.send(room, "do not mind it")
        await ana.reads(room, "do not mind it")
        assert [tie.address for tie in await ana.engine.followers()] == ["bo@" + FAR]
        assert [tie.address for tie in await bo.engine.following()] == ["anna@" + NEW]

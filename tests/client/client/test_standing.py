"""Roles and removals: only as the rules allow, and never in secret."""

import pytest
from typing_extensions import override

from yurt.client.rooms import commit
from yurt.client.rooms.commit import Committer, Stage
from yurt.client.testing import Town
from yurt.client.testing_rooms import ANA, BO, core_of, line, together
from yurt.client.vault.outbox import PendingCommit
from yurt.wire.problems import ProblemError


async def test_roles(town: Town) -> None:
    """Who may what is the same for everybody, and every change is a line with its author."""
    ana, bo, room = await together(town)

    await ana.set_role(room, BO, "moderator")
    await ana.set_role(room, BO, "moderator")
    told = f"{ANA} made {BO} moderator (was member) (epoch 3)"
    here, there = await line(ana, room, text=told), await line(bo, room, text=told)
    people = [(p.address, p.role, p.devices, p.own) for p in await bo.participants(room)]

    assert here.kind == there.kind == "roster"
    assert people == [(BO, "moderator", 1, True), (ANA, "owner", 1, False)]
    assert len([item for item in await ana.timeline(room) if item.kind == "roster"]) == 2


async def test_what_is_not_allowed(town: Town) -> None:
    """A commit that nobody would take is refused here, in one line, and leaves no trace."""
    ana, bo, room = await together(town)
    offered = len(town.node.appends)

    codes = list[object]()
    for change in (
        bo.remove(room, ANA),
        bo.set_role(room, BO, "admin"),
        ana.set_role(room, BO, "owner"),
        ana.remove(room, ANA),
        ana.remove(room, "eve@harbour.example"),
        ana.remove(bytes(32), BO),
    ):
        with pytest.raises(ProblemError) as refused:
            await change
        problem = refused.value.problem
        codes.append(problem.detail.get("rule", problem.code))
    await bo.send(room, "all is as it was", wait="accepted")
    await line(ana, room, text="all is as it was")

    assert codes == ["removeRight", "roleRight", "roleRight", "badRequest", "notFound", "notFound"]
    assert len(town.node.appends) == offered + 2  # bo's key for this room, and his message


async def test_moderator_removes_a_member(town: Town) -> None:
    """Somebody who was removed is gone for all, without their role, and told so."""
    ana, bo, room = await together(town)
    await ana.set_role(room, BO, "admin")

    await ana.remove(room, BO)
    told = await line(bo, room, text=f"{ANA} removed {BO} (epoch 4)")
    left, remembered = await ana.participants(room), await bo.participants(room)
    with pytest.raises(ProblemError) as refused:
        await bo.set_role(room, ANA, "member")

    assert told.kind == "roster"
    assert [person.address for person in left] == [ANA]
    assert {person.devices for person in remembered} == {0}
    assert refused.value.problem.code == "notAllowed"


class Unlucky(Committer):
    """Loses the race for the epoch a dozen times."""

    losses = 12

    @override
    async def settle(self, room: bytes) -> None: ...

    @override
    async def _stage(self, room: bytes, intent: str, stage: Stage) -> PendingCommit | None:
        return PendingCommit(room, b"", b"", b"", b"", intent)

    @override
    async def _submit(self, pending: PendingCommit) -> bool:
        self.losses -= 1
        return self.losses < 0


async def test_who_loses_a_dozen_races_wins_the_next(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many who commit at once wait a random while each, and nobody gives up."""
    monkeypatch.setattr(commit, "LAST_PAUSE_S", 0.01)
    committer = Unlucky(core_of(await town.join("ana")))

    await committer.commit(bytes(32), "leaf", lambda _tx, _group: None)

    assert committer.losses == -1

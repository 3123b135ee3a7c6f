"""What a node learns of people beside who they are: whether they approve by hand, and that they are gone."""

import pytest

from yurt.activitypub.actors import ActorGone, parse_actor
from yurt.activitypub.references import Json
from yurt.activitypub.vocabulary import AS_CONTEXT
from yurt.node.admin.account import delete_account
from yurt.node.clock import SystemClock
from yurt.node.store import account_care
from yurt.node.testing import Client, Town, until
from yurt.wire.move_commands import MoveTie, MoveTies, MoveTiesPage
from yurt.wire.people_commands import Accept, Follow, Following, Lock, Requests, Resolve, Tie, Ties
from yurt.wire.post_commands import Post, Timeline
from yurt.wire.problems import ProblemError

HARBOUR, HILLTOP = "harbour.example", "hilltop.example"
ANA = f"https://{HARBOUR}/users/ana"


async def tie(one: Client) -> Tie:
    """Whom somebody follows: one person."""
    ties: Ties = await one.call(Following())
    return ties.ties[0]


async def move_tie(one: Client) -> MoveTie:
    """The same tie as `check` sees it."""
    page: MoveTiesPage = await one.call(MoveTies())
    return page.ties[0]


async def test_a_follow_of_somebody_who_approves_by_hand(town: Town) -> None:
    """Whoever asks is told that it may take its time; when the lock goes, their node hears of it."""
    ana, bo = await town.join("ana", HARBOUR), await town.join("bo", HILLTOP)
    await ana.call(Lock(locked=True))

    assert (await bo.call(Follow(f"ana@{HARBOUR}"))).locked
    asked = await tie(bo)
    assert (asked.state, asked.locked) == ("pending", True)
    assert (await move_tie(bo)).locked

    async def waits() -> bool:
        return bool((await ana.call(Requests())).ties)

    await until(waits)
    await ana.call(Accept(f"bo@{HILLTOP}"))

    async def accepted() -> bool:
        return (await tie(bo)).state == "accepted"

    await until(accepted)
    await ana.call(Lock(locked=False))

    async def open_again() -> bool:
        return not (await tie(bo)).locked

    await until(open_again)


async def test_neighbours_see_the_lock(harbour: Town) -> None:
    """Within one node nobody is asked anything: it stands there."""
    ana, bo = await harbour.join("ana", HARBOUR), await harbour.join("bo", HARBOUR)
    await ana.call(Lock(locked=True))

    assert (await bo.call(Follow(f"ana@{HARBOUR}"))).locked
    assert (await tie(bo)).locked


async def test_a_deleted_account_is_known_to_be_gone(town: Town) -> None:
    """By its own Delete, to other nodes and to neighbours; the tie of a person stays (TRUST 9)."""
    ana, bo, cy = [await town.join(*who) for who in (("ana", HARBOUR), ("bo", HILLTOP), ("cy", HARBOUR))]
    for one in (bo, cy):
        await one.call(Follow(f"ana@{HARBOUR}"))

    async def accepted() -> bool:
        return (await tie(bo)).state == "accepted"

    await until(accepted)
    await ana.call(Post(text="hello"))  # it is under way, or waits still
    await delete_account(town.folder / HARBOUR, SystemClock(), "ana")
    await cy.call(Follow(f"bo@{HILLTOP}"))  # what goes out rings the queue's bell

    async def gone() -> bool:
        return (await tie(bo)).gone and (await move_tie(bo)).gone

    await until(gone)
    assert (await tie(bo)).state == "accepted"
    assert [one.gone for one in (await cy.call(Following())).ties if one.actor == ANA] == [True]
    assert (await cy.call(Timeline())).posts == ()


async def test_a_410_says_that_somebody_is_gone(town: Town) -> None:
    """Also when no Delete ever came: whoever looks for them learns it."""
    await town.join("ana", HARBOUR)
    bo = await town.join("bo", HILLTOP)
    await bo.call(Follow(f"ana@{HARBOUR}"))
    assert not (await tie(bo)).gone
    await town.nodes[HARBOUR].store.write(lambda tx: account_care.delete(tx, "ana", 1))

    with pytest.raises(ProblemError) as caught:
        await bo.call(Resolve(f"ana@{HARBOUR}"))

    assert caught.value.problem.code == "notFound"
    assert (await tie(bo)).gone


def test_a_tombstone_is_nobody() -> None:
    """What stands at an actor's id may be its gravestone; one at another id says nothing."""
    stone: Json = {"@context": AS_CONTEXT, "type": "Tombstone", "id": ANA}

    with pytest.raises(ActorGone):
        parse_actor(stone, ANA)
    with pytest.raises(Exception, match="no actor"):
        parse_actor(stone, ANA + "x")

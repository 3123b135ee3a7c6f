"""Two nodes that disagree about who follows whom agree again after the next post for followers (FEP-8fcf)."""

from collections.abc import Awaitable
from functools import partial

from yurt.activitypub.follow import FollowState
from yurt.node.store import accounts, people
from yurt.node.store.types import Tx
from yurt.node.testing import Client, Town, until
from yurt.wire.people_commands import Follow, Followers, Following
from yurt.wire.post_commands import Post, Timeline

HARBOUR, HILLTOP = "harbour.example", "hilltop.example"
ANA, BO, CY = "ana@harbour.example", "bo@hilltop.example", "cy@hilltop.example"


async def following(one: Client) -> list[tuple[str, str]]:
    return [(tie.address, tie.state) for tie in (await one.call(Following())).ties]


async def followers(one: Client) -> list[str]:
    return [tie.address for tie in (await one.call(Followers())).ties]


async def _follows_ana(one: Client) -> bool:
    return await following(one) == [(ANA, "accepted")]


async def _is(found: Awaitable[object], wanted: object) -> bool:
    return await found == wanted


async def forget(town: Town, node: str, account: str, other: str, direction: str, state: FollowState) -> None:
    """Let a node's store say something else about a tie, as after an older backup."""

    def unit(tx: Tx) -> None:
        row, person = accounts.account_named(tx, account), people.person_called(tx, other)
        assert row is not None
        assert person is not None
        tie = people.tie_with(tx, account, person.actor, direction)
        activity = tie.activity if tie else ""
        people.put_tie(tx, row.id, people.put_person(tx, person), direction, (state.value, activity, 0))

    await town.nodes[node].store.write(unit)


async def meet(town: Town) -> tuple[Client, Client, Client]:
    """Bo and Cy, at one node, follow Ana, at another."""
    ana = await town.join("ana", HARBOUR)
    bo, cy = await town.join("bo", HILLTOP), await town.join("cy", HILLTOP)
    for one in (bo, cy):
        await one.call(Follow(ANA))
        await until(partial(_follows_ana, one))
    return ana, bo, cy


async def test_a_follow_that_the_other_node_forgot_ends(town: Town) -> None:
    """Ana's node was restored and knows Cy only: Bo's node takes his tie away, Cy's stays."""
    ana, bo, cy = await meet(town)
    await forget(town, HARBOUR, "ana", BO, people.FOLLOWER, FollowState.NONE)

    await ana.call(Post(text="Anybody there?"))

    await until(lambda: _is(following(bo), []))
    assert await following(cy) == [(ANA, "accepted")]


async def test_an_accept_that_was_lost_is_made_good(town: Town) -> None:
    """Bo's node still waits for an answer; Ana's node lists him: he follows."""
    ana, bo, _ = await meet(town)
    await forget(town, HILLTOP, "bo", ANA, people.FOLLOWING, FollowState.PENDING)

    await ana.call(Post(text="Hello, everybody"))

    await until(lambda: _is(following(bo), [(ANA, "accepted")]))


async def test_a_follow_that_is_none_here_is_undone_there(town: Town) -> None:
    """Bo's node was restored from before his follow: Ana's node learns that he does not follow."""
    ana, bo, cy = await meet(town)
    await forget(town, HILLTOP, "bo", ANA, people.FOLLOWING, FollowState.NONE)

    await ana.call(Post(text="Hello, Bo"))

    await until(lambda: _is(followers(ana), [CY]))
    assert await following(bo) == []
    assert len((await cy.call(Timeline())).posts) == 1


async def test_each_host_is_told_only_of_its_own_people(town: Town) -> None:
    """Without a good signature there is no list."""
    await meet(town)
    url = f"https://{HARBOUR}/users/ana/followers_synchronization"

    async with town.session.get(url) as answer:
        status = answer.status

    assert status == 401

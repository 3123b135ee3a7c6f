"""Follows between two nodes and within one."""

from collections.abc import Awaitable

import pytest

from yurt.node.testing import Client, Town, until
from yurt.wire.people_commands import Follow, Followers, Following, Person, Resolve, Unfollow
from yurt.wire.problems import ProblemError

HARBOUR, HILLTOP = "harbour.example", "hilltop.example"


async def follows(one: Client) -> list[tuple[str, str]]:
    return [(tie.address, tie.state) for tie in (await one.call(Following())).ties]


async def followers(one: Client) -> list[tuple[str, str]]:
    return [(tie.address, tie.state) for tie in (await one.call(Followers())).ties]


async def test_a_follow_across_nodes_is_accepted_and_undone(town: Town) -> None:
    """Both ends agree, after the follow and after the unfollow."""
    ana, bo = await town.join("ana", HARBOUR), await town.join("bo", HILLTOP)

    person: Person = await bo.call(Follow("@ana@harbour.example"))
    await until(lambda: _is(follows(bo), [("ana@harbour.example", "accepted")]))

    assert person.did == ana.person.identity.did
    assert person.record == ana.person.record.encode()
    assert await followers(ana) == [("bo@hilltop.example", "accepted")]

    await bo.call(Unfollow("ana@harbour.example"))
    await until(lambda: _is(followers(ana), []))
    assert await follows(bo) == []


async def test_a_follow_waits_for_a_node_that_is_down(town: Town) -> None:
    """A follow of somebody whose node sleeps is delivered when it wakes."""
    await town.join("ana", HARBOUR)
    bo = await town.join("bo", HILLTOP)
    await bo.call(Resolve("ana@harbour.example"))
    await bo.call(Follow("ana@harbour.example"))
    await until(lambda: _is(follows(bo), [("ana@harbour.example", "accepted")]))
    await bo.call(Unfollow("ana@harbour.example"))
    await town.stop(HARBOUR)

    with pytest.raises(ProblemError) as down:
        await bo.call(Resolve("ana@harbour.example"))
    await town.start(HARBOUR)
    await bo.call(Follow("ana@harbour.example"))

    assert down.value.problem.code == "peerUnreachable"
    await until(lambda: _is(follows(bo), [("ana@harbour.example", "accepted")]))


async def test_neighbours_follow_each_other(harbour: Town) -> None:
    """Within one node a follow is accepted at once."""
    ana, bo = await harbour.join("ana", HARBOUR), await harbour.join("bo", HARBOUR)

    await bo.call(Follow("ana@harbour.example"))

    assert await follows(bo) == [("ana@harbour.example", "accepted")]
    assert await followers(ana) == [("bo@harbour.example", "accepted")]
    await bo.call(Unfollow("ana@harbour.example"))
    assert await followers(ana) == []


async def test_pages_of_ties_join_without_a_hole(harbour: Town) -> None:
    """A list read in small pages is the list."""
    ana = await harbour.join("ana", HARBOUR)
    names = ["bo", "cy", "di", "ed", "flo"]
    for name in names:
        await (await harbour.join(name, HARBOUR)).call(Follow("ana@harbour.example"))

    seen: list[str] = []
    after = ""
    while True:
        page = await ana.call(Followers(after, 2))
        seen += [tie.address.partition("@")[0] for tie in page.ties]
        after = page.next
        if not after:
            break

    assert seen == names


async def test_nobody_is_found_where_nobody_is(town: Town) -> None:
    """Each way of not finding somebody has its own answer."""
    ana = await town.join("ana", HARBOUR)
    wrong = {
        "nobody@hilltop.example": "notFound",
        "nobody@harbour.example": "notFound",
        "ana@nowhere.invalid": "peerUnreachable",
        "ana": "badRequest",
        "a b@hilltop.example": "badRequest",
        "ana@127.0.0.1": "peerUnreachable",
        "ana@localhost": "peerUnreachable",
    }

    for address, code in wrong.items():
        with pytest.raises(ProblemError) as caught:
            await ana.call(Resolve(address))
        assert caught.value.problem.code == code, address

    with pytest.raises(ProblemError):
        await ana.call(Follow("ana@harbour.example"))
    with pytest.raises(ProblemError):
        await ana.call(Unfollow("nobody@hilltop.example"))


async def _is(found: Awaitable[object], wanted: object) -> bool:
    return await found == wanted

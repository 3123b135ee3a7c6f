"""GoToSocial and Yurt with their defaults: to follow, to read, to answer, to leave, asked at both ends."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

from yurt.lab.world.people import until
from yurt.lab.world.world import HARBOUR
from yurt.node.admin.account import delete_account
from yurt.node.clock import SystemClock
from yurt.wire.people_commands import Accept, Block, Lock, Unblock
from yurt.wire.post_commands import Boost, Delete, Like, Post
from yurt.wire.problems import ProblemError

GINA, ANA = "gina@gts.example", "ana@harbour.example"
Resident: TypeAlias = Any
Api: TypeAlias = Any
"""What conftest.py gives."""
comes = partial(until, within=120.0)


async def test_gotosocial_asks_before_it_is_followed(gotosocial: Callable[..., Awaitable[Any]]) -> None:
    """Both approve by hand, read, like, boost and answer, take it back, part, and block."""
    place, [gina] = await gotosocial("gina")
    ana = await place.join("ana")
    there = await gina.find(ANA)

    await follow_each_other(ana, gina, there)
    await read_each_other(ana, gina)
    await answer_each_other(ana, gina)
    await part(ana, gina, there)


async def follow_each_other(ana: Resident, gina: Api, there: str) -> None:
    """Each waits until the other says yes: Gina approves by hand, and so does Ana for once."""
    await ana.ask(Lock())
    await gina.ask("POST", f"/api/v1/accounts/{there}/follow")
    await gina.becomes(there, requested=True, following=False)

    async def asks() -> bool:
        try:
            await ana.ask(Accept(GINA))
        except ProblemError:
            return False
        return True

    await comes(asks, "ana is asked, and says yes")
    await gina.becomes(there, requested=False, following=True)
    await ana.is_followed_by(GINA)
    await ana.ask(Lock(locked=False))

    assert (await ana.person.engine.follow(GINA)).locked
    await ana.follows(GINA, "pending")
    await gina.authorize(ANA, there)
    await ana.follows(GINA)
    assert await gina.says(there, followed_by=True)


async def read_each_other(ana: Resident, gina: Api) -> None:
    """Posts for followers and for all go both ways; what is public carries a proof, which is no hindrance."""
    for visibility, shown in (("followers", "private"), ("public", "public")):
        post = await ana.post(f"hello, {visibility}", visibility)
        seen = await gina.sees(f"hello, {visibility}")
        assert (seen["uri"], seen["visibility"]) == (post, shown)
    for visibility, shown in (("private", "followers"), ("public", "public")):
        await gina.post(f"hello, {visibility}", visibility=visibility)
        assert (await ana.reads(f"hello, {visibility}")).visibility == shown


async def answer_each_other(ana: Resident, gina: Api) -> None:
    """Likes, boosts and replies arrive both ways, and so does that they are taken back."""
    hers = await gina.post("what a day", visibility="public")
    seen = await ana.reads("what a day")
    assert seen.id == hers["uri"]
    answer = await ana.post(f"@{GINA} indeed", "public", in_reply_to=seen.id)
    await ana.ask(Like(seen.id))
    await ana.ask(Boost(seen.id))
    await gina.counts(hers, favourites_count=1, reblogs_count=1, replies_count=1)
    await ana.ask(Like(seen.id, undo=True))
    await ana.ask(Boost(seen.id, undo=True))
    await ana.ask(Delete(answer))
    await gina.counts(hers, favourites_count=0, reblogs_count=0, replies_count=0)

    mine = await ana.post("and what a night", "public")
    seen_there = await gina.sees("and what a night")
    await gina.ask("POST", f"/api/v1/statuses/{seen_there['id']}/favourite")
    await gina.ask("POST", f"/api/v1/statuses/{seen_there['id']}/reblog")
    reply = await gina.post(f"@{ANA} full of stars", visibility="private", in_reply_to_id=seen_there["id"])
    await ana.counts(mine, 1, 1)
    assert (await ana.reads("full of stars")).in_reply_to == mine
    await gina.ask("PUT", f"/api/v1/statuses/{reply['id']}", status=f"@{ANA} full of clouds")
    await ana.reads("full of clouds")
    await gina.ask("POST", f"/api/v1/statuses/{seen_there['id']}/unfavourite")
    await gina.ask("POST", f"/api/v1/statuses/{seen_there['id']}/unreblog")
    await ana.counts(mine, 0, 0)
    await ana.ask(Delete(mine))

    async def gone() -> bool:
        status, _ = await gina.try_to("GET", f"/api/v1/statuses/{seen_there['id']}")
        return bool(status == 404)

    await comes(gone, "ana's post is gone there")


async def part(ana: Resident, gina: Api, there: str) -> None:
    """Ana leaves, then blocks, then thinks better of it: GoToSocial says the same."""
    await ana.person.engine.unfollow(GINA)
    await gina.becomes(there, followed_by=False, following=True)
    await ana.ask(Block(GINA))
    await gina.becomes(there, blocked_by=True, following=False)
    await ana.is_followed_by()
    await ana.ask(Unblock(GINA))
    await gina.becomes(there, blocked_by=False)
    await gina.follow(there)
    await ana.is_followed_by(GINA)
    await gina.ask("POST", f"/api/v1/accounts/{there}/unfollow")
    await ana.is_followed_by()
    await gina.follow(there)
    await gina.ask("POST", f"/api/v1/accounts/{there}/block")
    await ana.is_followed_by()


async def test_gotosocial_looks_things_up(gotosocial: Callable[..., Awaitable[Any]]) -> None:
    """What is public it finds by its link, what is for followers only theirs; and who is deleted is gone."""
    place, [gina, gwen] = await gotosocial("gina", "gwen")
    ana = await place.join("ana")
    for_all = await ana.post("for all to find", "public")
    for_some = await ana.post("for some to find")

    assert len(await gina.look_up(for_all)) == 1
    assert await gina.look_up(for_some) == []
    there = await gina.find(ANA)
    await gina.follow(there)
    assert len(await gina.look_up(for_some)) == 1
    assert await gwen.look_up(for_some) == []

    await write_in_confidence(ana, gina, gwen)
    await delete_account(place.world.nodes[HARBOUR].data, SystemClock(), "ana")
    await gina.becomes(there, following=False)
    assert await gina.look_up(for_all) == []


async def write_in_confidence(ana: Resident, gina: Api, gwen: Api) -> None:
    """What is for one alone reaches one alone, and a warning stays one."""
    await ana.ask(Post(text=f"@{GINA} for you alone", visibility="direct", summary="secrets"))
    seen = await gina.is_told("for you alone")
    assert (seen["visibility"], seen["spoiler_text"]) == ("direct", "secrets")
    await gina.post(
        f"@{ANA} and for you", visibility="direct", spoiler_text="more", in_reply_to_id=seen["id"]
    )
    answer = await ana.reads("and for you")
    assert (answer.visibility, answer.summary) == ("direct", "more")
    assert await gwen.ask("GET", "/api/v1/notifications") == []

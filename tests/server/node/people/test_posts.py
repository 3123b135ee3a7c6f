"""Posts between two nodes: shown to whom they are for, taken back, answered, liked and boosted."""

import json
from collections.abc import Awaitable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from yurt.activitypub.http_signatures import cavage
from yurt.node.accounts.testing import actor_key
from yurt.node.clock import SystemClock
from yurt.node.testing import Client, Town, until
from yurt.wire.people_commands import (
    Accept,
    Block,
    Follow,
    Followers,
    Following,
    Lock,
    Mute,
    Reject,
    Requests,
    Unblock,
    Unmute,
)
from yurt.wire.post_commands import Boost, Delete, Like, Post, Posted, PostInfo, Timeline
from yurt.wire.problems import ProblemError

HARBOUR, HILLTOP = "harbour.example", "hilltop.example"
ANA, BO = "ana@harbour.example", "bo@hilltop.example"


async def timeline(one: Client) -> list[PostInfo]:
    return list((await one.call(Timeline())).posts)


async def texts(one: Client) -> list[str]:
    return [post.text for post in await timeline(one)]


async def ties(one: Client, command: Followers | Following | Requests) -> list[tuple[str, str]]:
    return [(tie.address, tie.state) for tie in (await one.call(command)).ties]


async def _is(found: Awaitable[object], wanted: object) -> bool:
    return await found == wanted


async def friends(town: Town) -> tuple[Client, Client]:
    """Ana at the harbour and Bo on the hilltop follow each other."""
    ana, bo = await town.join("ana", HARBOUR), await town.join("bo", HILLTOP)
    await bo.call(Follow(ANA))
    await ana.call(Follow(BO))
    await until(lambda: _is(ties(bo, Following()), [(ANA, "accepted")]))
    await until(lambda: _is(ties(ana, Following()), [(BO, "accepted")]))
    return ana, bo


async def get(town: Town, url: str, signed_by: str = "") -> tuple[int, dict[str, Any]]:
    """Fetch a document, perhaps signed by an actor of a town of tests."""
    headers = {"Accept": "application/activity+json"}
    if signed_by:
        key = load_der_private_key(actor_key(), None)
        assert isinstance(key, RSAPrivateKey)
        now = SystemClock().now_s()
        headers |= cavage.sign("GET", url, None, key_id=f"{signed_by}#main-key", key=key, now=now)
    async with town.session.get(url, headers=headers) as answer:
        return answer.status, json.loads(await answer.read())


async def test_a_post_reaches_followers_and_its_delete_too(town: Town) -> None:
    """What Ana posts Bo reads, at his own node; what she takes back is gone there as well."""
    ana, bo = await friends(town)

    posted: Posted = await ana.call(Post(text="Fog over the harbour", unique=b"u" * 16))
    again: Posted = await ana.call(Post(text="Fog over the harbour", unique=b"u" * 16))
    await until(lambda: _is(texts(bo), ["Fog over the harbour"]))

    assert again == posted
    assert await texts(ana) == ["Fog over the harbour"]
    (seen,) = await timeline(bo)
    assert (seen.author, seen.visibility, seen.id) == (ANA, "followers", posted.id)

    with pytest.raises(ProblemError):
        await bo.call(Delete(posted.id))
    await ana.call(Delete(posted.id))
    await until(lambda: _is(texts(bo), []))
    status, tombstone = await get(town, posted.id)
    assert (status, tombstone["type"]) == (410, "Tombstone")


async def test_a_reply_reaches_who_is_answered(town: Town) -> None:
    """Bo's answer names Ana's post, reaches her, and a like and a boost are counted at her node."""
    ana, bo = await friends(town)
    posted: Posted = await ana.call(Post(text="Who comes to sail?", visibility="public"))
    await until(lambda: _is(texts(bo), ["Who comes to sail?"]))

    await bo.call(Post(text="@ana@harbour.example I do!", in_reply_to=posted.id, visibility="direct"))
    await bo.call(Like(posted.id))
    await bo.call(Like(posted.id))
    await bo.call(Boost(posted.id))

    async def answered() -> bool:
        page = await timeline(ana)
        mine = next(post for post in page if post.id == posted.id)
        return len(page) == 2 and (mine.likes, mine.boosts) == (1, 1)

    await until(answered)
    reply = (await timeline(ana))[0]
    assert (reply.in_reply_to, reply.author, reply.visibility) == (posted.id, BO, "direct")
    assert [post.liked for post in await timeline(bo) if post.id == posted.id] == [True]

    await bo.call(Like(posted.id, undo=True))
    await bo.call(Boost(posted.id, undo=True))
    await until(lambda: _counts(ana, posted.id, (0, 0)))


async def _counts(one: Client, post: str, wanted: tuple[int, int]) -> bool:
    return any((line.likes, line.boosts) == wanted for line in await timeline(one) if line.id == post)


async def test_a_boost_shows_a_post_to_followers_elsewhere(town: Town) -> None:
    """Cy does not follow Ana, but sees what Bo boosts, fetched from where it was posted."""
    ana = await town.join("ana", HARBOUR)
    bo, cy = await town.join("bo", HILLTOP), await town.join("cy", HARBOUR)
    await bo.call(Follow(ANA))
    await cy.call(Follow(BO))
    await until(lambda: _is(ties(bo, Following()), [(ANA, "accepted")]))
    await until(lambda: _is(ties(cy, Following()), [(BO, "accepted")]))
    posted: Posted = await ana.call(Post(text="Regatta on Sunday", visibility="public"))
    secret: Posted = await ana.call(Post(text="My birthday"))
    await until(lambda: _is(texts(bo), ["My birthday", "Regatta on Sunday"]))

    await bo.call(Boost(posted.id))
    with pytest.raises(ProblemError) as refused:
        await bo.call(Boost(secret.id))

    assert refused.value.problem.code == "notAllowed"
    await until(lambda: _is(texts(cy), ["Regatta on Sunday"]))
    assert (await timeline(cy))[0].boosted_by == BO


async def test_only_who_may_see_a_post_can_fetch_it(town: Town) -> None:
    """A post for followers is shown to a signed follower and their node; to others it does not exist."""
    ana, _ = await friends(town)
    await town.join("eve", HILLTOP)
    private: Posted = await ana.call(Post(text="For friends"))
    public: Posted = await ana.call(Post(text="For all", visibility="public"))

    at = f"https://{HILLTOP}/users"
    seen = {
        "stranger": (await get(town, private.id))[0],
        "follower": (await get(town, private.id, f"{at}/bo"))[0],
        "eve": (await get(town, private.id, f"{at}/eve"))[0],
        "public": (await get(town, public.id))[0],
    }
    outbox = (await get(town, f"https://{HARBOUR}/users/ana/outbox"))[1]
    page = (await get(town, outbox["first"]))[1]

    assert seen == {"stranger": 404, "follower": 200, "eve": 404, "public": 200}
    assert outbox["totalItems"] == 1
    assert [item["object"]["id"] for item in page["orderedItems"]] == [public.id]


async def test_a_locked_account_answers_requests(town: Town) -> None:
    """Follows of a locked account wait; accepted ones follow, rejected ones do not."""
    ana, bo = await town.join("ana", HARBOUR), await town.join("bo", HILLTOP)
    cy = await town.join("cy", HILLTOP)
    await ana.call(Lock())
    await bo.call(Follow(ANA))
    await cy.call(Follow(ANA))
    await until(lambda: _is(ties(ana, Requests()), [(BO, "pending"), ("cy@hilltop.example", "pending")]))

    await ana.call(Accept(BO))
    await ana.call(Reject("cy@hilltop.example"))

    await until(lambda: _is(ties(bo, Following()), [(ANA, "accepted")]))
    await until(lambda: _is(ties(cy, Following()), []))
    assert await ties(ana, Requests()) == []
    assert await ties(ana, Followers()) == [(BO, "accepted")]


async def test_a_block_ends_everything_on_both_sides(town: Town) -> None:
    """Ana blocks Bo: nobody follows anybody, and he cannot follow again until she unblocks him."""
    ana, bo = await friends(town)

    await ana.call(Block(BO))
    await until(lambda: _is(ties(bo, Following()), []))
    await until(lambda: _is(ties(bo, Followers()), []))
    assert await ties(ana, Followers()) == []

    async def refused() -> bool:
        try:
            await bo.call(Follow(ANA))
        except ProblemError as error:
            return error.problem.code == "notAllowed"
        return False

    await until(refused)
    await ana.call(Unblock(BO))

    async def welcome() -> bool:
        return not await refused()

    await until(welcome)
    await until(lambda: _is(ties(bo, Following()), [(ANA, "accepted")]))


async def test_a_mute_hides_and_tells_nobody(town: Town) -> None:
    """What Bo posts is not shown while he is muted, and is there again after."""
    ana, bo = await friends(town)
    await bo.call(Post(text="Good morning"))
    await until(lambda: _is(texts(ana), ["Good morning"]))

    await ana.call(Mute(BO))
    assert await texts(ana) == []
    await ana.call(Unmute(BO))
    assert await texts(ana) == ["Good morning"]
    assert await ties(bo, Followers()) == [(ANA, "accepted")]


@pytest.mark.parametrize(
    "post",
    [
        Post(text=""),
        Post(text="x" * 10_001),
        Post(text="x", visibility="all"),
        Post(text="x", unique=b"short"),
    ],
)
async def test_a_post_that_is_none_is_refused(harbour: Town, post: Post) -> None:
    """Empty, endless or strangely addressed posts are refused."""
    ana = await harbour.join("ana", HARBOUR)

    with pytest.raises(ProblemError) as refused:
        await ana.call(post)

    assert refused.value.problem.code == "badRequest"


async def test_pages_of_a_timeline_join_without_a_hole(harbour: Town) -> None:
    """A timeline read in small pages is the timeline."""
    ana = await harbour.join("ana", HARBOUR)
    for number in range(5):
        await ana.call(Post(text=str(number)))

    first = await ana.call(Timeline(limit=3))
    rest = await ana.call(Timeline(before=first.next, limit=3))

    assert [post.text for post in (*first.posts, *rest.posts)] == ["4", "3", "2", "1", "0"]
    assert rest.next == 0

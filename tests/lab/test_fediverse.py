"""The fediverse among three nodes as processes, used as people use it."""

import asyncio
import json
import shutil
from functools import partial
from pathlib import Path

import pytest

from yurt.lab.world.people import Person, follow, until
from yurt.lab.world.shell import Ended, Shell
from yurt.lab.world.world import HARBOUR, HILLTOP, World
from yurt.wire.account_commands import Logout
from yurt.wire.command import Done
from yurt.wire.people_commands import Block
from yurt.wire.post_commands import Boost, Like, Post, Posted, PostInfo, Timeline, TimelinePage
from yurt.wire.problems import ProblemError

MEADOW = "meadow.example"


async def timeline(person: Person) -> list[PostInfo]:
    return list((await person.engine.ask_node(Timeline(), TimelinePage)).posts)


async def reads(person: Person, text: str) -> PostInfo:
    """Wait until a post is on somebody's timeline."""

    async def there() -> PostInfo | None:
        return next((post for post in await timeline(person) if post.text == text), None)

    return await until(there, f"{person.name} reads {text!r}")


async def yurt(person: Person, *words: str) -> Ended:
    """Run a command as somebody whose engine is closed."""
    return await Shell.of(person.home, person.map_file).yurt(*words)


async def test_three_nodes_follow_post_reply_like_and_block(tmp_path: Path) -> None:
    """Ana posts for followers on two other nodes; Bo answers and likes; Cy, blocked, reads no more."""
    async with World.open(tmp_path, HARBOUR, HILLTOP, MEADOW) as world:
        ana = await world.person("ana", HARBOUR)
        bo, cy = await world.person("bo", HILLTOP), await world.person("cy", MEADOW)
        await asyncio.gather(follow(bo, ana), follow(cy, ana))

        posted = await ana.engine.ask_node(Post(text="Fog over the harbour"), Posted)
        await asyncio.gather(reads(bo, "Fog over the harbour"), reads(cy, "Fog over the harbour"))

        answer = Post(text="@ana@harbour.example And sun up here", in_reply_to=posted.id, visibility="direct")
        await bo.engine.ask_node(answer, Posted)
        await bo.engine.ask_node(Like(posted.id), Done)
        reply = await reads(ana, "@ana@harbour.example And sun up here")
        assert (reply.author, reply.in_reply_to) == (bo.address, posted.id)
        assert [post.text for post in await timeline(cy)] == ["Fog over the harbour"]

        async def liked() -> bool:
            return any(post.likes == 1 for post in await timeline(ana) if post.id == posted.id)

        await until(liked, "the like is counted at ana's node")

        await ana.engine.ask_node(Block(cy.address), Done)

        async def gone() -> bool:
            return not await cy.engine.following()

        await until(gone, "cy learns that he follows ana no longer")
        await ana.engine.ask_node(Post(text="Without Cy"), Posted)
        await reads(bo, "Without Cy")
        assert await timeline(cy) == []
        with pytest.raises(ProblemError):
            await bo.engine.ask_node(Logout(), Done)

        await bo.close()
        said = await yurt(bo, "post", "From the command line", "--for", "public", "--json")
        seen = await yurt(bo, "timeline", "--json")
        people = await yurt(bo, "timeline")
        codes = [
            (await yurt(bo, *words)).code
            for words in (
                ("boost", json.loads(said.out)["post"]),
                ("mute", ana.address),
                ("mute", ana.address, "--undo"),
                ("requests", "--lock"),
                ("requests",),
                ("block", cy.address),
                ("block", cy.address, "--undo"),
                ("like", posted.id, "--undo"),
                ("post", "--delete", json.loads(said.out)["post"]),
            )
        ]

        assert said.code == 0
        assert codes == [0] * len(codes)
        texts = [json.loads(line)["text"] for line in seen.out.splitlines()]
        assert texts[-2:] == ["Without Cy", "From the command line"]
        assert "From the command line" in people.out


async def test_a_boost_travels_on_and_an_older_backup_is_repaired(tmp_path: Path) -> None:
    """Dee reads what Cy boosts; a restored node forgot Ana, and both ends come to agree (FEP-8fcf)."""
    async with World.open(tmp_path, HARBOUR, HILLTOP, MEADOW) as world:
        bo, dee = await world.person("bo", HILLTOP), await world.person("dee", MEADOW)
        ana, cy = await world.person("ana", HARBOUR), await world.person("cy", HARBOUR)
        await asyncio.gather(follow(cy, bo), follow(dee, cy))
        hilltop = world.nodes[HILLTOP]
        await hilltop.stop()
        shutil.copytree(hilltop.data, tmp_path / "older")
        await hilltop.start()

        await follow(ana, bo)
        posted = await until(partial(done, bo, Post(text="Sunrise", visibility="public")), "bo posts")
        await reads(cy, "Sunrise")
        await cy.engine.ask_node(Boost(posted.id), Done)
        assert (await reads(dee, "Sunrise")).boosted_by == cy.address

        await hilltop.stop()
        shutil.rmtree(hilltop.data)
        shutil.move(tmp_path / "older", hilltop.data)
        await hilltop.start()
        await until(partial(done, bo, Post(text="Who reads me?")), "bo posts again")
        await reads(cy, "Who reads me?")

        async def ended() -> bool:
            return not any(tie.state == "accepted" for tie in await ana.engine.following())

        await until(ended, "ana learns that bo's node knows nothing of her follow")
        await follow(ana, bo)
        await until(partial(done, bo, Post(text="Good to see you")), "bo posts once more")
        await reads(ana, "Good to see you")


async def done(person: Person, post: Post) -> Posted | None:
    """Post, once the engine has found its node again."""
    try:
        return await person.engine.ask_node(post, Posted)
    except ProblemError:
        return None

"""snac, a live peer: what its own files say of who follows whom, and of what was posted.

Needs its binary, named by PEER_SNAC::

    PEER_SNAC=/usr/local/bin/snac pytest tests/peers

What is relied on stands in its source: `main.c` (init, adduser, httpd, follow, note), `utils.c` (`snac_init`
asks for address, port, host, prefix, mail), `data.c` (`followers/`, `following/`, `private/` of a user hold
one JSON file for each object; a file of `following/` is the Follow until it becomes the Accept).
"""

import asyncio
import hashlib
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from yurt.node.testing import Client
from yurt.wire.people_commands import Follow, Followers, Following, Unfollow
from yurt.wire.post_commands import Like, Post, Timeline

PEER = "snac.example"
SAM = f"https://{PEER}/sam"
ANA = "https://harbour.example/users/ana"
SNAC = Path(os.environ.get("PEER_SNAC", "/nonexistent"))

pytestmark = pytest.mark.skipif(not SNAC.is_file(), reason="no snac: PEER_SNAC does not name its binary")


@dataclass
class Snac:
    """snac's own view, and orders to it."""

    run: Callable[..., Awaitable[str]]
    base: Path

    async def do(self, command: str, *words: str) -> str:
        """Run one of its commands for Sam."""
        return await self.run(str(SNAC), command, str(self.base), "sam", *words)

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """What it keeps in one of Sam's folders."""
        found: list[dict[str, Any]] = []
        for file in sorted((self.base / "user" / "sam" / kind).glob("*.json")):
            text = file.read_text(encoding="utf-8")
            if text.strip() and not file.name.endswith("_a.json"):
                found.append(json.loads(text))
        return found

    def followers(self) -> list[str]:
        """Who follows Sam."""
        return [str(one["id"]) for one in self.objects("followers")]

    def following(self) -> list[str]:
        """Whom Sam follows, and who said yes."""
        return [str(one["actor"]) for one in self.objects("following") if one["type"] == "Accept"]

    def reads(self) -> str:
        """Everything on Sam's timeline."""
        return "\n".join(str(one.get("content", "")) for one in self.objects("private"))


async def until(holds: Callable[[], Awaitable[bool] | bool], what: str) -> None:
    """Wait until something holds; snac looks into its queue every few seconds."""
    for _ in range(1200):
        found = holds()
        if found if isinstance(found, bool) else await found:
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"it does not come about: {what}")


async def states(ana: Client, command: Followers | Following) -> dict[str, str]:
    return {tie.address: tie.state for tie in (await ana.call(command)).ties}


async def test_snac_follows_reads_and_is_followed(island: Callable[[str], Awaitable[Any]]) -> None:
    """With its production defaults: both follow, each reads the other, a like arrives, and they part."""
    place = await island(PEER)
    ana: Client = await place.town.join("ana", "harbour.example")
    base = place.folder / "data"
    answers = f"127.0.0.1\n{place.port}\n{PEER}\n\n\n\n\n"
    await place.run(str(SNAC), "init", str(base), text=answers)
    await place.run(str(SNAC), "adduser", str(base), "sam", text="\n\n")
    await place.start(str(SNAC), "httpd", str(base))
    snac, sam = Snac(place.run, base), f"sam@{PEER}"

    async def found() -> bool:
        try:
            async with place.town.session.get(f"https://{PEER}/.well-known/nodeinfo") as answer:
                return bool(answer.status == 200)
        except aiohttp.ClientError:
            return False

    await until(found, "snac is up")
    await ana.call(Follow(sam))

    async def followed() -> bool:
        return await states(ana, Following()) == {sam: "accepted"}

    await until(followed, "snac accepts ana's follow")
    await until(lambda: snac.followers() == [ANA], "snac counts ana as a follower")

    await snac.do("follow", ANA)
    await until(lambda: snac.following() == [ANA], "snac has ana's Accept")
    assert await states(ana, Followers()) == {sam: "accepted"}

    await ana.call(Post(text="hello, Sam"))
    await until(lambda: "hello, Sam" in snac.reads(), "sam reads ana")
    await snac.do("note", "hello, Ana")

    async def read() -> bool:
        return "hello, Ana" in [one.text for one in (await ana.call(Timeline())).posts]

    await until(read, "ana reads sam")
    theirs = next(one for one in (await ana.call(Timeline())).posts if one.text == "hello, Ana")
    await ana.call(Like(theirs.id))
    await until(lambda: _is_liked(base, ANA), "snac counts ana's like")

    await ana.call(Unfollow(sam))
    await until(lambda: snac.followers() == [], "snac counts ana no longer")


def _is_liked(base: Path, by: str) -> bool:
    """Whether an index of likes names an actor; snac writes the MD5 of its id (`data.c`, `object_admire`)."""
    name = hashlib.md5(by.encode(), usedforsecurity=False).hexdigest()
    return any(name in file.read_text() for file in (base / "object").glob("*/*_l.idx"))

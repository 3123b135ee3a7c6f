"""snac, a live peer: what its own files say of who follows whom, and of what was posted.

Needs its binary, 2.90 or later, named by PEER_SNAC::

    PEER_SNAC=/usr/local/bin/snac pytest tests/peers

What is relied on stands in its source: `main.c` (init, adduser, httpd, follow, note, boost, alias, migrate),
`utils.c` (`snac_init` asks for address, port, host, prefix, mail), `data.c` (`followers/`, `following/`,
`private/` of a user hold one JSON file for each object; a file of `following/` is the Follow until it becomes
the Accept; `_l.idx` and `_a.idx` beside an object name who likes and boosts it), `activitypub.c` (Move).
"""

import hashlib
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from yurt.lab.world.people import until
from yurt.wire.people_commands import Block
from yurt.wire.post_commands import Boost, Delete, Like

PEER = "snac.example"
SAM = f"sam@{PEER}"
ANA = "https://harbour.example/users/ana"
ANEW = "https://hilltop.example/users/ana"
SNAC = Path(os.environ.get("PEER_SNAC", "/nonexistent"))
PATIENCE_S = 150
"""What it could not do it tries again after two minutes."""

pytestmark = [
    pytest.mark.skipif(not SNAC.is_file(), reason="no snac: PEER_SNAC does not name its binary"),
    pytest.mark.timeout(600),
]
Island: TypeAlias = Any
Resident: TypeAlias = Any
"""What conftest.py gives."""
comes = partial(until, within=PATIENCE_S)


@dataclass
class Snac:
    """snac's own view, and orders to it."""

    order: Callable[..., Awaitable[str]]
    base: Path
    name: str = "sam"

    async def do(self, command: str, *words: str) -> str:
        """Run one of its commands for somebody."""
        return await self.order(str(SNAC), command, str(self.base), self.name, *words)

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """What it keeps in a folder of theirs."""
        found: list[dict[str, Any]] = []
        for file in sorted((self.base / "user" / self.name / kind).glob("*.json")):
            text = file.read_text(encoding="utf-8")
            if text.strip() and not file.name.endswith("_a.json"):
                found.append(json.loads(text))
        return found

    async def is_followed_by(self, *actors: str) -> None:
        """Wait until exactly these follow."""

        async def so() -> bool:
            return {str(one["id"]) for one in self.objects("followers")} == set(actors)

        await comes(so, f"{self.name} is followed by {actors}")

    async def follows(self, *actors: str) -> None:
        """Wait until exactly these are followed, and said yes."""

        async def so() -> bool:
            found = [(one["type"], one["actor"]) for one in self.objects("following")]
            return found == [("Accept", actor) for actor in actors]

        await comes(so, f"{self.name} follows {actors}")

    async def reads(self, text: str) -> dict[str, Any]:
        """Wait until a text is on the timeline."""

        async def there() -> dict[str, Any] | None:
            posts = self.objects("private")
            return next((one for one in posts if text in str(one.get("content", ""))), None)

        return await comes(there, f"{self.name} reads {text!r}")

    def key_of(self, actor: str) -> str:
        """With which key it verifies what somebody signs."""
        name = _md5(actor)
        kept = json.loads((self.base / "object" / name[:2] / f"{name}.json").read_text(encoding="utf-8"))
        return str(kept["publicKey"]["publicKeyPem"])

    async def counts(self, kind: str, post: str, *actors: str) -> None:
        """Wait until exactly these like (`l`) or boost (`a`) a post."""
        name = _md5(post)

        async def so() -> bool:
            file = self.base / "object" / name[:2] / f"{name}_{kind}.idx"
            lines = file.read_text().split() if file.exists() else []
            return {line for line in lines if line[0] != "-"} == {_md5(actor) for actor in actors}

        await comes(so, f"{kind} of {post}: {actors}")


def _md5(text: str) -> str:
    """How it names what it keeps."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


async def open_snac(place: Island, *names: str) -> list[Snac]:
    """Make its folder and accounts, and start it."""
    base = place.folder / "data"
    answers = f"127.0.0.1\n{place.port}\n{PEER}\n\n\n\n\n"
    await place.run(str(SNAC), "init", str(base), text=answers)
    for name in names:
        await place.run(str(SNAC), "adduser", str(base), name, text="\n\n")
    await place.start(str(SNAC), "httpd", str(base), up="/.well-known/nodeinfo")
    return [Snac(place.run, base, name) for name in names]


async def befriend(place: Island) -> tuple[Resident, Snac]:
    """Let Ana and Sam follow each other."""
    ana = await place.join("ana")
    [sam] = await open_snac(place, "sam")
    await ana.person.engine.follow(SAM)
    await ana.follows(SAM)
    await sam.is_followed_by(ANA)
    await sam.do("follow", ANA)
    await sam.follows(ANA)
    await ana.is_followed_by(SAM)
    return ana, sam


async def test_snac_follows_reads_and_is_followed(island: Callable[..., Awaitable[Any]]) -> None:
    """With its production defaults: both follow, read, like, boost and answer each other, and they part."""
    place = await island(PEER)
    ana, sam = await befriend(place)

    await ana.post("hello, Sam")
    await sam.reads("hello, Sam")
    mine = await ana.post("hello, everybody", "public")  # it carries a proof
    await sam.reads("hello, everybody")
    await sam.do("note_followers", "hello, Ana")
    assert (await ana.reads("hello, Ana")).visibility == "followers"

    await sam.do("boost", mine)
    await ana.counts(mine, 0, 1)
    await sam.do("unboost", mine)
    await ana.counts(mine, 0, 0)
    await sam.do("note", "@ana@harbour.example well said", "-r", mine)
    assert (await ana.reads("well said")).in_reply_to == mine

    await sam.do("note", "what a day")
    theirs = (await ana.reads("what a day")).id
    await ana.ask(Like(theirs))
    await ana.ask(Boost(theirs))
    await sam.counts("l", theirs, ANA)
    await sam.counts("a", theirs, ANA)
    answer = await ana.post(f"@{SAM} indeed", "public", in_reply_to=theirs)
    assert (await sam.reads("indeed"))["id"] == answer
    await ana.ask(Like(theirs, undo=True))
    await ana.ask(Boost(theirs, undo=True))
    await sam.counts("l", theirs)
    # That somebody takes a boost back it only writes into its log ("Unboost", activitypub.c).
    await ana.ask(Delete(answer))
    await comes(lambda: _forgot(sam, "indeed"), "ana's answer is gone there")

    await ana.person.engine.unfollow(SAM)
    await sam.is_followed_by()
    await sam.do("unfollow", ANA)
    await ana.is_followed_by()
    await sam.do("follow", ANA)
    await ana.is_followed_by(SAM)
    await ana.ask(Block(SAM))
    await ana.is_followed_by()


async def _forgot(sam: Snac, text: str) -> bool:
    return not any(text in str(one.get("content", "")) for one in sam.objects("private"))


async def is_along(ana: Resident, sam: Snac) -> None:
    """Ask snac whether Sam has gone along to Ana's new account, and both nodes whether they agree."""
    await sam.follows(ANEW)
    await ana.is_followed_by(SAM)
    await ana.post("hello from the hilltop")
    await sam.reads("hello from the hilltop")
    await ana.follows(SAM)
    await ana.brought_everybody()
    await sam.do("note_followers", "welcome there")
    await ana.reads("welcome there")


async def test_snac_goes_along_with_a_move(island: Callable[..., Awaitable[Any]]) -> None:
    """Ana moves between Yurt nodes: snac itself follows the new account and leaves the old one."""
    place = await island(PEER)
    ana, sam = await befriend(place)

    await place.move(ana)

    await is_along(ana, sam)
    await sam.is_followed_by(ANA, ANEW)


async def test_snac_believes_a_move_from_the_dead(island: Callable[..., Awaitable[Any]]) -> None:
    """Ana's node burns down: snac takes the Move that the new node signs with her old, lent key."""
    place = await island(PEER)
    ana, sam = await befriend(place)

    anew = await place.rescue(ana)

    await is_along(anew, sam)


async def test_snac_hears_of_a_new_key_before_a_fire(island: Callable[..., Awaitable[Any]]) -> None:
    """Ana signs with another key: snac believes it, and later the Move under it, though her node is dead."""
    place = await island(PEER)
    ana, sam = await befriend(place)

    before = sam.key_of(ANA)
    await ana.change_key()

    async def heard() -> bool:
        return sam.key_of(ANA) != before

    await comes(heard, "snac has the new key")
    await ana.post("under another key")
    await sam.reads("under another key")
    anew = await place.rescue(ana)

    await is_along(anew, sam)


async def test_who_migrates_on_snac_is_followed_there(island: Callable[..., Awaitable[Any]]) -> None:
    """Sam moves to another account: whoever follows him from Yurt follows that one."""
    place = await island(PEER)
    ana = await place.join("ana")
    sam, sue = await open_snac(place, "sam", "sue")
    await ana.person.engine.follow(SAM)
    await ana.follows(SAM)

    await sue.do("alias", f"https://{PEER}/sam")
    await sam.do("alias", f"https://{PEER}/sue")
    await sam.do("migrate")

    await ana.follows(f"sue@{PEER}")
    await sue.is_followed_by(ANA)

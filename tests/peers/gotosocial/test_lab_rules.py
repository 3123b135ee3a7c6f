"""GoToSocial beside the lab's profile of it: what is delivered to both has one fate.

The same is played at both (docs/migrations.md, "The rules of the stock peers"), and what the server writes
into its log must be the rule that the profile names. Nobody waits a week: `once7DaysEither` is not played.
"""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

import aiohttp
from cryptography.hazmat.primitives.asymmetric import rsa

from yurt.activitypub.http_signatures import cavage, rfc9421
from yurt.activitypub.references import Json
from yurt.activitypub.vocabulary import AS_CONTEXT
from yurt.lab.migration import stock_peer
from yurt.lab.migration.hosts import Hosts, LabClock, Post
from yurt.lab.migration.stock_peer import ACCEPTED, StockPeer
from yurt.lab.migration.stock_profiles import profile
from yurt.lab.world.people import until

OLD, NEW, LAB, LIVE = "old.example", "new.example", "lab.example", "gts.example"
HELD = stock_peer._KEY  # pyright: ignore[reportPrivateUsage]  # what both servers hold for everybody
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
IN_ITS_LOG: Final = {
    "alias": "target account is not aliased back to origin account",
    "attempt5Minutes": "have been involved in a Move attempt within the last 5 minutes",
}
"""A rule that is asked after the answer, and what GoToSocial writes."""
comes = partial(until, within=60.0)


@dataclass(frozen=True)
class Said:
    """One delivery."""

    kind: str = "Move"
    by: str = OLD
    """The server of who says it."""
    key: rsa.RSAPrivateKey = field(default=HELD, repr=False)
    scheme: Callable[..., dict[str, str]] = cavage.sign
    gets_alias: bool = True
    """The new account names the old one by then."""
    is_dead: bool = False
    """The old server is gone by then."""


CASES: Final = {
    "moves": (Said(),),
    "widow": (Said(is_dead=True),),
    "stranger": (Said(gets_alias=False), Said()),
    "thief": (Said(key=OTHER), Said(by=NEW)),
    "modern": (Said(scheme=rfc9421.sign),),
    "deleted": (Said("Delete"), Said()),
}
"""Who moves, by the name of their account on both servers; each begins followed."""


class End(Protocol):
    """One of the two to whom the same is said."""

    host: str

    @property
    def inbox(self) -> str:
        """Where it is said."""
        ...

    async def follow(self, actor: str) -> None:
        """Follow somebody."""
        ...

    async def follows(self) -> set[str]:
        """Who is followed and said yes."""
        ...


@dataclass
class Lab:
    """What the lab plays."""

    peer: StockPeer
    host: str = LAB
    inbox: str = f"https://{LAB}/inbox"

    async def follow(self, actor: str) -> None:
        """Let Bo follow somebody."""
        assert await self.peer.follow("bo", actor)

    async def follows(self) -> set[str]:
        """Whom Bo follows."""
        following = self.peer.people["bo"].following
        return {actor for actor, state in following.items() if state == ACCEPTED}

    async def rule(self) -> str:
        """Which rule what came last has broken."""
        await self.peer.quiet()
        return self.peer.seen[-1].rule


@dataclass
class Live:
    """The server itself."""

    gina: Any
    log: Path
    host: str = LIVE
    inbox: str = f"https://{LIVE}/users/gina/inbox"

    async def follow(self, actor: str) -> None:
        """Let Gina follow somebody."""
        await self.gina.ask("POST", f"/api/v1/accounts/{await self.gina.find(address(actor))}/follow")

    async def follows(self) -> set[str]:
        """Whom Gina follows."""
        own = await self.gina.ask("GET", "/api/v1/accounts/verify_credentials")
        found = await self.gina.ask("GET", f"/api/v1/accounts/{own['id']}/following")
        return {actor(*one["acct"].split("@")) for one in found}

    async def names(self, rule: str, times: int) -> None:
        """Wait until its log names a rule so often."""

        async def so() -> bool:
            return self.log.read_text(encoding="utf-8").count(IN_ITS_LOG[rule]) == times

        await comes(so, f"{rule} in {self.log}")


def actor(name: str, host: str) -> str:
    """Where somebody's document is."""
    return f"https://{host}/users/{name}"


def address(url: str) -> str:
    """What somebody is called."""
    host, _, name = url.removeprefix("https://").split("/")
    return f"{name}@{host}"


@dataclass
class Street:
    """The old server and the new one, and the two ends."""

    session: aiohttp.ClientSession
    old: StockPeer
    new: StockPeer
    lab: Lab
    live: Live
    clock: LabClock
    said: int = 0

    async def say(self, end: End, name: str, what: Said) -> int:
        """Deliver something; return the status of the answer."""
        self.said += 1
        who = actor(name, what.by)
        activity: Json = {"@context": AS_CONTEXT, "id": f"{who}#said/{self.said}", "type": what.kind}
        activity |= {"actor": who, "object": actor(name, OLD)}
        if what.kind == "Move":
            activity["target"] = actor(name, NEW)
        body = json.dumps(activity).encode()
        headers = what.scheme(
            "POST", end.inbox, body, key_id=f"{who}#main-key", key=what.key, now=int(self.clock.now())
        )
        async with self.session.post(end.inbox, data=body, headers=headers) as answer:
            return answer.status

    async def befriend(self, end: End, name: str) -> None:
        """Let an end follow somebody on the old server."""
        await end.follow(actor(name, OLD))

        async def accepted() -> bool:
            return actor(name, OLD) in await end.follows()

        await comes(accepted, f"{name} says yes to {end.host}")


@asynccontextmanager
async def street(place: Any, gina: Any) -> AsyncGenerator[Street]:  # noqa: ANN401  # of conftest.py
    """Open the old server, the new one, and the lab's GoToSocial."""
    network, clock = place.world.network, LabClock()
    post, hosts = Post(network, clock), Hosts(network)
    kinds = {OLD: "mastodon", NEW: "mastodon", LAB: "gotosocial"}
    peers = {host: StockPeer(host, profile(kind), post, clock) for host, kind in kinds.items()}
    post.open()
    await hosts.open()
    try:
        for host, peer in peers.items():
            await hosts.listen(host, peer)
        peers[LAB].join("bo")
        live = Live(gina, place.folder / "server.log")
        yield Street(place.session, peers[OLD], peers[NEW], Lab(peers[LAB]), live, clock)
    finally:
        for peer in peers.values():
            await peer.close()
        await hosts.close()
        await post.close()


async def test_the_lab_plays_what_gotosocial_does(gotosocial: Callable[..., Awaitable[Any]]) -> None:
    """Answers, rules and who is followed afterwards are the same, for each who moves in another way."""
    place, [gina] = await gotosocial("gina", others=(OLD, NEW, LAB))
    async with street(place, gina) as here:
        for name, story in CASES.items():
            here.old.join(name)
            here.new.join(name)
            for end in (here.lab, here.live):
                await here.befriend(end, name)
            for what in story:
                await same_fate(here, name, what)


async def same_fate(here: Street, name: str, what: Said) -> None:
    """Say something to both, and compare."""
    here.new.people[name].aliases = (actor(name, OLD),) if what.gets_alias else ()
    if what.is_dead:
        del here.old.people[name]
    status = await here.say(here.lab, name, what)
    rule = await here.lab.rule()
    before = here.live.log.read_text(encoding="utf-8").count(IN_ITS_LOG[rule]) if rule in IN_ITS_LOG else 0

    assert await here.say(here.live, name, what) == status, (name, what, rule)

    if rule in IN_ITS_LOG:
        await here.live.names(rule, before + 1)

    async def same() -> bool:
        return await here.live.follows() == await here.lab.follows()

    await comes(same, f"{name}, {what}: {await here.lab.follows()} followed at both")

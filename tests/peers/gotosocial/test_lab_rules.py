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

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

from yurt.activitypub.http_signatures import cavage, rfc9421
from yurt.activitypub.references import Json
from yurt.activitypub.vocabulary import AS_CONTEXT
from yurt.lab.migration.hosts import Hosts, LabClock, Post
from yurt.lab.migration.stock_peer import ACCEPTED, StockPeer
from yurt.lab.migration.stock_profiles import profile
from yurt.lab.world.people import until
from yurt.lab.world.world import HARBOUR, HILLTOP
from yurt.node.store import accounts, moves
from yurt.node.store.sqlite import DATABASE_NAME, SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.store.types import Tx

LAB, LIVE = "lab.example", "gts.example"
IN_ITS_LOG: Final = {
    "alias": "target account is not aliased back to origin account",
    "attempt5Minutes": "have been involved in a Move attempt within the last 5 minutes",
    "targetStays": "target account has, itself, already moved to",
}
"""A rule that is asked after the answer, and what GoToSocial writes."""
comes = partial(until, within=60.0)


@dataclass(frozen=True)
class Said:
    """One delivery."""

    kind: str = "Move"
    by: str = HARBOUR
    """The node of who says it."""
    is_stolen: bool = False
    """It is signed with another key."""
    scheme: Callable[..., dict[str, str]] = cavage.sign
    has_alias: bool = True
    """The new account names the old one by then."""
    moves_on: bool = False
    """The new account has itself moved by then."""
    is_dead: bool = False
    """The old node is gone by then."""


CASES: Final = {
    "moves": (Said(),),
    "stranger": (Said(has_alias=False), Said()),
    "restless": (Said(moves_on=True),),
    "thief": (Said(is_stolen=True), Said(by=HILLTOP)),
    "modern": (Said(scheme=rfc9421.sign),),
    "deleted": (Said("Delete"), Said()),
    "widow": (Said(is_dead=True),),
}
"""Who moves, by the name of their account on both nodes; each begins followed."""


class End(Protocol):
    """One of the two to whom the same is said."""

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
    inbox: str = f"https://{LIVE}/users/gina/inbox"

    async def follow(self, actor: str) -> None:
        """Let Gina follow somebody."""
        host, _, name = actor.removeprefix("https://").split("/")
        await self.gina.ask("POST", f"/api/v1/accounts/{await self.gina.find(f'{name}@{host}')}/follow")

    async def follows(self) -> set[str]:
        """Whom Gina follows."""
        own = await self.gina.ask("GET", "/api/v1/accounts/verify_credentials")
        found = await self.gina.ask("GET", f"/api/v1/accounts/{own['id']}/following")
        return {at(*one["acct"].split("@")) for one in found}

    def said(self, rule: str) -> int:
        """How often its log names a rule."""
        return self.log.read_text(encoding="utf-8").count(IN_ITS_LOG[rule])


def at(name: str, node: str) -> str:
    """Who is called so on a node."""
    return f"https://{node}/users/{name}"


@dataclass
class Street:
    """The nodes that are left and moved to, and the two ends."""

    world: Any
    session: Any
    lab: Lab
    live: Live
    keys: dict[str, rsa.RSAPrivateKey] = field(default_factory=dict[str, rsa.RSAPrivateKey], repr=False)
    """Of everybody on either node, by actor."""
    clock: LabClock = field(default_factory=LabClock)
    said: int = 0

    async def join(self, name: str) -> None:
        """Give somebody an account on each node, and let both ends follow the old one."""
        for node in (HARBOUR, HILLTOP):
            await self.world.person(name, node)
            der = await self.write(node, lambda tx: accounts.actor_key_of(tx, name))
            key = load_der_private_key(der, None)
            assert isinstance(key, rsa.RSAPrivateKey)
            self.keys[at(name, node)] = key
        old = at(name, HARBOUR)
        for end in (self.lab, self.live):
            await end.follow(old)
            await comes(partial(_holds, end, old), f"{name} says yes to {end.inbox}")

    async def write(self, node: str, unit: Callable[[Tx], Any]) -> Any:  # noqa: ANN401  # whatever the unit gives
        """Do something in a node's store."""
        store = await SqliteStore.open(self.world.nodes[node].data / DATABASE_NAME, STEPS)
        try:
            return await store.write(unit)
        finally:
            await store.close()

    async def prepare(self, name: str, what: Said) -> None:
        """Let the nodes be as they are when something is said."""

        def unit(tx: Tx) -> None:
            account = accounts.account_named(tx, name)
            assert account is not None
            if what.has_alias:
                moves.add_alias(tx, account.id, at(name, HARBOUR))
            if what.moves_on:
                moves.set_moved_to(tx, account.id, at(name, "meadow.example"), 1)

        await self.write(HILLTOP, unit)
        if what.is_dead:
            await self.world.nodes[HARBOUR].kill()

    async def say(self, end: End, name: str, what: Said) -> int:
        """Deliver something; return the status of the answer."""
        self.said += 1
        who = at(name, what.by)
        activity: Json = {"@context": AS_CONTEXT, "id": f"{who}#said/{self.said}", "type": what.kind}
        activity |= {"actor": who, "object": at(name, HARBOUR)}
        if what.kind == "Move":
            activity["target"] = at(name, HILLTOP)
        body = json.dumps(activity).encode()
        key = self.keys[at("moves", HARBOUR) if what.is_stolen else who]
        now = int(self.clock.now())
        headers = what.scheme("POST", end.inbox, body, key_id=f"{who}#main-key", key=key, now=now)
        async with self.session.post(end.inbox, data=body, headers=headers) as answer:
            return int(answer.status)


async def _holds(end: End, actor: str) -> bool:
    return actor in await end.follows()


@asynccontextmanager
async def street(place: Any, gina: Any) -> AsyncGenerator[Street]:  # noqa: ANN401  # of conftest.py
    """Open the lab's GoToSocial beside the real one."""
    network, clock = place.world.network, LabClock()
    post, hosts = Post(network, clock), Hosts(network)
    peer = StockPeer(LAB, profile("gotosocial"), post, clock)
    post.open()
    await hosts.open()
    try:
        await hosts.listen(LAB, peer)
        peer.join("bo")
        live = Live(gina, place.folder / "server.log")
        yield Street(place.world, place.session, Lab(peer), live, clock=clock)
    finally:
        await peer.close()
        await hosts.close()
        await post.close()


async def test_the_lab_plays_what_gotosocial_does(gotosocial: Callable[..., Awaitable[Any]]) -> None:
    """Answers, rules and who is followed afterwards are the same, for each who moves in another way."""
    place, [gina] = await gotosocial("gina", others=(LAB,))
    async with street(place, gina) as here:
        for name in CASES:
            await here.join(name)
        for name, story in CASES.items():
            for what in story:
                await has_one_fate(here, name, what)


async def has_one_fate(here: Street, name: str, what: Said) -> None:
    """Say something to both, and compare."""
    await here.prepare(name, what)
    status = await here.say(here.lab, name, what)
    rule = await here.lab.rule()
    before = here.live.said(rule) if rule in IN_ITS_LOG else 0

    assert await here.say(here.live, name, what) == status, (name, what, rule)

    async def same() -> bool:
        named = rule not in IN_ITS_LOG or here.live.said(rule) == before + 1
        return named and await here.live.follows() == await here.lab.follows()

    await comes(same, f"{name}, {what}: {rule!r}, {await here.lab.follows()} at both")

"""A population brought to life: nodes as processes, people with engines, stock peers, and what each sees.

async with Stage.open(scenario, people, folder) as stage:
    await stage.settle_in()
    before = await stage.connected()
"""

import asyncio
import contextlib
import itertools
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from yurt.client.api import PersonView
from yurt.client.errors import ClientError
from yurt.client.portability.calls import KitStatus, KitView, SetBuddy
from yurt.client.portability.kit_fetch import fetch_kit
from yurt.client.vault.moves import ForetoldTie
from yurt.identity.phrase import RecoveryPhrase
from yurt.lab.migration import progress as steps
from yurt.lab.migration.hosts import Hosts, LabClock, Post, Signer
from yurt.lab.migration.population import YURT, People, Somebody, Tie, node_names
from yurt.lab.migration.progress import Progress
from yurt.lab.migration.scenario import TARGET, Scenario
from yurt.lab.migration.stock_peer import ACCEPTED, StockPeer
from yurt.lab.migration.stock_profiles import profile
from yurt.lab.world.people import Person, until
from yurt.lab.world.process import NODE_PROGRAM
from yurt.lab.world.world import World
from yurt.portability.kit_file import OpenKit
from yurt.wire.command import Done
from yurt.wire.people_commands import Block
from yurt.wire.problems import ProblemError

T = TypeVar("T")

THIEF_HOST: Final = "thief.example"
THIEF: Final = "thief"
PATIENCE_S: Final = 60.0
ROOM: Final = "the room of"
BEFORE: Final = "before the move"
AFTER: Final = "after the move"
_AT_ONCE: Final = 4
_FOLLOWS_AT_ONCE: Final = 8
_RETRY_S: Final = 0.5
_MAX_RETRY_S: Final = 4.0
_POLL_S: Final = 0.2
_QUEUES: Final = """
    SELECT host AS peer, COUNT(*) FROM delivery WHERE aside = '' GROUP BY host
    UNION ALL
    SELECT node, COUNT(*) FROM outbound WHERE set_aside = '' GROUP BY node
    UNION ALL
    SELECT host, COUNT(*) FROM job_row WHERE state = 'queued' GROUP BY host
"""
HASTY: Final = (
    "-c",
    "import runpy; from yurt.node.people import move_watch; move_watch.SOON_S = 0.3; "
    "runpy.run_module('yurt.node', run_name='__main__', alter_sys=True)",
)
"""A node that looks three times a second, not each five seconds, whether a mark is due: with the clock of the
map a month takes seconds."""


@dataclass(slots=True)
class Ego:
    """Somebody who moves."""

    who: Somebody
    person: Person | None
    """Whose vault is in use; None while they have none."""
    actor: str
    """Where they are now."""
    old_actor: str
    address: str
    old_address: str
    phrase: str = field(repr=False, default="")
    room: bytes = b""
    members: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list[str])
    foretold: dict[tuple[str, str], ForetoldTie] = field(default_factory=dict[tuple[str, str], ForetoldTie])
    """What `yurt check` foretold, by name in the population and direction."""


@dataclass(slots=True)
class Stage:
    """Everything that runs."""

    scenario: Scenario
    people: People
    world: World
    clock: LabClock
    post: Post
    hosts: Hosts
    peers: dict[str, StockPeer]
    progress: Progress
    persons: dict[str, Person] = field(default_factory=dict[str, Person])
    """By name; those who move are in `egos`."""
    egos: dict[str, Ego] = field(default_factory=dict[str, Ego])
    keys: dict[str, Signer] = field(default_factory=dict[str, Signer])
    """Actor keys in the hands of a hostile source, by name."""
    lies: int = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, scenario: Scenario, people: People, folder: Path, progress: Progress
    ) -> AsyncGenerator["Stage"]:
        """Start the servers; end everything when the block ends.

        Raises:
            MigrationError: The scenario asks for what there is not.
        """
        nodes, clock = node_names(scenario), LabClock()
        kinds = {stock.host: profile(stock.profile) for stock in scenario.servers.stock}
        kinds[THIEF_HOST] = profile("mastodon")
        progress.step(steps.STARTING)
        opened = World.open(
            folder,
            *nodes,
            program=HASTY if scenario.measures.marks else NODE_PROGRAM,
            others=list(kinds),
            at_once=scenario.servers.at_once,
        )
        async with opened as world:
            post, hosts = Post(world.network, clock), Hosts(world.network)
            peers = {host: StockPeer(host, kind, post, clock) for host, kind in kinds.items()}
            post.open()
            try:
                await hosts.open()
                for host, peer in peers.items():
                    await hosts.listen(host, peer)
                yield cls(scenario, people, world, clock, post, hosts, peers, progress)
            finally:
                await asyncio.gather(*(peer.close() for peer in peers.values()))
                await hosts.close()
                await post.close()

    # --- before anything happens ---------------------------------------------------------------------
    async def settle_in(self) -> None:
        """Let everybody join, follow, enter rooms, block, and seal their kits."""
        await self._join()
        await self._follow()
        self.progress.step(steps.SETTLING)
        for ego in self.egos.values():
            await self._block(ego)
            await self._meet(ego)
        for ego in self.egos.values():
            await self._seal(ego)
        for peer in self.peers.values():
            peer.is_away = True

    async def _join(self) -> None:
        places = asyncio.Semaphore(_AT_ONCE)
        everybody = self.people.everybody.values()
        here = [one for one in everybody if one.profile == YURT]
        self.progress.step(steps.JOINING, len(here))

        async def join(one: Somebody) -> None:
            async with places:
                person = await self.world.person(one.name, one.server)
            self.progress.part(len(self.world.people), len(here))
            if one.moves:
                actor = actor_at(one.name, one.server)
                self.egos[one.name] = Ego(
                    one, person, actor, actor, one.address, one.address, phrase=person.phrase
                )
            else:
                self.persons[one.name] = person

        await asyncio.gather(*(join(one) for one in here))
        for one in everybody:
            if one.profile != YURT:
                self.peers[one.server].join(one.name)
        self.peers[THIEF_HOST].join(THIEF, tuple(ego.old_actor for ego in self.egos.values()))

    async def _follow(self) -> None:
        places, done, of = asyncio.Semaphore(_FOLLOWS_AT_ONCE), itertools.count(1), len(self.people.ties)
        self.progress.step(steps.FOLLOWING, of)

        async def follow(tie: Tie) -> None:
            follower = self.people.everybody[tie.follower]
            async with places:
                if follower.profile != YURT:
                    await self.peers[follower.server].follow(tie.follower, self.actor_of(tie.followed))
                elif person := self.person(tie.follower):
                    await patiently(lambda: person.engine.follow(self.address_of(tie.followed)))
            self.progress.part(next(done), of)

        await asyncio.gather(*(follow(tie) for tie in self.people.ties))

        async def all_there() -> bool:
            return await self.connected(self.people.ties) == set(self.people.ties)

        await until(all_there, "everybody follows whom they should", within=2 * PATIENCE_S)

    async def _block(self, ego: Ego) -> None:
        person = alive(ego)
        for name in self.people.blocks.get(ego.who.name, ()):
            command = Block(self.address_of(name))
            await patiently(partial(person.engine.ask_node, command, Done))

    async def _meet(self, ego: Ego) -> None:
        members = self.people.rooms.get(ego.who.name, ())
        if not members:
            return
        host, person = self.persons[members[0]], alive(ego)
        room = (await host.engine.create_room(f"{ROOM} {ego.who.name}")).room
        for guest in (person, *(self.persons[name] for name in members[1:])):
            await patiently(partial(host.engine.invite, room, guest.address))
            await guest.enters(room, within=PATIENCE_S)
        await host.engine.send(room, BEFORE)
        await person.reads(room, BEFORE, within=PATIENCE_S)
        ego.room, ego.members = room, (ego.who.name, *members)

    async def _seal(self, ego: Ego) -> None:
        """Have a kit at each buddy that knows every tie and the room."""
        person, own = alive(ego), self.people.of(ego.who.name)
        known = len({tie.follower for tie in own} | {tie.followed for tie in own}) - 1
        for node in self.buddies():
            call = SetBuddy(node=node, phrase=ego.phrase)
            await patiently(partial(person.engine.call, call, KitView))

        async def kept() -> bool:
            view = await person.engine.call(KitStatus(), KitView)
            whole = view.ties >= known and view.rooms >= bool(ego.room) and not view.is_stale
            return whole and all(one.graph == view.counter or one.graph for one in view.buddies)

        if self.buddies():
            await until(kept, f"a buddy has the kit of {ego.who.name}", within=PATIENCE_S)

    async def open_kit(self, ego: Ego) -> OpenKit:
        """Open somebody's kit as their buddies have it."""
        session = alive(ego).engine._core.session  # noqa: SLF001  # as a rescue asks its new node  # pyright: ignore[reportPrivateUsage]
        now_s, phrase = int(self.clock.now()), RecoveryPhrase.parse(ego.phrase)
        return await fetch_kit(session, phrase, tuple(self.buddies()), (), now_s)

    def buddies(self) -> list[str]:
        """Nodes that keep the kits: neither source nor target."""
        return node_names(self.scenario)[2 : 2 + self.scenario.kit.buddies]

    # --- who is where --------------------------------------------------------------------------------
    def person(self, name: str) -> Person | None:
        """The engine of somebody on Yurt; None while they have none."""
        return self.egos[name].person if name in self.egos else self.persons.get(name)

    def actor_of(self, name: str) -> str:
        """Where somebody is now."""
        one = self.people.everybody[name]
        return self.egos[name].actor if name in self.egos else actor_at(name, one.server)

    def address_of(self, name: str) -> str:
        """How somebody is called now."""
        return self.egos[name].address if name in self.egos else self.people.everybody[name].address

    # --- what they see -------------------------------------------------------------------------------
    async def connected(self, ties: Iterable[Tie]) -> set[Tie]:
        """The ties that are there now, each in the view of who follows."""
        wanted = list(ties)
        views = {name: await self.following(name) for name in {tie.follower for tie in wanted}}
        return {tie for tie in wanted if views[tie.follower].get(self.actor_of(tie.followed)) == ACCEPTED}

    async def arrived(self, ties: Iterable[Tie]) -> set[Tie]:
        """The ties of those who move that are there at the new account; also while they still move."""
        wanted = [tie for tie in ties if tie.follower not in self.egos or self._is_there(tie.follower)]
        views = {name: await self.following(name) for name in {tie.follower for tie in wanted}}
        return {tie for tie in wanted if views[tie.follower].get(self._goal_of(tie.followed)) == ACCEPTED}

    def _is_there(self, name: str) -> bool:
        return self.egos[name].person is not None and self.egos[name].actor == actor_at(name, TARGET)

    def _goal_of(self, name: str) -> str:
        return actor_at(name, TARGET) if name in self.egos else self.actor_of(name)

    async def has_doubles(self, name: str) -> bool:
        """Whether somebody on Yurt has one person twice on the list of those whom they follow."""
        person = self.person(name)
        actors = [tie.actor for tie in await patiently(person.engine.following)] if person else []
        return len(set(actors)) < len(actors)

    async def following(self, name: str) -> dict[str, str]:
        """Whom somebody follows in their own view: actor to ``pending`` or ``accepted``."""
        one = self.people.everybody[name]
        if one.profile != YURT:
            return dict(self.peers[one.server].people[name].following)
        person = self.person(name)
        if person is None:
            return {}
        ties = await patiently(person.engine.following)
        return {tie.actor: tie.state for tie in ties}

    async def followers(self, name: str) -> list[PersonView]:
        """Who follows somebody on Yurt, in the view of their node."""
        person = self.person(name)
        return [] if person is None else await patiently(person.engine.followers)

    async def waiting(self) -> dict[str, int]:
        """What waits in the queues of the nodes for servers that are there, by way."""
        there = {name for name, node in self.world.nodes.items() if node.running} | set(self.peers)
        found = dict[str, int]()
        for name, node in self.world.nodes.items():
            if node.running:
                rows = await asyncio.to_thread(_queues, node.data / "node.db")
                found |= {f"{name} -> {peer}": count for peer, count in rows if peer in there}
        for host, peer in self.peers.items():
            if not peer.is_quiet:
                found[host] = 1
        return found

    def later(self, seconds: float) -> None:
        """Let time go by everywhere at once; nodes and people notice within a second."""
        self.clock.offset_s += seconds
        for file in self.world.network.folder.glob("*.map.toml"):
            self.world.network.shift_clock(file.name.removesuffix(".map.toml"), self.clock.offset_s)


def actor_at(name: str, server: str) -> str:
    """Write an actor's URL as Yurt nodes and the lab's peers do."""
    return f"https://{server}/users/{name}"


def alive(ego: Ego) -> Person:
    """The person behind somebody who moves.

    Raises:
        RuntimeError: They have no account now: the order of events is wrong.
    """
    if ego.person is None:
        raise RuntimeError(f"{ego.who.name} has no account now")
    return ego.person


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again while a node has too much to do, or a stream is being opened anew; less often each time.

    Raises:
        ProblemError: It does not help; the first problem that was met, since a limit of rate may come later.
        ClientError: It does not help.
    """
    loop = asyncio.get_running_loop()
    deadline, wait, first = loop.time() + PATIENCE_S, _RETRY_S, None
    while True:
        try:
            return await ask()
        except (ProblemError, ClientError) as error:
            first = first or error
            if isinstance(error, ProblemError) and not error.problem.kind.retry:
                raise
            if loop.time() > deadline:
                raise first from error
        await asyncio.sleep(wait)
        wait = min(2 * wait, _MAX_RETRY_S)


def _queues(database: Path) -> list[tuple[str, int]]:
    """Count what waits, as an operator could; nothing is written."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        return [(str(peer), int(count)) for peer, count in db.execute(_QUEUES)]

"""What is known of an account's ties and of their nodes: what `check`, the roster and a move begin with.

Their software is what NodeInfo says, asked once a day for each host with which somebody here has a tie, a
few hosts at a time; a host that does not answer costs its seconds once.
"""

import asyncio
from functools import partial
from typing import Final

from yurt.activitypub import nodeinfo
from yurt.activitypub.errors import DocumentRefused, RemoteActivityPubError
from yurt.activitypub.references import host_of
from yurt.node.clock import Clock
from yurt.node.dispatcher import Context, Handlers
from yurt.node.fetch import FetchError
from yurt.node.people.signed_fetch import SignedFetch
from yurt.node.store import delivery_hosts, moving
from yurt.node.store.moving import PeerSoftware, TiedPerson
from yurt.node.store.types import ReadTx, Store
from yurt.wire.errors import GateError
from yurt.wire.move_commands import MoveTie, MoveTies, MoveTiesPage
from yurt.wire.problems import refuse

FRESH_S: Final = 86_400
AT_ONCE: Final = 16
PATIENCE_S: Final = 8.0
"""How long a page waits for hosts; what comes later is there the next time."""
MAX_PAGE: Final = 500
_DAY_S: Final = 86_400
_MAX_DIGITS: Final = 18
YURT: Final = "yurt"


class TieFacts:
    """Tells what is known of ties."""

    def __init__(self, domain: str, store: Store, clock: Clock, fetch: SignedFetch) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._fetch = fetch
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._asking: dict[str, asyncio.Task[None]] = {}

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {MoveTies.name: self.move_ties}

    async def stop(self) -> None:
        """End what is being asked."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def move_ties(self, context: Context, command: MoveTies) -> MoveTiesPage:
        """Answer a page of ties, with what their nodes are."""
        name, after = context.who.account, _number(command.after)
        limit = max(1, min(command.limit, MAX_PAGE))
        found = await self._store.read(lambda tx: moving.tied_people(tx, name, after, limit))
        hosts = {host for person in found if (host := _host(person))} - {self._domain}
        await self._ask(hosts)
        now_s = self._clock.now_s()

        def query(tx: ReadTx) -> tuple[MoveTie, ...]:
            known = moving.software_of(tx, hosts)
            known[self._domain] = PeerSoftware(self._domain, YURT, asked_at=now_s)
            return tuple(self._tie(tx, person, known, now_s) for person in found)

        ties = await self._store.read(query)
        return MoveTiesPage(ties, str(found[-1].number) if len(found) == limit else "")

    def _tie(self, tx: ReadTx, person: TiedPerson, known: dict[str, PeerSoftware], now_s: int) -> MoveTie:
        host = _host(person)
        peer = known.get(host, PeerSoftware(host))
        return MoveTie(
            actor=person.actor,
            address=person.address,
            did=person.did,
            inbox=person.inbox,
            shared_inbox=person.shared_inbox,
            follower=person.follower,
            following=person.following,
            since=person.since,
            software=peer.software,
            version=peer.version,
            unreachable_s=_silent_s(tx, host, peer, now_s),
        )

    async def _ask(self, hosts: set[str]) -> None:
        """Ask the hosts of which nothing fresh is known; at most `PATIENCE_S`."""
        now_s = self._clock.now_s()
        known = await self._store.read(lambda tx: moving.software_of(tx, hosts))
        for host in hosts:
            if host in self._asking or (host in known and now_s - known[host].asked_at < FRESH_S):
                continue
            task = asyncio.create_task(self._ask_host(host), name=f"nodeinfo of {host}")
            self._asking[host] = task
            task.add_done_callback(partial(self._asked, host))
        waiting = [task for host, task in self._asking.items() if host in hosts]
        if waiting:
            await asyncio.wait(waiting, timeout=PATIENCE_S)

    def _asked(self, host: str, task: asyncio.Task[None]) -> None:
        if self._asking.get(host) is task:
            del self._asking[host]

    async def _ask_host(self, host: str) -> None:
        async with self._slots:
            peer = await self._nodeinfo(host)
        await self._store.write(lambda tx: moving.put_software(tx, peer))

    async def _nodeinfo(self, host: str) -> PeerSoftware:
        try:
            discovery = await self._fetch.plain(f"https://{host}{nodeinfo.PATH}")
            document = await self._fetch.plain(nodeinfo.parse_discovery(discovery, host))
            software = nodeinfo.parse_nodeinfo(document)
        except FetchError:
            now_s = self._clock.now_s()
            return PeerSoftware(host, asked_at=now_s, silent_since=now_s)
        except (RemoteActivityPubError, GateError):
            return PeerSoftware(host, asked_at=self._clock.now_s())
        return PeerSoftware(host, software.name.lower(), software.version, self._clock.now_s())


def _silent_s(tx: ReadTx, host: str, peer: PeerSoftware, now_s: int) -> int:
    """For how long nobody reached a host: since the first failed day of a row, or since it said nothing."""
    days = delivery_hosts.host_named(tx, host).health.failed_days
    since = [days[0] * _DAY_S] if days else []
    since += [peer.silent_since] if peer.silent_since else []
    return max(0, now_s - min(since)) if since else 0


def _host(person: TiedPerson) -> str:
    try:
        return host_of(person.actor)
    except DocumentRefused:
        return ""


def _number(after: str) -> int:
    if after and not (after.isascii() and after.isdigit() and len(after) <= _MAX_DIGITS):
        raise refuse("badRequest", "after is what an earlier page gave as next")
    return int(after or 0)

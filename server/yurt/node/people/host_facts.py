"""What is known of the hosts of ties: the software that NodeInfo names, and for how long nobody answered.

A host is asked once a day, and only for an account here that has a tie to somebody there: strangers cost
nothing. A few are asked at a time; one that does not answer costs its seconds once.
"""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Final

from yurt.activitypub import nodeinfo
from yurt.activitypub.errors import DocumentRefused, RemoteActivityPubError
from yurt.activitypub.references import host_of
from yurt.node.clock import Clock
from yurt.node.fetch import FetchError
from yurt.node.people.signed_fetch import SignedFetch
from yurt.node.store import delivery_hosts, moving
from yurt.node.store.moving import PeerSoftware
from yurt.node.store.types import ReadTx, Store
from yurt.wire.errors import GateError

FRESH_S: Final = 86_400
AT_ONCE: Final = 16
MAX_ASKED: Final = 1_000
"""Hosts that are asked or wait for it; further ones are asked the next time."""
PATIENCE_S: Final = 8.0
"""How long somebody waits for hosts; what comes later is there the next time."""
YURT: Final = "yurt"
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What is known of one host; what is unknown is empty or 0."""

    software: str = ""
    version: str = ""
    silent_s: int = 0
    """For how long nobody reached it, in seconds."""


class Hosts:
    """Tells what is known of hosts, and asks those of which nothing fresh is known."""

    def __init__(self, domain: str, store: Store, clock: Clock, fetch: SignedFetch) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._fetch = fetch
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def stop(self) -> None:
        """End what is being asked."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def facts(self, hosts: set[str], patience_s: float = PATIENCE_S) -> dict[str, HostFacts]:
        """What is known of hosts with which an account here has a tie, after asking them.

        Args:
            hosts: Their names.
            patience_s: How long is waited for answers, in seconds.
        """
        others = hosts - {self._domain, ""}
        await self._ask(others, patience_s)
        now_s = self._clock.now_s()

        def query(tx: ReadTx) -> dict[str, HostFacts]:
            known = moving.software_of(tx, others)
            return {host: _facts(tx, known.get(host, PeerSoftware(host)), now_s) for host in others}

        return {self._domain: HostFacts(YURT), **await self._store.read(query)}

    async def _ask(self, hosts: set[str], patience_s: float) -> None:
        """Ask the hosts of which nothing fresh is known."""
        now_s = self._clock.now_s()
        known = await self._store.read(lambda tx: moving.software_of(tx, hosts))
        for host in hosts:
            is_fresh = host in known and now_s - known[host].asked_at < FRESH_S
            if is_fresh or host in self._asking or len(self._asking) >= MAX_ASKED:
                continue
            task = asyncio.create_task(self._ask_host(host), name=f"nodeinfo of {host}")
            self._asking[host] = task
            task.add_done_callback(partial(self._asked, host))
        waiting = [task for host, task in self._asking.items() if host in hosts]
        if waiting:
            await asyncio.wait(waiting, timeout=patience_s)

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


def _facts(tx: ReadTx, peer: PeerSoftware, now_s: int) -> HostFacts:
    """Silent since the first failed day of a row, or since NodeInfo said nothing."""
    days = delivery_hosts.host_named(tx, peer.host).health.failed_days
    since = [days[0] * _DAY_S] if days else []
    since += [peer.silent_since] if peer.silent_since else []
    return HostFacts(peer.software, peer.version, max(0, now_s - min(since)) if since else 0)


def host_of_actor(actor: str) -> str:
    """The host of an actor; empty if its URL has none."""
    try:
        return host_of(actor)
    except DocumentRefused:
        return ""

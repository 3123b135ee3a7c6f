"""Puts the parts of a node together, starts them and stops them; decides nothing.

Order of the start: store, parts, listener. Order of the stop: listener (nothing new comes in), parts, store
(what was acknowledged is on the disk).
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from yurt.node.accounts.care_watch import CareWatch
from yurt.node.accounts.claims import KeyPackageClaims
from yurt.node.accounts.consents import Consents
from yurt.node.accounts.devices import AccountDevices
from yurt.node.accounts.joining import Joining
from yurt.node.accounts.key_packages import KeyPackages
from yurt.node.accounts.mailbox import Mailboxes
from yurt.node.accounts.record_news import RecordNews
from yurt.node.accounts.sessions import Sessions
from yurt.node.allowances import Allowances
from yurt.node.bus import LocalBus, Poll
from yurt.node.clock import SystemClock
from yurt.node.config import Network, NodeConfig
from yurt.node.dispatcher import Dispatcher
from yurt.node.fetch import SafeFetch
from yurt.node.http import application
from yurt.node.http.doors import CommandDoor
from yurt.node.http.guard import Guard
from yurt.node.http.health import Health
from yurt.node.http.listener import Listener
from yurt.node.http.openapi import ApiDescription
from yurt.node.hub.checkpoints import Checkpoints
from yurt.node.hub.group_infos import GroupInfos
from yurt.node.hub.handlers import RoomCommands
from yurt.node.hub.history_blobs import HistoryBlobs
from yurt.node.hub.join_requests import JoinRequests
from yurt.node.hub.link_blobs import LinkBlobs
from yurt.node.hub.member_copy import MemberCopies
from yurt.node.hub.ringing import Ringing
from yurt.node.hub.states import RoomStates
from yurt.node.keys import NodeKeys
from yurt.node.limiter import Limiter
from yurt.node.pages.doors import Pages
from yurt.node.pages.errors import error_pages
from yurt.node.pages.render import Renderer
from yurt.node.peers.exchange_client import ExchangeClient
from yurt.node.peers.exchange_door import ExchangeDoor
from yurt.node.peers.links import Links
from yurt.node.peers.looking import Looking
from yurt.node.peers.peer_keys import PeerKeys
from yurt.node.peers.recovery import Recovery, RestoredHub
from yurt.node.people.arriving import Arriving
from yurt.node.people.delivery import Delivery
from yurt.node.people.directory import Directory
from yurt.node.people.documents import Documents
from yurt.node.people.domain_control import DomainControl
from yurt.node.people.follower_repair import FollowerList, FollowerRepair
from yurt.node.people.follows import Follows
from yurt.node.people.host_facts import Hosts
from yurt.node.people.inbox import Inbox
from yurt.node.people.key_changes import KeyChanges
from yurt.node.people.move_watch import MoveWatch
from yurt.node.people.moves import Moves
from yurt.node.people.moving import Moving
from yurt.node.people.peer_reports import PeerFollowers
from yurt.node.people.post_documents import PostDocuments
from yurt.node.people.posting import Posting
from yurt.node.people.record_book import RecordBook
from yurt.node.people.relations import Relations
from yurt.node.people.rescuing import Rescuing
from yurt.node.people.room_documents import RoomDocuments
from yurt.node.people.signatures import Signatures
from yurt.node.people.signed_fetch import SignedFetch
from yurt.node.people.swicg import PublicKeyPackages
from yurt.node.people.tidying import Tidying
from yurt.node.people.tie_facts import TieFacts
from yurt.node.portability.parts import Portability
from yurt.node.refusals import Refusals
from yurt.node.store.sqlite import DATABASE_NAME, SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.streams.door import StreamDoor
from yurt.node.streams.fanout import Fanout, Publisher
from yurt.node.streams.stream import Parts
from yurt.node.streams.tail import Tail
from yurt.node.work_pool import WorkPool
from yurt.wire.portability_commands import FetchKit


@dataclass(frozen=True, slots=True)
class Ground:
    """What every part of a node stands on."""

    domain: str
    store: SqliteStore
    bus: LocalBus
    tail: Tail
    clock: SystemClock
    work: WorkPool
    fetch: SafeFetch
    keys: NodeKeys
    limiter: Limiter
    domains: DomainControl


class Node:
    """A running node: everything between `start` and `stop`."""

    def __init__(self, data: Path, config: NodeConfig, network: Network | None) -> None:
        self._data = data
        self._config = config
        self._network = network
        self._stack = AsyncExitStack()
        self.guard = Guard(total=config.max_connections, per_address=config.max_connections_per_address)

    async def start(self) -> None:
        """Open the store, start every part, listen.

        Raises:
            ConfigError, StoreError: the node cannot start; one line says why.
        """
        async with self._stack as stack:
            await self._start(stack)
            self._stack = stack.pop_all()

    async def stop(self) -> None:
        """Drain and close, within five seconds."""
        await self._stack.aclose()

    async def _start(self, stack: AsyncExitStack) -> None:
        tail, bus = Tail(), LocalBus()
        store = await SqliteStore.open(self._data / DATABASE_NAME, STEPS, Publisher(bus, tail))
        stack.push_async_callback(store.close)
        self.store = store
        ground = self._ground(stack, store, bus, tail)
        fanout = Fanout(store, bus, tail)
        stack.callback(fanout.close)
        poll = Poll(store, bus)
        await poll.start()
        stack.push_async_callback(poll.stop)
        app = await self._parts(stack, ground, fanout)
        listener = Listener(self._data, self._config, app, self.guard)
        stack.push_async_callback(listener.stop)
        await listener.start()

    def _ground(self, stack: AsyncExitStack, store: SqliteStore, bus: LocalBus, tail: Tail) -> Ground:
        clock = SystemClock(self._network.path if self._network else None)
        domains = DomainControl(self._config.domain, store)
        stack.push_async_callback(domains.stop)
        ground = Ground(
            domain=self._config.domain,
            store=store,
            bus=bus,
            tail=tail,
            clock=clock,
            work=WorkPool(),
            fetch=SafeFetch(self._network, domains.refuses),
            keys=NodeKeys(self._data),
            limiter=Limiter(),
            domains=domains,
        )
        stack.callback(ground.work.close)
        stack.push_async_callback(ground.fetch.close)
        return ground

    async def _parts(self, stack: AsyncExitStack, ground: Ground, fanout: Fanout) -> web.Application:
        domain, store, clock = ground.domain, ground.store, ground.clock
        domains, refusals = ground.domains, Refusals()
        await domains.start()
        # people
        book = RecordBook(domain, store, clock, ground.fetch)
        signed_fetch = SignedFetch(domain, store, ground.keys, clock, ground.fetch, ground.work)
        directory = Directory(domain, store, clock, signed_fetch, book, ground.limiter)
        delivery = Delivery(domain, store, clock, ground.fetch, ground.work)
        follows = Follows(domain, store, clock, directory, ground.limiter, delivery.wake)
        relations = Relations(domain, store, clock, directory, ground.limiter, follows, delivery.wake)
        posting = Posting(domain, store, clock, directory, ground.limiter, delivery.wake, domains.refuses)
        signatures = Signatures(directory, clock, ground.limiter, domains.check)
        repair = FollowerRepair(domain, store, clock, signed_fetch, ground.limiter, delivery.wake)
        stack.push_async_callback(repair.stop)
        public_packages = PublicKeyPackages(domain, store, clock, delivery.wake)
        moves = Moves(domain, store, clock, directory, delivery.wake)
        hosts = Hosts(domain, store, clock, signed_fetch)
        stack.push_async_callback(hosts.stop)
        inbox = Inbox(
            domain, store, clock, signatures, directory, repair, moves, ground.limiter, delivery.wake
        )
        # rooms, here and elsewhere
        states = RoomStates(store)
        members_copies = MemberCopies(domain, store, states, clock)
        members_copies.allowances = Allowances(self._config, store, ground.limiter)
        copies = Recovery(domain, store, states, clock, members_copies)
        await copies.begin()
        hub = RestoredHub(domain, store, states, clock, copies)
        hub.allowances = members_copies.allowances
        client = ExchangeClient(domain, ground.keys, clock, ground.fetch)
        links = Links(domain, store, ground.bus, client, copies, ground.limiter, ground.tail)
        moving = Moving(domain, store, clock, ground.limiter, directory, moves, delivery.wake, links.wake)
        rescuing = Rescuing(domain, store, clock, ground.work, moves, delivery.wake)
        watch = MoveWatch(store, clock)
        changes = KeyChanges(domain, store, clock, ground.work, ground.limiter, book, delivery.wake)
        rooms = RoomCommands(domain, store, states, clock, hub, links)
        infos = GroupInfos(domain, store, states, ground.limiter, book, links)
        hub.speaks_for = infos.speaks_for
        ringing = Ringing(domain, store, states, clock, ground.limiter, fanout, links)
        requests = JoinRequests(domain, store, states, clock, ground.limiter, links, ringing)
        members = self._config.member_accounts
        blobs = LinkBlobs(domain, store, states, clock, ground.limiter, links, members)
        told = Checkpoints(domain, store, states, ground.limiter, links, fanout)
        agreed = Consents(domain, store, clock, ground.limiter, book, links, fanout)
        bundles = HistoryBlobs(domain, store, states, clock, ground.limiter, links)
        # accounts
        sessions = Sessions(domain, store, clock, ground.work, ground.limiter)
        joining = Joining(domain, store, clock, ground.work, ground.limiter, sessions)
        packages = KeyPackages(store, clock, ground.work)
        claims = KeyPackageClaims(domain, store, clock, book, links)
        devices = AccountDevices(domain, store, clock, ground.limiter, sessions, book)
        mailboxes = Mailboxes(store, clock, ground.limiter)
        book.listen(devices.heard)
        book.listen(moves.heard)
        book.listen(RecordNews(domain, store, clock, links.wake).heard)
        # doors
        portability = Portability(
            domain,
            store,
            clock,
            directory,
            ground.fetch,
            book,
            ground.limiter,
            ground.work,
            delivery.wake,
            hosts,
            links,
            keeps_kits=self._config.keep_kits,
        )
        arriving = Arriving(
            domain,
            store,
            clock,
            ground.work,
            ground.limiter,
            sessions,
            book,
            portability.handlers()[FetchKit.name],
        )
        reports = PeerFollowers(domain, store, ground.limiter, links)
        handled = (
            sessions,
            joining,
            devices,
            mailboxes,
            packages,
            claims,
            follows,
            relations,
            posting,
            rooms,
            infos,
            blobs,
            requests,
            told,
            bundles,
            agreed,
            arriving,
            moving,
            rescuing,
            watch,
            changes,
            reports,
            TieFacts(store, hosts),
            portability,
            public_packages,
        )
        dispatcher = Dispatcher(
            {name: one for part in handled for name, one in part.handlers().items()}, ground.limiter
        )
        streams = StreamDoor(Parts(domain, store, dispatcher, devices, fanout, clock))
        devices.end_streams = sessions.end_streams = streams.check_tokens
        care = CareWatch(store, streams.check_tokens)
        await care.start()
        stack.push_async_callback(care.stop)
        exchange = ExchangeDoor(
            domain,
            store,
            clock,
            PeerKeys(directory, clock, domains.check),
            hub=hub,
            copies=copies,
            claims=claims,
            book=book,
            heard=links.heard,
            asks={
                **infos.asks(),
                **reports.asks(),
                **blobs.asks(),
                **requests.asks(),
                **ringing.asks(),
                **told.asks(),
                **bundles.asks(),
                **agreed.asks(),
                **portability.asks(),
                **Looking(ground.fetch, ground.limiter).asks(),
            },
        )
        health = Health(
            domain,
            store,
            self._config.metrics_token_sha256,
            lambda: {"streams": len(streams), "stream_bytes_waiting": streams.waiting},
            refusals.counts,
        )
        await links.start()
        stack.push_async_callback(links.stop)
        await ringing.start()
        stack.push_async_callback(ringing.stop)
        told.start()
        stack.push_async_callback(told.stop)
        await copies.ask(links, self._config.restore_wait_s)
        stack.push_async_callback(copies.stop)
        await delivery.start()
        stack.push_async_callback(delivery.stop)
        moves.start()
        stack.push_async_callback(moves.stop)
        watch.start()
        stack.push_async_callback(watch.stop)
        tidying = Tidying(domain, store, clock)
        portability.start()
        stack.push_async_callback(portability.stop)
        tidying.start()
        stack.push_async_callback(tidying.stop)
        renderer = Renderer(domain)
        pages = Pages(self._config, store, renderer)
        documents = Documents(domain, store, clock, ground.keys, pages.profile)
        room_documents = RoomDocuments(domain, store, ground.keys, signatures)
        door = CommandDoor(dispatcher, sessions)
        described = ApiDescription(domain, dispatcher.names)
        post_documents = PostDocuments(domain, store, signatures)
        follower_list = FollowerList(domain, store, signatures)
        doors = (
            door,
            streams,
            exchange,
            documents,
            room_documents,
            post_documents,
            follower_list,
            inbox,
            public_packages,
            book,
            portability,
        )
        routes = [route for door in (*doors, health, pages, described) for route in door.routes()]
        app = application.build(
            self.guard,
            ground.limiter,
            error_pages(renderer),
            routes,
            behind_proxy=self._config.forwarded,
        )

        app.middlewares.append(refusals.middleware)

        async def say_goodbye(_app: web.Application) -> None:
            await streams.stop()

        app.on_shutdown.append(say_goodbye)
        return app

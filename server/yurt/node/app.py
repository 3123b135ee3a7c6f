"""Puts the parts of a node together, starts them and stops them; decides nothing.

Order of the start: store, parts, listener. Order of the stop: listener (nothing new comes in), parts, store
(what was acknowledged is on the disk).
"""

from pathlib import Path

from aiohttp import web

from yurt.node.accounts.joining import Joining
from yurt.node.accounts.key_packages import KeyPackages
from yurt.node.accounts.sessions import Sessions
from yurt.node.bus import LocalBus, Poll
from yurt.node.clock import SystemClock
from yurt.node.config import Network, NodeConfig
from yurt.node.dispatcher import Dispatcher
from yurt.node.fetch import SafeFetch
from yurt.node.http import application
from yurt.node.http.doors import CommandDoor, invite_page
from yurt.node.http.guard import Guard
from yurt.node.http.listener import Listener
from yurt.node.keys import NodeKeys
from yurt.node.limiter import Limiter
from yurt.node.store.sqlite import DATABASE_NAME, SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.streams.door import StreamDoor
from yurt.node.streams.fanout import Fanout, Publisher
from yurt.node.streams.stream import Parts
from yurt.node.streams.tail import Tail
from yurt.node.work_pool import WorkPool


class Node:
    """A running node."""

    def __init__(self, data: Path, config: NodeConfig, network: Network | None) -> None:
        self._data = data
        self._config = config
        self._network = network

    async def start(self) -> None:
        """Open the store, start every part, listen.

        Raises:
            ConfigError, StoreError: the node cannot start; one line says why.
        """
        config = self._config
        self._bus = LocalBus()
        tail = Tail()
        self._store = await SqliteStore.open(self._data / DATABASE_NAME, STEPS, Publisher(self._bus, tail))
        self._fanout = Fanout(self._store, self._bus, tail)
        self._poll = Poll(self._store, self._bus)
        self._clock = SystemClock(self._network.path if self._network else None)
        self._work = WorkPool()
        self._fetch = SafeFetch(self._network)
        self._keys = NodeKeys(self._data)
        limiter = Limiter()
        sessions = Sessions(config.domain, self._store, self._clock, self._work, limiter)
        joining = Joining(config.domain, self._store, self._clock, self._work, limiter, sessions)
        packages = KeyPackages(self._store, self._clock, self._work)
        dispatcher = Dispatcher({**sessions.handlers(), **joining.handlers(), **packages.handlers()})
        self._streams = StreamDoor(
            Parts(config.domain, self._store, dispatcher, sessions, self._fanout, self._clock)
        )
        guard = Guard(total=config.max_connections, per_address=config.max_connections_per_address)
        routes = [
            *CommandDoor(dispatcher, sessions).routes(),
            *self._streams.routes(),
            web.get("/i/{code}", invite_page),
        ]
        app = application.build(guard, routes)
        app.on_shutdown.append(self._say_goodbye)
        self._listener = Listener(self._data, config, app, guard)
        await self._poll.start()
        await self._listener.start()

    async def stop(self) -> None:
        """Drain and close, within five seconds."""
        await self._listener.stop()
        self._fanout.close()
        await self._poll.stop()
        await self._fetch.close()
        self._work.close()
        await self._store.close()

    async def _say_goodbye(self, app: web.Application) -> None:
        del app
        await self._streams.stop()

"""Puts the parts of carrying networks together; decides nothing."""

from collections.abc import Callable

from aiohttp import web

from yurt.node.clock import Clock
from yurt.node.dispatcher import Handlers
from yurt.node.fetch import SafeFetch
from yurt.node.limiter import Limiter
from yurt.node.peers.asks import Asks
from yurt.node.peers.links import Links
from yurt.node.people.directory import Directory
from yurt.node.people.host_facts import Hosts
from yurt.node.people.record_book import RecordBook
from yurt.node.portability.job_commands import JobCommands
from yurt.node.portability.kit_notices import KitNotices
from yurt.node.portability.kits import Kits
from yurt.node.portability.list_commands import ListCommands
from yurt.node.portability.portable import PortableCommands
from yurt.node.portability.row_sums import RowSums
from yurt.node.portability.runner import JobRunner
from yurt.node.portability.sweeping import Sweeping
from yurt.node.store.types import Store
from yurt.node.work_pool import WorkPool


class Portability:
    """Lists, jobs, exports and kits of a node."""

    def __init__(
        self,
        domain: str,
        store: Store,
        clock: Clock,
        directory: Directory,
        fetch: SafeFetch,
        book: RecordBook,
        limiter: Limiter,
        work: WorkPool,
        wake_delivery: Callable[[], None],
        hosts: Hosts,
        links: Links,
        *,
        keeps_kits: bool,
    ) -> None:
        sums = RowSums(store, limiter)
        self._runner = JobRunner(domain, store, clock, directory, wake_delivery)
        self._notices = KitNotices(domain, store, clock, book, limiter, links)
        self._sweeping = Sweeping(store, clock, self._notices.look)
        self._kits = Kits(domain, store, clock, fetch, book, limiter, work, is_open=keeps_kits)
        self._parts = (
            JobCommands(store, clock, sums, self._runner.wake),
            ListCommands(store, sums),
            PortableCommands(domain, store, hosts),
            self._kits,
        )

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {name: one for part in self._parts for name, one in part.handlers().items()}

    def routes(self) -> list[web.AbstractRouteDef]:
        """The doors for other nodes."""
        return self._kits.routes()

    def asks(self) -> Asks:
        """What other nodes ask here."""
        return self._notices.asks()

    def start(self) -> None:
        """Begin with the jobs that an earlier run left."""
        self._runner.start()
        self._sweeping.start()

    async def stop(self) -> None:
        """End; what was not done waits in the store."""
        await self._sweeping.stop()
        await self._runner.stop()

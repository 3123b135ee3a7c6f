"""A town for tests: whole nodes in this process, with real sockets, TLS and databases, and their clients.

async with open_town(folder, network, "a.example", "b.example") as town:
    ana = await town.join("ana", "a.example")
    await ana.call(Follow("bo@b.example"))
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Protocol

import aiohttp
import msgspec
from aiohttp import web

from yurt.node.accounts.testing import Newcomer
from yurt.node.accounts.tokens import InviteLink, secret_hash
from yurt.node.admin.init import init_node
from yurt.node.app import Node
from yurt.node.config import CONFIG_NAME, NodeConfig, read_network, render
from yurt.node.fetch import CheckedResolver
from yurt.node.store.accounts import add_invite
from yurt.node.store.sqlite import DATABASE_NAME, SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.streams.door import STREAM_PATH
from yurt.node.streams.testing import Client as StreamClient
from yurt.wire.account_commands import SignedIn
from yurt.wire.command import Command
from yurt.wire.problems import Problem, ProblemError

_FOREVER = 2**40
PATIENCE_S: Final = 120.0
"""How long a test waits for what should take milliseconds; a machine under load is slow."""
_LOOK_S: Final = 0.2


class Places(Protocol):
    """Where a test's network keeps its files; the lab's `Network` is one."""

    def certificate_file(self, name: str) -> Path:
        """The certificate of a name."""
        ...

    def key_file(self, name: str) -> Path:
        """The key of a name."""
        ...

    def map_file(self, who: str) -> Path:
        """The network map as one process reads it."""
        ...


@dataclass
class Client:
    """Speaks to one node over HTTP."""

    session: aiohttp.ClientSession
    domain: str
    person: Newcomer
    token: str = ""

    async def call(self, command: Command) -> Any:  # noqa: ANN401  # whatever the command answers
        """Do a command.

        Raises:
            ProblemError: as the node answers.
        """
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        url = f"https://{self.domain}/api/v1/{command.name}"
        async with self.session.post(url, data=msgspec.json.encode(command), headers=headers) as answer:
            body = await answer.read()
        if answer.status == 200:
            return msgspec.json.decode(body, type=command.answer)
        raise problem_of(body)


def problem_of(body: bytes) -> ProblemError:
    """Read a problem document."""
    document = msgspec.json.decode(body, type=dict[str, Any])
    return ProblemError(
        Problem(document["code"], document["title"], document.get("retry_after"), document["extra"])
    )


@dataclass
class Town:
    """Nodes of one network in this process."""

    folder: Path
    places: Places
    session: aiohttp.ClientSession
    tls: ssl.SSLContext
    nodes: dict[str, Node] = field(default_factory=dict[str, Node])

    async def start(self, domain: str, config: NodeConfig | None = None) -> None:
        """Start a node, as usual here or as `config` says; make it first if it does not exist."""
        config = config or NodeConfig(
            domain,
            self.listen(domain),
            str(self.places.certificate_file(domain)),
            str(self.places.key_file(domain)),
            messages_per_s=0,
        )
        data = self.folder / domain
        if not data.exists():
            _make(data, config)
        node = Node(data, config, read_network(self.places.map_file(domain)))
        await node.start()
        self.nodes[domain] = node

    async def stop(self, domain: str) -> None:
        """Stop a node."""
        await self.nodes.pop(domain).stop()

    def listen(self, domain: str) -> str:
        """Where a node listens, as its configuration says it: a host and a port of this town alone."""
        endpoint = read_network(self.places.map_file(domain)).map.names[domain]
        return f"{endpoint.host}:{endpoint.port}"

    async def dial(self, domain: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a TLS connection to a node and say nothing yet."""
        endpoint = read_network(self.places.map_file(domain)).map.names[domain]
        return await asyncio.open_connection(
            endpoint.host, endpoint.port, ssl=self.tls, server_hostname=domain
        )

    @asynccontextmanager
    async def stream(self, client: Client) -> AsyncGenerator[StreamClient]:
        """Open a signed-in stream."""
        async with self.session.ws_connect(f"https://{client.domain}{STREAM_PATH}") as ws:
            stream = StreamClient(ws)
            await stream.hello(client.token)
            yield stream

    async def invite(self, domain: str, *, uses: int = 1, not_after: int = _FOREVER) -> InviteLink:
        """Make an account invite."""
        link = InviteLink.new()
        store = await SqliteStore.open(self.folder / domain / DATABASE_NAME, STEPS)
        await store.write(lambda tx: add_invite(tx, link.code, secret_hash(link.secret), uses, not_after))
        await store.close()
        return link

    def newcomer(self, name: str, domain: str) -> Client:
        """Somebody who has not joined yet."""
        return Client(self.session, domain, Newcomer(name, domain))

    async def join(self, name: str, domain: str) -> Client:
        """Let somebody new join a node."""
        client = self.newcomer(name, domain)
        signed_in: SignedIn = await client.call(client.person.join(await self.invite(domain)))
        client.token = signed_in.token
        return client


def _make(data: Path, config: NodeConfig) -> None:
    """Make a node as `init_node` does, of files that were made before."""
    data.mkdir(mode=0o700)
    for name, content in {**_new_node(config.domain), CONFIG_NAME: render(config).encode()}.items():
        file = data / name
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(content)


@cache
def _new_node(domain: str) -> dict[str, bytes]:
    """The files of a new node: making keys and tables is slow, and no test looks whose they are."""
    with TemporaryDirectory() as folder:
        made = Path(folder) / domain
        init_node(made, NodeConfig(domain, plain=True))
        files = [file for file in made.rglob("*") if file.is_file()]
        return {str(file.relative_to(made)): file.read_bytes() for file in files}


@asynccontextmanager
async def open_town(folder: Path, places: Places, *domains: str) -> AsyncGenerator[Town]:
    """Start the nodes; everything is closed at the end."""
    network = read_network(places.map_file(domains[0]))
    context = ssl.create_default_context(cafile=str(network.ca_file))
    connector = aiohttp.TCPConnector(resolver=CheckedResolver(network.map.names), ssl=context)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        town = Town(folder, places, session, context)
        try:
            for domain in domains:
                await town.start(domain)
            yield town
        finally:
            for domain in list(town.nodes):
                await town.stop(domain)


@asynccontextmanager
async def served(places: Places, name: str, app: web.Application) -> AsyncGenerator[None]:
    """Serve an application, which is no node, under a name of the network map, with TLS."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(places.certificate_file(name), places.key_file(name))
    where = read_network(places.map_file(name)).map.names[name]
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, where.host, where.port, ssl_context=tls).start()
        yield
    finally:
        await runner.cleanup()


async def until(holds: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until something holds; looks less and less often, for a node refuses who asks too often.

    Raises:
        TimeoutError: it does not come about.
    """
    async with asyncio.timeout(PATIENCE_S):
        for look in count():
            found = holds()
            if found if isinstance(found, bool) else await found:
                return
            # A test looks from outside; there is no event to wait for.
            await asyncio.sleep(min(0.01 * 1.1**look, _LOOK_S))

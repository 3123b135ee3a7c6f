"""A network of its own for stock servers that know no test switches (`tests/peers/island/inside.py`)."""

import asyncio
import json
import os
import shutil
import ssl
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from yurt.client.api import PersonView
from yurt.client.clock import SystemClock
from yurt.client.moving import rescue
from yurt.client.moving.calls import (
    AskReceipt,
    ConfirmMove,
    GoOnMove,
    MoveStanding,
    PrepareMove,
    ReceiptView,
)
from yurt.client.paths import load_network
from yurt.client.portability.calls import ChangeKey, KitStatus, KitView, SetBuddy
from yurt.lab.world.network import Network
from yurt.lab.world.people import PASSPHRASE, PATIENCE_S, Person, until
from yurt.lab.world.world import HARBOUR, HILLTOP, World
from yurt.node.fetch import CheckedResolver
from yurt.wire.command import Command
from yurt.wire.network_map import Endpoint
from yurt.wire.post_commands import Post, PostInfo, Timeline, TimelinePage

INSIDE = Path(__file__).parent / "island" / "inside.py"
NAMESPACES = (
    "unshare",
    "--user",
    "--map-root-user",
    "--net",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
)
PORT = 8001
READY_S = 60
PEER_PATIENCE_S = 120.0
"""Other servers look into their queues every few seconds."""
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Resident:
    """Somebody on Yurt, and what their own client says."""

    person: Person

    async def ask(self, command: Command) -> Any:  # noqa: ANN401  # whatever the command answers
        """Ask the own node, which answers a person only so often."""
        await asyncio.sleep(0.2)
        return await self.person.engine.ask_node(command, command.answer)

    async def post(self, text: str, visibility: str = "followers", in_reply_to: str = "") -> str:
        """Post something; return its id."""
        answer = await self.ask(Post(text=text, visibility=visibility, in_reply_to=in_reply_to))
        return str(answer.id)

    async def reads(self, text: str) -> PostInfo:
        """Wait until a post with a text is on the timeline."""

        async def there() -> PostInfo | None:
            page: TimelinePage = await self.ask(Timeline())
            return next((one for one in page.posts if text in one.text), None)

        return await until(there, f"{self.person.address} reads {text!r}", within=PEER_PATIENCE_S)

    async def counts(self, post: str, likes: int, boosts: int) -> None:
        """Wait until so many like and boost a post."""

        async def so() -> bool:
            page: TimelinePage = await self.ask(Timeline())
            return (post, likes, boosts) in [(one.id, one.likes, one.boosts) for one in page.posts]

        await until(so, f"{likes} like and {boosts} boost {post}", within=PEER_PATIENCE_S)

    async def change_key(self) -> None:
        """Sign with another actor key from now on."""
        await self.person.engine.call(ChangeKey(phrase=self.person.phrase), KitView)

    async def is_followed_by(self, *addresses: str) -> None:
        """Wait until exactly these follow."""
        await self._has(self.person.engine.followers, dict.fromkeys(addresses, "accepted"))

    async def follows(self, address: str, state: str = "accepted") -> None:
        """Wait until a tie has a state; empty: until there is none."""
        await self._has(self.person.engine.following, {address: state} if state else {})

    async def brought_everybody(self) -> None:
        """Wait until the receipt of a move or a rescue says that each tie has arrived."""

        async def so() -> bool:
            await asyncio.sleep(0.2)
            view = await self.person.engine.call(AskReceipt(), ReceiptView)
            return (view.followers.share, view.following.share) == (1.0, 1.0)

        await until(so, f"{self.person.address} has a receipt for everybody", within=PEER_PATIENCE_S)

    async def _has(self, look: Callable[[], Awaitable[list[PersonView]]], wanted: dict[str, str]) -> None:
        async def so() -> bool:
            await asyncio.sleep(0.2)
            return {tie.address: tie.state for tie in await look()} == wanted

        await until(so, f"{self.person.address}: {wanted}", within=PEER_PATIENCE_S)


@dataclass
class Shore:
    """Two Yurt nodes, and people with real clients."""

    world: World
    session: aiohttp.ClientSession
    """Reaches the server and both nodes by name."""

    async def join(self, name: str) -> Resident:
        """Let somebody join the harbour."""
        return Resident(await self.world.person(name, HARBOUR))

    async def move(self, resident: Resident) -> None:
        """Let somebody move from the harbour to the hilltop, as `yurt move` does it."""
        person = resident.person
        call = PrepareMove(link=self.world.invites[HILLTOP], account=person.name, phrase=person.phrase)
        standing = await person.engine.call(call, MoveStanding)
        while standing.next:
            step = ConfirmMove() if standing.needs_confirmation else GoOnMove()
            standing = await person.engine.call(step, MoveStanding)
        assert standing.notes == ()

    async def rescue(self, resident: Resident, foretold: str = "automatic") -> Resident:
        """Burn the harbour and everything that somebody has down, and come back on the hilltop with 24 words.

        Args:
            resident: Whose only buddy is the hilltop, too.
            foretold: What is to become of the one who follows them.
        """
        person = resident.person
        sealed = await person.engine.call(SetBuddy(node=HILLTOP, phrase=person.phrase), KitView)

        async def kept() -> bool:
            view = await person.engine.call(KitStatus(), KitView)
            return [buddy.graph >= sealed.counter for buddy in view.buddies] == [True]

        await until(kept, "the buddy has the kit", within=2 * PATIENCE_S)
        await person.close()
        await self.world.nodes[HARBOUR].kill()

        home = self.world.folder / "people" / f"{person.name} anew"
        map_file = self.world.network.write_map(home.name)
        network, clock = load_network(map_file), SystemClock(map_file)
        prepared = await rescue.prepare(
            self.world.invites[HILLTOP],
            person.name,
            person.phrase,
            buddies=(HILLTOP,),
            network=network,
            clock=clock,
        )
        assert prepared.check.followers.outcomes == {foretold: 1}, prepared.check
        engine = await rescue.begin(home, PASSPHRASE, prepared, network=network, clock=clock)
        anew = Person(person.name, home, map_file, engine, person.phrase)
        self.world.people.append(anew)
        standing = MoveStanding(next="begin")
        while standing.next:
            standing = await engine.call(GoOnMove(), MoveStanding)
        assert standing.notes == ()
        return Resident(anew)


@dataclass
class Island(Shore):
    """One stock server in a network of its own, and the shore."""

    peer: str
    port: int
    """Where the server is to listen, in plain HTTP, on 127.0.0.1: it stands behind a proxy."""
    folder: Path
    """For the server's files."""
    orders: asyncio.subprocess.Process

    async def run(self, *words: str, text: str = "") -> str:
        """Run a command inside; what it said."""
        answer = await self._order({"run": words, "text": text})
        assert answer["code"] == 0, answer["out"]
        return str(answer["out"])

    async def start(self, *words: str, up: str) -> None:
        """Start the server inside, and wait until it has something at a path; it ends with the island."""
        log = self.folder / "server.log"
        await self._order({"start": words, "log": str(log)})

        async def answers() -> bool:
            try:
                async with self.session.get(f"https://{self.peer}{up}") as answer:
                    return answer.status == 200
            except aiohttp.ClientError:
                return False

        await until(answers, f"{words[0]} is up: see {log}", within=2 * READY_S)

    async def _order(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self.orders.stdin is not None
        assert self.orders.stdout is not None
        self.orders.stdin.write(json.dumps(order).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await self.orders.stdout.readline())
        return answer


@pytest.fixture
async def shore(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Shore]]]:
    """Open two nodes from which servers of some names can be reached; they end with the test."""
    async with AsyncExitStack() as stack:

        async def open_shore(*others: str) -> Shore:
            world = await stack.enter_async_context(World.open(tmp_path, HARBOUR, HILLTOP, others=others))
            return Shore(world, await stack.enter_async_context(_session(world.network)))

        yield open_shore


@pytest.fixture
async def island(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Island]]]:
    """Open an island for a server of a name, from which others can be reached; it ends with the test."""
    async with AsyncExitStack() as stack:

        def open_island(peer: str, *others: str) -> Awaitable[Island]:
            return stack.enter_async_context(_island(tmp_path, peer, others))

        yield open_island


@asynccontextmanager
async def _island(folder: Path, peer: str, others: Sequence[str]) -> AsyncGenerator[Island]:
    await _check_possible()
    data = folder / "peer"
    data.mkdir()
    async with AsyncExitStack() as stack:
        made = World.open(folder, HARBOUR, HILLTOP, others=(*others, peer))
        world = await stack.enter_async_context(made)
        # A socket's path is at most 107 bytes long, a test's folder may be longer.
        doors = stack.enter_context(tempfile.TemporaryDirectory(prefix="yurt-"))
        network, outside = world.network, (HARBOUR, HILLTOP, *others)
        ways_out = {name: f"{doors}/{name}" for name in outside}
        plan = {
            "folder": str(data),
            # They look public; nobody is reached.
            "names": {name: f"11.22.33.{at}" for at, name in enumerate((*outside, peer), 1)},
            "outside": ways_out,
            "inside": f"{doors}/in",
            "peer": peer,
            "port": PORT,
            "ca": str(network.ca_file),
            "certificate": str(network.certificate_file(peer)),
            "key": str(network.key_file(peer)),
        }
        (data / "plan.json").write_text(json.dumps(plan))
        for name, door in ways_out.items():
            out = await asyncio.start_unix_server(_door(partial(_connect, network.endpoints[name])), door)
            await stack.enter_async_context(out)
        place = network.endpoints[peer]
        way_in = partial(asyncio.open_unix_connection, f"{doors}/in")
        inside = await asyncio.start_server(_door(way_in), place.host, place.port)
        await stack.enter_async_context(inside)
        process = await asyncio.create_subprocess_exec(
            *NAMESPACES,
            sys.executable,
            str(INSIDE),
            str(data / "plan.json"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "SSL_CERT_FILE": str(network.ca_file)},
        )
        stack.push_async_callback(_end, process)
        assert process.stdout is not None
        async with asyncio.timeout(READY_S):
            assert await process.stdout.readline() == b"{}\n", "the island was not made"
        session = await stack.enter_async_context(_session(network))
        yield Island(world, session, peer, PORT, data, process)


def _session(network: Network) -> aiohttp.ClientSession:
    tls = ssl.create_default_context(cafile=str(network.ca_file))
    connector = aiohttp.TCPConnector(resolver=CheckedResolver(network.endpoints), ssl=tls)
    return aiohttp.ClientSession(connector=connector)


async def _end(process: asyncio.subprocess.Process) -> None:
    process.kill()
    await process.wait()


async def _connect(place: Endpoint) -> Streams:
    return await asyncio.open_connection(place.host, place.port)


async def _check_possible() -> None:
    if not all(map(shutil.which, ("unshare", "ip", "mount"))):
        pytest.skip("no unshare, ip or mount: a stock server needs a network of its own")
    probe = await asyncio.create_subprocess_exec(
        *NAMESPACES, "true", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    if await probe.wait():
        pytest.skip("this user may make no namespaces: a stock server needs a network of its own")


def _door(lead: Callable[[], Awaitable[Streams]]) -> Callable[..., Awaitable[None]]:
    async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await lead()
        except OSError:
            writer.close()
            return
        await asyncio.gather(_carry(reader, back), _carry(there, writer))

    return come


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    except OSError:
        pass
    finally:
        target.close()

"""An import is killed (kill -9, a real node) at random points, and ends as one that nobody killed."""

import asyncio
import contextlib
import hashlib
import json
import random
import ssl
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from yurt.activitypub.references import Json
from yurt.activitypub.vocabulary import ACTIVITY_TYPE, AS_CONTEXT, JRD_TYPE
from yurt.client.links import parse_invite
from yurt.lab.migration import stock_documents
from yurt.lab.migration.hosts import Hosts, LabClock, Post, Signer
from yurt.lab.world.world import HARBOUR, HILLTOP, World
from yurt.node.accounts.testing import Newcomer
from yurt.node.accounts.tokens import InviteLink
from yurt.node.config import read_network
from yurt.node.fetch import CheckedResolver
from yurt.node.testing import Client
from yurt.portability.csv_rows import CsvKind
from yurt.wire.people_commands import Following
from yurt.wire.portability_commands import JobItem, JobRows, JobStatus, JobView, Portable, StartJob

HOSTS: Final = ("elm.example", "oak.example", "fir.example", "ash.example")
FOLLOWED: Final = 5
"""People at each host who are followed; at one of them the last moved, and one is nobody."""
JOB: Final = hashlib.sha256(b"the import").digest()[:16]
KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PATIENCE_S: Final = 120.0


@dataclass
class Peer:
    """A server of other software: accepts every Follow, however long that takes, and counts them."""

    host: str
    post: Post
    follows: dict[tuple[str, str], set[str]] = field(default_factory=dict[tuple[str, str], set[str]])
    """Ids of the Follows of somebody for somebody: what is sent again under its id is the same one."""
    other: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])
    tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one request."""
        if request.method == "POST":
            self.take(json.loads(await request.read()))
            return web.Response(status=202)
        match request.path.strip("/").split("/"):
            case [".well-known", "webfinger"]:
                address = request.query["resource"].removeprefix("acct:")
                name = address.partition("@")[0]
                if name == "nobody":
                    return web.Response(status=404)
                found = stock_documents.webfinger(address, f"https://{self.host}/users/{name}")
                return web.json_response(found, content_type=JRD_TYPE)
            case ["users", name]:
                return web.json_response(self.document(name), content_type=ACTIVITY_TYPE)
            case _:
                return web.Response(status=404)

    def document(self, name: str) -> Json:
        """Somebody's actor; who is called old is at the next host as new."""
        alias = (f"https://{HOSTS[0]}/users/old",) if name == "new" else ()
        document = stock_documents.actor(self.host, name, alias, KEY.public_key(), is_locked=False)
        return {**document, "movedTo": f"https://{HOSTS[1]}/users/new"} if name == "old" else document

    def take(self, activity: Any) -> None:  # noqa: ANN401  # JSON
        """Note an activity, and accept a Follow."""
        kind, actor, about = activity["type"], activity["actor"], activity["object"]
        if kind != "Follow":
            self.other[kind, actor, activity["id"]] += 1
            return
        self.follows.setdefault((actor, about), set()).add(activity["id"])
        task = asyncio.create_task(self.accept(actor, about, activity["id"]))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def accept(self, actor: str, about: str, follow: str) -> None:
        """Say yes until the other node, which may be dead just now, has heard it."""
        body: Json = {
            "@context": AS_CONTEXT,
            "id": f"{about}#accepts/{follow.rpartition('/')[2]}",
            "type": "Accept",
            "actor": about,
            "object": follow,
        }
        async with asyncio.timeout(PATIENCE_S):
            while not await self.post.send(Signer(f"{about}#main-key", KEY), f"{actor}/inbox", body):  # noqa: ASYNC110  # another server has no event
                await asyncio.sleep(0.2)


def items() -> tuple[JobItem, ...]:
    """Everything that a file may hold, over four hosts."""
    following, lists = CsvKind.FOLLOWING.value, CsvKind.LISTS.value
    found = [
        JobItem(CsvKind.DOMAIN_BLOCKS.value, "bad.example"),
        JobItem(following, "mia@bad.example"),
        JobItem(following, f"nobody@{HOSTS[2]}"),
        JobItem(following, f"old@{HOSTS[0]}", rank=3),
        JobItem(lists, f"old@{HOSTS[0]}", list="Friends"),
        JobItem(CsvKind.BOOKMARKS.value, f"https://{HOSTS[0]}/notes/1"),
    ]
    for at, host in enumerate(HOSTS):
        found += [
            JobItem(CsvKind.BLOCKS.value, f"eve@{host}"),
            JobItem(following, f"eve@{host}", rank=1),
            JobItem(CsvKind.MUTES.value, f"cy@{host}", hide=bool(at % 2)),
            JobItem(lists, f"p0@{host}", list="Friends"),
        ]
        found += [
            JobItem(following, f"p{number}@{host}", show_boosts=bool(number % 2), rank=number)
            for number in range(FOLLOWED)
        ]
    return tuple(found)


@dataclass
class Scene:
    """Two nodes, one that is killed, and the servers around them."""

    world: World
    peers: tuple[Peer, ...]
    session: aiohttp.ClientSession

    async def newcomer(self, name: str, domain: str) -> Client:
        """Let somebody join, and begin the import."""
        client = Client(self.session, domain, Newcomer(name, domain))
        invite = parse_invite(self.world.invites[domain])
        client.token = (await client.call(client.person.join(InviteLink(invite.code, invite.secret)))).token
        await client.call(StartJob(JOB, "import", items()))
        return client

    async def kill_while_it_works(self, client: Client, dice: random.Random, times: int) -> int:
        """Kill the node until the import is done, or often enough; count the times it was not done yet."""
        node, killed = self.world.nodes[client.domain], 0
        while killed < times:
            await asyncio.sleep(dice.uniform(0.0, 0.4))
            await node.kill()
            await node.start()
            if await self.is_done(client):
                break
            killed += 1
        return killed

    async def is_done(self, client: Client) -> bool:
        """Whether nothing of the import waits."""
        view: JobView = await client.call(JobStatus(JOB))
        return view.state == "done" and not view.counts.get("pending")

    async def end(self, client: Client) -> dict[str, object]:
        """Everything that the import leaves behind, without times and names of the importer."""
        async with asyncio.timeout(PATIENCE_S):
            while not await self.is_done(client):  # noqa: ASYNC110  # a job has no event for its end
                await asyncio.sleep(0.1)
        me = client.person.actor
        rows = (await client.call(JobRows(JOB))).rows
        return {
            "rows": sorted((row.kind, row.address, row.list, row.state, row.reason) for row in rows),
            "follows": sorted((tie.address, tie.state) for tie in (await client.call(Following())).ties),
            "portable": {
                kind.value: [
                    (row.address, row.list, row.show_boosts, row.hide, row.state)
                    for row in (await client.call(Portable(kind.value))).rows
                ]
                for kind in CsvKind
            },
            "wire": sorted(
                (about, len(ids))
                for peer in self.peers
                for (actor, about), ids in peer.follows.items()
                if actor == me
            ),
            "blocks on the wire": sum(
                kind == "Block" and actor == me for peer in self.peers for kind, actor, _ in peer.other
            ),
        }


@contextlib.asynccontextmanager
async def scene(folder: Path) -> AsyncGenerator[Scene]:
    """Open it; everything is ended at the end."""
    async with contextlib.AsyncExitStack() as stack:
        world = await stack.enter_async_context(World.open(folder, HARBOUR, HILLTOP, others=HOSTS))
        post, hosts = Post(world.network, LabClock()), Hosts(world.network)
        post.open()
        stack.push_async_callback(post.close)
        await hosts.open()
        stack.push_async_callback(hosts.close)
        peers = tuple(Peer(host, post) for host in HOSTS)
        for peer in peers:
            await hosts.listen(peer.host, peer)
        network = read_network(world.network.write_map("importer"))
        tls = ssl.create_default_context(cafile=str(network.ca_file))
        connector = aiohttp.TCPConnector(
            resolver=CheckedResolver(network.map.names), ssl=tls, force_close=True
        )
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        try:
            yield Scene(world, peers, session)
        finally:
            for task in [task for peer in peers for task in peer.tasks]:
                task.cancel()


async def ends_like_the_unkilled(folder: Path, times: int) -> None:
    """Kill imports that many times in their midst; each ends as the one that nobody killed."""
    dice = random.Random(times)  # noqa: S311  # the same moments in every run
    async with scene(folder) as here:
        unkilled = await here.newcomer("ana", HILLTOP)
        killed = number = 0
        ends = list[dict[str, object]]()
        while killed < times:
            victim = await here.newcomer(f"ana{number}", HARBOUR)
            killed += await here.kill_while_it_works(victim, dice, times - killed)
            ends.append(await here.end(victim))
            number += 1
        expected = await here.end(unkilled)

    assert {count for _, count in expected["wire"]} == {1}  # type: ignore[attr-defined]  # a list of pairs
    assert len(expected["wire"]) == len(HOSTS) * FOLLOWED + 1  # type: ignore[arg-type]  # likewise
    for end in ends:
        assert end == expected


async def test_killed_five_times_it_ends_as_if_it_never_was(tmp_path: Path) -> None:
    """Five kills in the middle of an import: same ties, lists, blocks and rows, and no Follow twice."""
    await ends_like_the_unkilled(tmp_path, 5)


@pytest.mark.long
async def test_killed_a_hundred_times_it_ends_as_if_it_never_was(tmp_path: Path) -> None:
    """A hundred kills, over as many imports as that takes."""
    await ends_like_the_unkilled(tmp_path, 100)

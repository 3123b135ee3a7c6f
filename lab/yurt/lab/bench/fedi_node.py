"""A real node with a few people on it, and a street of servers: for what arrives and for what goes out."""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final

import msgspec

from yurt.lab.bench.http_load import load
from yurt.lab.bench.machine import pin
from yurt.lab.bench.node_target import tls_proxy
from yurt.lab.bench.setting import LOAD_CORE, SERVER_CORE
from yurt.lab.bench.street import Street, signed
from yurt.lab.world.network import Network
from yurt.lab.world.people import Person, sign_in
from yurt.lab.world.process import NodeProcess

NAME: Final = "harbour.example"
INBOX: Final = f"https://{NAME}/inbox"
NEW_PEOPLE: Final = 480
"""As many people as a node gets to know at once; that limit lives in its memory."""


@dataclass(slots=True)
class FediNode:
    """A node with a plain listener, alone on a core."""

    process: NodeProcess
    street: Street
    tokens: dict[str, str] = field(repr=False)
    """By account."""

    async def call(self, who: str, name: str, values: dict[str, object]) -> bytes:
        """Do a command as somebody.

        Raises:
            RuntimeError: It is refused.
        """
        body = msgspec.json.encode(values)
        path, bearer = f"/api/v1/{name}", f"Bearer {self.tokens[who]}"
        answer = await self.process.ask("POST", path, body, Authorization=bearer)
        if answer.status != HTTPStatus.OK:
            raise RuntimeError(f"{name} is refused: {answer.body[:200]!r}")
        return answer.body

    async def follow(self, who: str, actors: list[str]) -> float:
        """Let all of these follow somebody; return the seconds, restarts left out.

        Raises:
            RuntimeError: A Follow was not taken.
        """
        now, seconds = int(time.time()), 0.0  # noqa: TID251  # a benchmark runs now
        followed = f"https://{NAME}/users/{who}"
        follows = [
            signed(actor, INBOX, {"id": f"{actor}#{who}", "type": "Follow", "object": followed}, now)
            for actor in actors
        ]
        for start in range(0, len(follows), NEW_PEOPLE):
            await self.restart()
            answers = await load(self.process.endpoint, follows[start : start + NEW_PEOPLE], 16)
            seconds += answers.seconds
            if set(answers.statuses) != {HTTPStatus.ACCEPTED}:
                raise RuntimeError(f"follows are refused: {dict(answers.statuses)}")
        return seconds

    async def restart(self) -> None:
        """Begin with full limits of rate."""
        await self.process.restart()
        pin(self.process.pid, SERVER_CORE)


@asynccontextmanager
async def opened(
    folder: Path, hosts: list[str], people: Sequence[str] = ("ana",)
) -> AsyncGenerator[FediNode]:
    """Start a node with these people and a street, for as long as they are needed."""
    network = Network.make(folder / "network", [NAME, *hosts])
    network.write_map(NAME)
    pin(0, LOAD_CORE)
    street = Street(network)
    await street.open(hosts)
    process = NodeProcess(NAME, network, folder / NAME, plain=True)
    try:
        await process.init()
        await process.start()
        pin(process.pid, SERVER_CORE)
        tokens = {who: await _join(who, process, network, folder) for who in people}
        yield FediNode(process, street, tokens)
    finally:
        await process.close()
        await street.close()


async def _join(who: str, process: NodeProcess, network: Network, folder: Path) -> str:
    proxy = await tls_proxy(network)
    map_file = network.write_map(f"{who}s-map", {NAME: proxy.endpoint})
    person = await Person.join(who, await process.invite(), folder / f"{who}@{NAME}", map_file)
    device_id = (await person.engine.status()).device_id
    await person.close()
    await proxy.close()
    return await sign_in(process, who, device_id)

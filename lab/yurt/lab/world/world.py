"""A world: nodes as processes, the network between them, and people with real engines.

    async with World.open(folder, "harbour.example", "hilltop.example") as world:
        ana = await world.person("ana", "harbour.example")
        bo = await world.person("bo", "hilltop.example")
        await world.nodes["hilltop.example"].kill()

Everything is started side by side, and whatever happens, every process is ended at the end.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

from yurt.lab.world.faults import Link
from yurt.lab.world.moulds import Moulds
from yurt.lab.world.network import Network
from yurt.lab.world.people import Person
from yurt.lab.world.process import NODE_PROGRAM, NodeProcess
from yurt.wire.network_map import Endpoint

HARBOUR: Final = "harbour.example"
HILLTOP: Final = "hilltop.example"

_USES: Final = 1_000


@dataclass(slots=True)
class World:
    """Nodes, people and the network between them."""

    folder: Path
    network: Network
    nodes: dict[str, NodeProcess] = field(default_factory=dict[str, NodeProcess])
    invites: dict[str, str] = field(default_factory=dict[str, str])
    """An invite of each node, with enough uses for everybody."""
    people: list[Person] = field(default_factory=list[Person])
    links: dict[tuple[str, str], Link] = field(default_factory=dict[tuple[str, str], Link])
    """From (who, to whom) to the link on that way; only if the world was opened with links."""
    with_links: bool = False
    moulds: ClassVar[Moulds | None] = None
    """Where nodes are kept to be copied, for a session that opens many worlds."""

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls,
        folder: Path,
        *domains: str,
        links: bool = False,
        program: Sequence[str] = NODE_PROGRAM,
        others: Sequence[str] = (),
        at_once: int = 0,
    ) -> AsyncGenerator["World"]:
        """Make and start the nodes; end everything when the block ends.

        Args:
            folder: For all data, logs and homes; must be empty.
            domains: Names of the nodes; harbour and hilltop if none is given.
            links: Put a link that can be cut on the way from each node to each other one, and
                from each person to their node.
            program: What Python runs as a node; a test may wrap the node's module.
            others: Names with an endpoint and a certificate for servers that are no nodes.
            at_once: So many nodes are started at the same time; 0: all of them.
        """
        names = domains or (HARBOUR, HILLTOP)
        world = cls(folder, Network.make(folder / "network", [*names, *others]), with_links=links)
        places = asyncio.Semaphore(at_once or len(names))
        try:
            for name in names:
                world.network.write_map(name, await world._links_of(name) if links else None)
                world.nodes[name] = NodeProcess(name, world.network, folder / name, program=program)
            await asyncio.gather(*(world._start(node, places) for node in world.nodes.values()))
            yield world
        finally:
            await world.close()

    async def person(self, name: str, domain: str, *, link: str = "") -> Person:
        """Let somebody join a node.

        Args:
            name: Of the account.
            domain: Of the node.
            link: An invite of that node; the world's own if empty.
        """
        link = link or self.invites[domain]
        address = f"{name}@{domain}"
        map_file = await self.map_of(address)
        person = await Person.join(name, link, self.folder / "people" / address, map_file)
        self.people.append(person)
        return person

    async def map_of(self, address: str) -> Path:
        """Write the network map of a person, and open the link to their node if the world has links."""
        domain = address.partition("@")[2]
        if not self.with_links:
            return self.network.write_map(address)
        link = self.links[address, domain] = await Link.open(self.network.endpoints[domain])
        return self.network.write_map(address, {domain: link.endpoint})

    async def close(self) -> None:
        """End everything, whatever state it is in."""
        everybody = [person.close() for person in self.people]
        await asyncio.gather(*everybody, return_exceptions=True)
        await asyncio.gather(*(node.close() for node in self.nodes.values()))
        await asyncio.gather(*(link.close() for link in self.links.values()))

    async def _start(self, node: NodeProcess, places: asyncio.Semaphore) -> None:
        async with places:
            if self.moulds is None:
                await node.init()
                _, self.invites[node.domain] = await asyncio.gather(node.start(), node.invite(uses=_USES))
                return
            invite = self.moulds.cast(node.domain, node.data, self.network)
            if invite is None:
                await node.init()
                invite = await node.invite(uses=_USES)
                self.moulds.keep(node.domain, node.data, self.network, invite)
            self.invites[node.domain] = invite
            await node.start()

    async def _links_of(self, name: str) -> dict[str, Endpoint]:
        others = [other for other in self.network.endpoints if other != name]
        for other in others:
            self.links[name, other] = await Link.open(self.network.endpoints[other])
        return {other: self.links[name, other].endpoint for other in others}

"""A node with one person on it, TLS and all, for scenes that measure what a person does."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from yurt.lab.world.network import Network
from yurt.lab.world.people import Person
from yurt.lab.world.process import NodeProcess

HARBOUR: Final = "harbour.example"


@asynccontextmanager
async def lone_node(folder: Path, hosts: Sequence[str] = ()) -> AsyncGenerator[tuple[NodeProcess, Person]]:
    """Start a node with Ana on it, for as long as it is needed.

    Args:
        folder: For everything; the network lies in ``network`` there, with a map for the first host too.
        hosts: Names that the network has beside the node's.
    """
    network = await asyncio.to_thread(Network.make, folder / "network", [HARBOUR, *hosts])
    for name in (HARBOUR, *hosts[:1]):
        network.write_map(name)
    node = NodeProcess(HARBOUR, network, folder / HARBOUR)
    try:
        await node.init()
        await node.start()
        map_file = network.write_map(f"ana@{HARBOUR}")
        ana = await Person.join("ana", await node.invite(), folder / f"ana@{HARBOUR}", map_file)
        try:
            yield node, ana
        finally:
            await ana.close()
    finally:
        await node.close()

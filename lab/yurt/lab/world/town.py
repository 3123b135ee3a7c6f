"""The smallest world with a story: two nodes, Ana at one, Bo at the other, and a room that both are in.

async with Town.open(folder) as town:
    await town.ana.engine.send(town.room, "hello")
    await town.bo.reads(town.room, "hello")
"""

import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path

from yurt.lab.world.people import Person, follow, meet
from yurt.lab.world.process import NODE_PROGRAM, NodeProcess
from yurt.lab.world.world import HARBOUR, HILLTOP, World


@dataclass(frozen=True, slots=True)
class Town:
    """Ana lives at the harbour, Bo on the hilltop; they share a room whose hub is the harbour."""

    world: World
    ana: Person
    bo: Person
    room: bytes

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, folder: Path, *, program: Sequence[str] = NODE_PROGRAM) -> AsyncGenerator["Town"]:
        """Build the town; every way between its processes can be cut.

        Args:
            folder: For everything in it; must be empty.
            program: What Python runs as a node.
        """
        async with World.open(folder, links=True, program=program) as world:
            ana = await world.person("ana", HARBOUR)
            bo = await world.person("bo", HILLTOP)
            await follow(bo, ana)
            yield cls(world, ana, bo, await meet(ana, bo))

    @property
    def harbour(self) -> NodeProcess:
        """Ana's node, the room's hub."""
        return self.world.nodes[HARBOUR]

    @property
    def hilltop(self) -> NodeProcess:
        """Bo's node, a member node of the room."""
        return self.world.nodes[HILLTOP]

    async def said(self, who: Person, mark: str) -> list[str]:
        """What somebody's client holds of the texts that begin with a mark, in the room's order."""
        return [text for text in await who.texts(self.room) if text.startswith(mark)]

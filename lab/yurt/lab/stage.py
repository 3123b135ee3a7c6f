"""The demo's people and nodes, as a screen may use them; what is special about the lab ends here."""

from dataclasses import dataclass

from yurt.client.api import EngineApi
from yurt.lab.world.people import Person
from yurt.lab.world.process import NodeFailed, NodeProcess
from yurt.wire.problems import refuse


@dataclass(frozen=True, slots=True)
class StageNode:
    """A node process that somebody at the screen stops and starts."""

    process: NodeProcess

    @property
    def domain(self) -> str:
        """Its name."""
        return self.process.domain

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self.process.running

    async def start(self) -> None:
        """Start it.

        Raises:
            ProblemError: It does not start.
        """
        try:
            await self.process.start()
        except NodeFailed as error:
            raise refuse("internal", str(error)) from error

    async def stop(self) -> None:
        """Stop it as its operator would.

        Raises:
            ProblemError: It does not stop.
        """
        try:
            await self.process.stop()
        except NodeFailed as error:
            raise refuse("internal", str(error)) from error


@dataclass(frozen=True, slots=True)
class StagePerson:
    """Somebody in the room, and their node."""

    who: Person
    node: StageNode

    @property
    def address(self) -> str:
        """``name@node``."""
        return self.who.address

    @property
    def engine(self) -> EngineApi:
        """Their engine."""
        return self.who.engine


@dataclass(frozen=True, slots=True)
class Stage:
    """A room with everybody in it."""

    room: bytes
    people: tuple[StagePerson, ...]

"""What the demo's screen needs: people with engines, and nodes that can be stopped and started.

Whoever has real nodes and people offers it; the screen knows neither processes nor the lab.
"""

from collections.abc import Sequence
from typing import Protocol

from yurt.client.api import EngineApi


class StageNode(Protocol):
    """A node that can go away and come back."""

    @property
    def domain(self) -> str:
        """Its name."""
        ...

    @property
    def running(self) -> bool:
        """Whether it runs."""
        ...

    async def start(self) -> object:
        """Start it.

        Raises:
            ProblemError: It does not start.
        """
        ...

    async def stop(self) -> None:
        """Stop it as its operator would.

        Raises:
            ProblemError: It does not stop.
        """
        ...


class StagePerson(Protocol):
    """Somebody in the demo's room."""

    @property
    def address(self) -> str:
        """``name@node``."""
        ...

    @property
    def engine(self) -> EngineApi:
        """This person's own engine."""
        ...

    @property
    def node(self) -> StageNode:
        """Their node."""
        ...


class Stage(Protocol):
    """A room with people who are ready to talk."""

    @property
    def room(self) -> bytes:
        """The room's id."""
        ...

    @property
    def people(self) -> Sequence[StagePerson]:
        """Everybody, from the left to the right."""
        ...

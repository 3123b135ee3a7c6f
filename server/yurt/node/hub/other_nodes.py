"""How what is asked of a room reaches the node that can answer: this one, or the room's hub."""

from typing import Any, Protocol, TypeVar

from yurt.wire.command import Answer

A = TypeVar("A", bound=Answer)


class OtherNodes(Protocol):
    """The way to other nodes (`peers.links.Links`)."""

    async def ask(self, node: str, what: str, actor: str, struct: Any, shape: type[A]) -> A:  # noqa: ANN401  # any struct
        """Ask a node for something that it answers at once.

        Raises:
            ProblemError: Its refusal, or `peerUnreachable`.
        """
        ...

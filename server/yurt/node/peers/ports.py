"""What the exchange with other nodes needs of the rooms, and what it offers them: shapes, no rules."""

from typing import Protocol

from yurt.wire.exchange import (
    Claim,
    ClaimAnswer,
    Pull,
    RoomHave,
    RoomRows,
    RoomStart,
    Submission,
    WelcomeDelivery,
)
from yurt.wire.room_commands import Appended


class Hub(Protocol):
    """The rooms that this node orders."""

    async def append_submitted(self, peer: str, submission: Submission) -> Appended:
        """Append an entry that an account of a peer submits; the peer's right to speak for it is checked.

        Raises:
            ProblemError: refused; for a room that is not known here or not the submitter's, `notFound`.
        """
        ...


class Copies(Protocol):
    """The copies of rooms, here and for others."""

    async def start(self, peer: str, start: RoomStart) -> None:
        """Begin a copy of a room whose hub is `peer`; a copy that stands already changes nothing.

        Raises:
            ProblemError: finally refused.
        """
        ...

    async def take(self, peer: str, rows: RoomRows) -> RoomHave:
        """Append rows from the hub; rows that stand already change nothing."""
        ...

    async def welcome(self, peer: str, delivery: WelcomeDelivery) -> None:
        """Put a Welcome into the inbox of a local person, once.

        Raises:
            ProblemError: finally refused.
        """
        ...

    async def serve(self, peer: str, pull: Pull) -> RoomRows:
        """Give a member node rows that it misses, up to where it may read.

        Raises:
            ProblemError: `notFound`, also for a room that is not for this peer.
        """
        ...


class Claims(Protocol):
    """The key packages of local people."""

    async def claimed(self, peer: str, claim: Claim) -> ClaimAnswer:
        """Answer a claim that an account of a peer makes; a refusal is in the answer."""
        ...


class Submissions(Protocol):
    """The way to hubs that are other nodes."""

    async def submit(self, hub: str, submission: Submission) -> Appended:
        """Have an entry appended by its hub; returns when the hub has made it durable.

        Raises:
            ProblemError: the hub's refusal, or `hubUnreachable` at once when it is down.
        """
        ...

    async def pull(self, node: str, pull: Pull) -> None:
        """Ask a node for rows; they arrive through `Copies.take`."""
        ...

    def wake(self, node: str) -> None:
        """Something waits for this node."""
        ...

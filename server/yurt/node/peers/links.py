"""All links of a node: one for each peer it has something to say to, woken by the bus.

A hint that a room has grown wakes the links of its member nodes; the poll beneath the bus finds what hints
lost. At the start every peer for which something may wait is woken once. Which nodes a room has is read
after each of its commits and kept: nothing else changes it, and a lone message shall not wait for a reader.

A person may name a node that this one has never met: a hub after a rescue, the node of somebody to invite. A
link to it costs a task and look-ups, so such names must look like a domain, and each person has only so many.
"""

import asyncio
import contextlib
import logging
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from yurt.identity.location import MalformedLocation, check_node
from yurt.node.bus import Bus, Hint
from yurt.node.limiter import Limiter, Rate
from yurt.node.peers.link import Exchanges, Link
from yurt.node.peers.ports import Copies
from yurt.node.store import logs, rooms
from yurt.node.store.peers import is_neighbour, known_peers
from yurt.node.store.rooms import STILL
from yurt.node.store.types import ReadTx, Store, StoreError
from yurt.node.streams.tail import Tail
from yurt.wire.command import Answer
from yurt.wire.errors import GateError
from yurt.wire.exchange import Ask, Claim, ClaimAnswer, Pull, Submission
from yurt.wire.frames import room_log, room_of
from yurt.wire.gate import decode_msgpack
from yurt.wire.position import Position
from yurt.wire.problems import Problem, ProblemError, refuse
from yurt.wire.registry import EntryKind
from yurt.wire.room_commands import Appended

MAX_LINKS: Final = 5_000
MAX_ROOMS: Final = 2_000
"""Rooms whose member nodes are kept in memory."""

STRANGER_RATE: Final = Rate(burst=60, every_s=30.0)
"""Nodes that this one has nothing to do with yet, and that one person names."""
_DOMAIN: Final = re.compile(r".+\.[a-z0-9-]*[a-z][a-z0-9-]*")
"""No single label, and no address of four numbers."""

MAX_ANSWER: Final = 4 * 1024 * 1024
"""Bytes of the answer to an ask."""
_ID_SIZE: Final = 16

A = TypeVar("A", bound=Answer)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Members:
    """The member nodes of a room, as they were at a position of its log."""

    nodes: frozenset[str]
    upto: Position


class Links:
    """The ways to other nodes."""

    def __init__(
        self,
        domain: str,
        store: Store,
        bus: Bus,
        exchanges: Exchanges,
        copies: Copies,
        limiter: Limiter,
        tail: Tail,
    ) -> None:
        self._domain = domain
        self._store = store
        self._bus = bus
        self._exchanges = exchanges
        self._copies = copies
        self._limiter = limiter
        self._tail = tail
        self._members: dict[bytes, _Members] = {}
        self._links: dict[str, tuple[Link, asyncio.Task[None]]] = {}
        self._grown: set[bytes] = set()
        self._bell = asyncio.Event()
        self._router: asyncio.Task[None] | None = None
        self._deaf: Callable[[], None] | None = None

    async def start(self) -> None:
        """Wake every peer for which something may wait, then listen to the bus."""
        self._deaf = self._bus.listen(self._hear)
        self._router = asyncio.create_task(self._route(), name="links router")
        for node in await self._store.read(known_peers):
            self.wake(node)

    async def stop(self) -> None:
        """End all links; whoever waits is told."""
        if self._deaf is not None:
            self._deaf()
        tasks = [task for _, task in self._links.values()]
        for task in (*tasks, *([self._router] if self._router else [])):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def submit(self, hub: str, submission: Submission) -> Appended:
        """Have an entry appended by its hub; returns when the hub has made it durable.

        Raises:
            ProblemError: the hub's refusal, or `hubUnreachable` at once when it is down; see `ask`.
        """
        await self._check(hub, submission.actor)
        answer = await self._link(hub).submit(submission)
        if answer.problem is not None:
            raise ProblemError(answer.problem)
        if answer.position is None:
            raise ProblemError(Problem("hubUnreachable", f"{hub} answers neither yes nor no"))
        return Appended(answer.position, answer.accepted_at, answer.hash, answer.chain)

    async def carry_claim(self, node: str, claim: Claim) -> ClaimAnswer:
        """Bring a claim to a node and its answer back.

        Raises:
            ProblemError: `overloaded`, `peerUnreachable`, see `ask`; other refusals are in the answer.
        """
        await self._check(node, claim.claimer)
        return await self._link(node).claim(claim)

    async def ask(self, node: str, what: str, actor: str, struct: Any, shape: type[A]) -> A:  # noqa: ANN401  # any struct
        """Ask another node for something that it answers at once.

        Args:
            node: Whom.
            what: The name under which it answers (`asks.Asks`).
            actor: Of this node; for whom it is asked.
            struct: What is asked.
            shape: What the answer is.

        Raises:
            ProblemError: Its refusal, `peerUnreachable`, or `peerRefused` for an answer that is none;
                `badRequest` for no node's name, and `tooMany` with the rule `strangers`.
        """
        await self._check(node, actor)
        ask = Ask(os.urandom(_ID_SIZE), actor, what, msgspec.msgpack.encode(struct))
        found = await self._link(node).ask(ask)
        if found.problem is not None:
            raise ProblemError(found.problem)
        try:
            return decode_msgpack(found.answer, shape, limit=MAX_ANSWER)
        except GateError as error:
            raise refuse("peerRefused", f"{node} answers what this node does not understand") from error

    async def pull(self, node: str, pull: Pull) -> None:
        """Ask a node for rows; they arrive through `Copies.take`."""
        self._link(node).pull(pull)

    def wake(self, node: str) -> None:
        """Something waits for this node."""
        self._link(node).wake()

    def heard(self, node: str) -> None:
        """This node spoke to us: it lives."""
        if (pair := self._links.get(node)) is not None:
            pair[0].heard()

    async def _check(self, node: str, actor: str) -> None:
        """Look at a name that a person brings, before anything is done for it.

        Raises:
            ProblemError: `badRequest`, `tooMany`.
        """
        if node in self._links or await self._store.read(lambda tx: is_neighbour(tx, node)):
            return
        if not _DOMAIN.fullmatch(node):
            raise refuse("badRequest", "not a node's name: it should look like harbour.example")
        self._limiter.take("strangers", actor, STRANGER_RATE, rule="strangers")

    def _link(self, node: str) -> Link:
        if (pair := self._links.get(node)) is not None:
            return pair[0]
        try:
            check_node(node)
        except MalformedLocation as error:
            raise refuse("badRequest", str(error)) from error
        if node == self._domain or not self._make_room():
            raise refuse("overloaded", f"no link to {node}", retry_after=60.0)
        link = Link(node, self._store, self._exchanges, self._copies)
        self._links[node] = (link, asyncio.create_task(link.run(), name=f"link to {node}"))
        return link

    def _make_room(self) -> bool:
        """End an idle link if there are too many; False if all are busy."""
        if len(self._links) < MAX_LINKS:
            return True
        idle = next((node for node, (link, _) in self._links.items() if link.is_idle), None)
        if idle is not None:
            self._links.pop(idle)[1].cancel()
        return idle is not None

    def _hear(self, hints: Sequence[Hint]) -> None:
        for hint in hints:
            room = room_of(hint.log)
            if room is None:
                continue
            nodes = self._members_now(room, hint.log)
            if nodes is None:
                self._grown.add(room)
                self._bell.set()
            else:
                self._wake_all(nodes)

    def _members_now(self, room: bytes, log: str) -> frozenset[str] | None:
        """The member nodes of a room, if no commit has come since they were read."""
        known = self._members.get(room)
        rows = None if known is None else self._tail.after(log, known.upto)
        if known is None or rows is None or any(row.kind == EntryKind.COMMIT for row in rows):
            return None
        if rows:
            known.upto = rows[-1].position
        return known.nodes

    def _wake_all(self, nodes: Iterable[str]) -> None:
        for node in nodes:
            try:
                self.wake(node)
            except ProblemError as error:
                _log.warning("%s gets nothing now: %s", node, error.problem.message)

    async def _route(self) -> None:
        """Wake the links of the member nodes of rooms that have grown."""
        while True:
            await self._bell.wait()
            self._bell.clear()
            grown, self._grown = frozenset(self._grown), set()
            try:
                await self._wake_members(grown)
            except StoreError:
                _log.warning("the links could not read the store; the poll rings again")

    async def _wake_members(self, grown: frozenset[bytes]) -> None:
        def members(tx: ReadTx) -> list[tuple[bytes, list[tuple[str, Position]], Position]]:
            return [(room, rooms.nodes_of(tx, room), logs.head(tx, room_log(room))) for room in grown]

        for room, nodes, head in await self._store.read(members):
            # A node that was put out still gets its removal, which is a commit; later messages are not its.
            self._wake_all(node for node, _ in nodes)
            self._members[room] = _Members(frozenset(node for node, end in nodes if end == STILL), head)
        while len(self._members) > MAX_ROOMS:
            del self._members[next(iter(self._members))]

"""A restored node asks its rooms' copies for what its backup lacks, before it orders anything new.

::

    waiting --every member node answered, and brought nothing more--> open
       |
       +--after `restore_wait_s`--> open, with a warning: what no node brought is not here

A hub that went on from an old head would give places of the log away a second time, and every member would
see it fork. So appends to a room wait (`overloaded`, try again) until its member nodes were asked. Their rows
are judged as a copy judges its hub's: the chain, and commits by the same rules. A member node can therefore
make up no commit; a message row is only as good as the node that brings it, and members see one that they
cannot open. Reading goes on: what a backup holds is the beginning of the same log. Rooms whose hub is
elsewhere are asked of their hub, and wait for nothing. Inboxes have no copy: what they lack stays lost.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, Protocol

from typing_extensions import override

from yurt.node.clock import Clock
from yurt.node.hub.append import RoomHub
from yurt.node.hub.keep import move_windows
from yurt.node.hub.member_copy import MAX_SERVED, MAX_SERVED_BYTES
from yurt.node.hub.states import RoomStates, stored
from yurt.node.peers.ports import Copies
from yurt.node.store import logs, restored, rooms
from yurt.node.store.figures import RESTORED_AT, fact, set_fact
from yurt.node.store.types import ReadTx, StaleHead, Store, Tx
from yurt.rooms.common.errors import LogForked, LogGap, Refused
from yurt.rooms.hub.effects import NodeJoined, NodeLeft
from yurt.rooms.hub.follow import Followed, follow_row
from yurt.rooms.hub.order import Submission
from yurt.rooms.hub.state import HubState
from yurt.wire.exchange import Pull, RoomHave, RoomRows, RoomStart, WelcomeDelivery
from yurt.wire.frames import room_log
from yurt.wire.position import START, LogRow
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.room_commands import Appended

AGAIN_S: Final = 2.0
"""Between two rounds of asking."""

_log = logging.getLogger(__name__)


class Asks(Protocol):
    """Asks a node for rows; they arrive through `Copies.take` (`links.Links`)."""

    async def pull(self, node: str, pull: Pull) -> None:
        """Ask."""
        ...


class Recovery:
    """Stands before the copies of rooms, and takes back what other nodes hold of rooms of this hub."""

    def __init__(self, domain: str, store: Store, states: RoomStates, clock: Clock, copies: Copies) -> None:
        self._domain = domain
        self._store = store
        self._states = states
        self._clock = clock
        self._copies = copies
        self._waiting: dict[bytes, set[str]] = {}
        self._locks: defaultdict[bytes, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._bell = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Close the rooms of a restored node until they were asked for; call it before anything is served."""
        if await self._store.read(lambda tx: fact(tx, RESTORED_AT)):
            self._waiting = await self._store.read(lambda tx: restored.member_nodes(tx, self._domain))
            _log.warning("restored from a backup: %d rooms are asked of other nodes", len(self._waiting))

    async def ask(self, asks: Asks, wait_s: float) -> None:
        """Begin to ask, for so many seconds at most."""
        self._task = asyncio.create_task(self._run(asks, wait_s), name="recovery")

    async def stop(self) -> None:
        """Stop asking; the next start begins again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def admit(self, room: bytes) -> None:
        """Let something be appended to a room of this hub.

        Raises:
            ProblemError: `overloaded` while other nodes are asked for it.
        """
        if room in self._waiting:
            raise refuse(
                "overloaded", "this node was restored and asks for the newest rows", retry_after=AGAIN_S
            )

    # --- the port of copies -------------------------------------------------------------------------
    async def start(self, peer: str, start: RoomStart) -> None:
        """Begin a copy (`Copies.start`)."""
        await self._copies.start(peer, start)

    async def take(self, peer: str, rows: RoomRows) -> RoomHave:
        """Append rows: of a room elsewhere from its hub, of a waiting room of this hub from a member node."""
        if peer not in self._waiting.get(rows.room, ()):
            return await self._copies.take(peer, rows)
        async with self._locks[rows.room]:
            return await self._take_back(peer, rows)

    async def welcome(self, peer: str, delivery: WelcomeDelivery) -> None:
        """Put a Welcome into an inbox."""
        await self._copies.welcome(peer, delivery)

    async def serve(self, peer: str, pull: Pull) -> RoomRows:
        """Give rows to a member node, or to the hub itself: it ordered them, and may have lost them.

        Raises:
            ProblemError: `notFound`, also for a room that is not for this peer.
        """
        try:
            return await self._copies.serve(peer, pull)
        except ProblemError:
            found = await self._store.read(lambda tx: _for_hub(tx, peer, pull))
            if found is None:
                raise
            return found

    # --- asking and taking back ---------------------------------------------------------------------
    async def _run(self, asks: Asks, wait_s: float) -> None:
        if not await self._store.read(lambda tx: fact(tx, RESTORED_AT)):
            return
        elsewhere = await self._store.read(lambda tx: restored.rooms_elsewhere(tx, self._domain))
        for room, hub in elsewhere:
            await self._ask(asks, hub, room)
        try:
            async with asyncio.timeout(wait_s):
                await self._ask_until_answered(asks)
        except TimeoutError:
            for room, nodes in self._waiting.items():
                _log.error("room %s goes on without the rows of %s", room.hex(), ", ".join(sorted(nodes)))
        self._waiting = {}
        await self._store.write(lambda tx: set_fact(tx, RESTORED_AT, 0))
        _log.warning("restored: all rooms are open")

    async def _ask_until_answered(self, asks: Asks) -> None:
        while self._waiting:
            self._bell.clear()
            for room, nodes in list(self._waiting.items()):
                for node in sorted(nodes):
                    await self._ask(asks, node, room)
            try:
                async with asyncio.timeout(AGAIN_S):
                    await self._bell.wait()
            except TimeoutError:
                continue

    async def _ask(self, asks: Asks, node: str, room: bytes) -> None:
        head = await self._store.read(lambda tx: logs.head(tx, room_log(room)))
        try:
            await asks.pull(node, Pull(room, head))
        except ProblemError as error:
            _log.info("%s cannot be asked now: %s", node, error.problem.code)

    async def _take_back(self, peer: str, rows: RoomRows) -> RoomHave:
        state = await self._states.get(rows.room)
        if state is None:
            return RoomHave(rows.room, START, "unknownRoom")
        followed, problem = await asyncio.to_thread(_follow, state, rows.rows, self._clock.now_ms())
        after = followed[-1].state if followed else state
        if followed:
            try:
                await self._store.write(lambda tx: _keep(tx, self._domain, state, followed))
            except StaleHead:
                self._states.drop(rows.room)
                return RoomHave(rows.room, state.head)
            self._states.keep(after)
        if not followed or rows.head <= after.head:
            self._answered(peer, rows.room)
        self._bell.set()
        return RoomHave(rows.room, after.head, problem)

    def _answered(self, peer: str, room: bytes) -> None:
        nodes = self._waiting.get(room)
        if nodes is not None:
            nodes.discard(peer)
            if not nodes:
                del self._waiting[room]


class RestoredHub(RoomHub):
    """A hub that appends nothing to a room before its copies were asked for it."""

    def __init__(
        self, domain: str, store: Store, states: RoomStates, clock: Clock, recovery: Recovery
    ) -> None:
        super().__init__(domain, store, states, clock)
        self._recovery = recovery

    @override
    async def append(self, room: bytes, submission: Submission) -> Appended:
        """Append an entry; returns when it is durable."""
        self._recovery.admit(room)
        return await super().append(room, submission)


def _for_hub(tx: ReadTx, peer: str, pull: Pull) -> RoomRows | None:
    room = rooms.load(tx, pull.room)
    if room is None or room.hub != peer:
        return None
    log, size = room_log(pull.room), 0
    found: list[LogRow] = []
    for row in logs.after(tx, log, pull.after, max(1, min(pull.limit, MAX_SERVED))):
        size += len(row.body)
        if found and size > MAX_SERVED_BYTES:
            break
        found.append(row)
    return RoomRows(pull.room, pull.after, tuple(found), logs.head(tx, log))


def _follow(state: HubState, offered: Sequence[LogRow], now_ms: int) -> tuple[list[Followed], str]:
    """Judge rows; what follows from the state, and what is wrong with the first that does not."""
    taken: list[Followed] = []
    for row in offered:
        try:
            followed = follow_row(taken[-1].state if taken else state, row, now_ms)
        except LogGap:
            return taken, "gap"
        except (LogForked, Refused) as error:
            _log.error("a copy of room %s is not this room's: %s", state.room_id.hex(), error)
            return taken, "badChain"
        if isinstance(followed, Followed):
            taken.append(followed)
    return taken, ""


def _keep(tx: Tx, domain: str, before: HubState, taken: Sequence[Followed]) -> None:
    """Store what was taken back, with the readers' windows and the member nodes that it brings."""
    room = before.room_id
    logs.append(tx, room_log(room), before.head, [one.row for one in taken])
    if any(one.keeps_state for one in taken):
        rooms.update(tx, stored(taken[-1].state))
    for one in taken:
        at = one.row.position
        if one.change is not None:
            move_windows(tx, room, one.change, at)
        for effect in one.effects:
            if isinstance(effect, NodeJoined) and effect.node != domain:
                # It has its copy from before the loss; one that lacks it says so and gets a new start.
                rooms.add_node(tx, room, effect.node, at)
                logs.reset_cursor(tx, room_log(room), rooms.peer_reader(effect.node), at)
            elif isinstance(effect, NodeLeft):
                rooms.end_nodes(tx, room, [effect.node], at)

"""Checkpoints at a node: taken from its people's devices, kept, and passed to the room's other nodes.

No hub stands between two member nodes that compare what they were shown (TRUST 5): a node passes the
checkpoints of its own accounts itself, to every node of the room, and takes one only from the node of its
device. What could not be passed waits, also over a restart.
"""

import asyncio
import contextlib
import logging
from functools import partial
from typing import Final

from yurt.identity.errors import RemoteIdentityError
from yurt.identity.location import node_of
from yurt.node.dispatcher import Context, Handlers
from yurt.node.hub.other_nodes import OtherNodes
from yurt.node.hub.problems import no_room
from yurt.node.hub.states import RoomStates
from yurt.node.limiter import Limiter, Rate
from yurt.node.peers.asks import Answerer, Asks
from yurt.node.store import checkpoints
from yurt.node.store.checkpoints import StoredCheckpoint
from yurt.node.store.types import Store, StoreError, Tx
from yurt.node.streams.fanout import Fanout
from yurt.rooms.common.checkpoint import Checkpoint, VerifiedCheckpoint, may_bring, passed_to
from yurt.rooms.common.errors import CheckpointError
from yurt.rooms.hub.state import HubState
from yurt.wire.checkpoint_commands import FetchCheckpoints, GiveCheckpoint, KeptCheckpoints
from yurt.wire.command import Done
from yurt.wire.frames import CheckpointFrame, room_log
from yurt.wire.problems import ProblemError, refuse

GIVE_RATE: Final = Rate(burst=10, every_s=20.0)
"""Of one device for one room; a device signs one a minute at most."""
FIRST_RETRY_S: Final = 2.0
LAST_RETRY_S: Final = 300.0

_log = logging.getLogger(__name__)


class Checkpoints:
    """Keeps checkpoints and passes them on."""

    def __init__(
        self,
        domain: str,
        store: Store,
        states: RoomStates,
        limiter: Limiter,
        others: OtherNodes,
        fanout: Fanout,
    ) -> None:
        self._domain = domain
        self._store = store
        self._states = states
        self._limiter = limiter
        self._others = others
        self._fanout = fanout
        self._bell = asyncio.Event()
        self._nodes: dict[str, asyncio.Task[None]] = {}
        """Nodes to which something is being passed."""
        self._task: asyncio.Task[None] | None = None

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {GiveCheckpoint.name: self.give, FetchCheckpoints.name: self.fetch}

    def asks(self) -> Asks:
        """What other nodes may ask."""
        return {GiveCheckpoint.name: Answerer(GiveCheckpoint, self._brought)}

    def start(self) -> None:
        """Begin to pass on, first what waits since before."""
        self._bell.set()
        self._task = asyncio.create_task(self._run(), name="checkpoints")

    async def stop(self) -> None:
        """End."""
        tasks = [*self._nodes.values(), *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- from the own people ------------------------------------------------------------------------
    async def give(self, context: Context, command: GiveCheckpoint) -> Done:
        """Keep a checkpoint of the calling device and pass it on."""
        who, state = context.who, await self._states.get(command.room)
        if state is None or who.did not in state.standing.people:
            raise no_room()
        verified = _verify(state, command.checkpoint)
        said = verified.checkpoint
        if (said.did, said.device_id) != (who.did, who.device_id) or said.seen.position > state.head:
            raise refuse(
                "badRequest", "a device gives its own word, of what it has seen", rule="checkpointOwner"
            )
        self._limiter.take("checkpoint", f"{who.did} {who.device_id.hex()} {command.room.hex()}", GIVE_RATE)
        nodes = sorted(passed_to(verified, self._domain, state.standing.people.nodes))
        if await self._keep(verified, command.checkpoint, nodes) and nodes:
            self._bell.set()
        return Done()

    async def fetch(self, context: Context, command: FetchCheckpoints) -> KeptCheckpoints:
        """Give the newest checkpoint of each device that is still in the room."""
        who, state = context.who, await self._states.get(command.room)
        if state is None or who.did not in state.standing.people:
            raise no_room()
        people = state.standing.people
        kept = await self._store.read(lambda tx: checkpoints.of_room(tx, command.room))
        gone = [one for one in kept if people.device(one.did, one.device) is None]
        if gone:
            await self._store.write(lambda tx: checkpoints.forget(tx, gone))
        return KeptCheckpoints(tuple(one.body for one in kept if one not in gone))

    # --- from other nodes ---------------------------------------------------------------------------
    async def _brought(self, actor: str, command: GiveCheckpoint) -> Done:
        """Take a checkpoint from the node of its device, and from no other."""
        state = await self._states.get(command.room)
        if state is None or not state.standing.people.by_actor(actor):
            raise no_room()
        verified = _verify(state, command.checkpoint)
        if not may_bring(verified, node_of(actor)):
            raise refuse("notAllowed", "another node brings the checkpoints of its own people only")
        said = verified.checkpoint
        self._limiter.take("checkpoint", f"{said.did} {said.device_id.hex()} {command.room.hex()}", GIVE_RATE)
        await self._keep(verified, command.checkpoint, [])
        return Done()

    async def _keep(self, verified: VerifiedCheckpoint, body: bytes, nodes: list[str]) -> bool:
        said = verified.checkpoint
        new = StoredCheckpoint(
            said.seen.group_id, said.did, said.device_id, verified.member.leaf.actor, said.seen.position, body
        )

        def unit(tx: Tx) -> bool:
            if not checkpoints.put(tx, new):
                return False
            checkpoints.pass_to(tx, new, nodes)
            return True

        kept = await self._store.write(unit)
        if kept:
            self._fanout.tell(room_log(new.room), CheckpointFrame(new.room, body))
        return kept

    # --- to other nodes -----------------------------------------------------------------------------
    async def _run(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            try:
                waiting = await self._store.read(checkpoints.waiting)
            except StoreError:
                _log.warning("checkpoints that wait could not be read; the next one tries again")
                continue
            for node in {node for node, _ in waiting}:
                if node not in self._nodes:
                    task = asyncio.create_task(self._pass(node), name=f"checkpoints to {node}")
                    self._nodes[node] = task
                    task.add_done_callback(partial(self._passed, node))

    def _passed(self, node: str, task: "asyncio.Task[None]") -> None:
        del self._nodes[node]
        if not task.cancelled():
            self._bell.set()  # what came while this one was ending

    async def _pass(self, node: str) -> None:
        """Pass everything that waits for a node, again and again until it is there."""
        delay = FIRST_RETRY_S
        with contextlib.suppress(StoreError):
            while True:
                waiting = await self._store.read(checkpoints.waiting)
                mine = [one for where, one in waiting if where == node]
                if not mine:
                    return
                if await self._pass_all(node, mine):
                    delay = FIRST_RETRY_S
                else:
                    await asyncio.sleep(delay)
                    delay = min(delay * 2, LAST_RETRY_S)

    async def _pass_all(self, node: str, mine: list[StoredCheckpoint]) -> bool:
        """Pass some; False if the node should be left alone for a while."""
        for one in mine:
            try:
                await self._others.ask(
                    node, GiveCheckpoint.name, one.actor, GiveCheckpoint(one.room, one.body), Done
                )
            except ProblemError as error:
                if error.problem.kind.retry:
                    return False
            await self._store.write(partial(checkpoints.passed, node=node, one=one))
        return True


def _verify(state: HubState, body: bytes) -> VerifiedCheckpoint:
    """Read a checkpoint and check that it is of a device of this room.

    Raises:
        ProblemError: `badRequest`; `overloaded` for a device that is not in the room here (yet).
    """
    try:
        checkpoint = Checkpoint.decode(body)
        if checkpoint.seen.group_id != state.room_id:
            raise refuse("badRequest", "the checkpoint is of another room", rule="checkpointRoom")
        return checkpoint.verify(state.standing.people)
    except CheckpointError as error:
        if error.code == "checkpointDevice":  # the commit that adds it may still be on its way
            raise refuse("overloaded", str(error), retry_after=FIRST_RETRY_S, rule=error.code) from None
        raise refuse("badRequest", str(error), rule=error.code) from None
    except RemoteIdentityError as error:
        raise refuse("badRequest", str(error), rule=error.rule) from None

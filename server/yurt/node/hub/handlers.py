"""The commands about rooms: which there are, a new one, and appending, whoever the hub is."""

import os
from typing import Final, Protocol

from yurt.identity.location import MalformedLocation, check_node
from yurt.node.clock import Clock
from yurt.node.dispatcher import Context, Handlers
from yurt.node.hub.append import RoomHub
from yurt.node.hub.create import create_room
from yurt.node.hub.problems import no_room
from yurt.node.hub.states import RoomStates
from yurt.node.store import logs, rooms
from yurt.node.store.types import ReadTx, Store
from yurt.rooms.hub.order import Submission
from yurt.wire import exchange
from yurt.wire.command import Done
from yurt.wire.frames import room_log
from yurt.wire.problems import refuse
from yurt.wire.registry import MAX_COMMIT_SIZE, EntryKind
from yurt.wire.room_commands import Append, Appended, CreateRoom, ListRooms, RoomInfo, Rooms

_ID_SIZE: Final = 16


class OtherHubs(Protocol):
    """The way to hubs that are other nodes (`peers.ports.Submissions`)."""

    async def submit(self, hub: str, submission: exchange.Submission) -> Appended:
        """Have an entry appended by its hub; returns when the hub has made it durable.

        Raises:
            ProblemError: the hub's refusal, or `hubUnreachable` at once when it is down.
        """
        ...


class RoomCommands:
    """Handles the commands about rooms."""

    def __init__(
        self, domain: str, store: Store, states: RoomStates, clock: Clock, hub: RoomHub, others: OtherHubs
    ) -> None:
        self._domain = domain
        self._store = store
        self._states = states
        self._clock = clock
        self._hub = hub
        self._others = others

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {
            ListRooms.name: self.list_rooms,
            CreateRoom.name: self.create,
            Append.name: self.append,
        }

    async def list_rooms(self, context: Context, command: ListRooms) -> Rooms:  # noqa: ARG002  # handlers' shape
        """Rooms in which the calling device has its leaf, as of a position of the inbox."""
        who = context.who

        def query(tx: ReadTx) -> Rooms:
            found = rooms.of_device(tx, who.did, who.device_id)
            infos = (
                RoomInfo(room.room, room.hub, room.start, logs.head(tx, room_log(room.room)), room.epoch)
                for room in found
            )
            return Rooms(tuple(infos), logs.head(tx, logs.inbox_log(who.account)))

        return await self._store.read(query)

    async def create(self, context: Context, command: CreateRoom) -> Done:
        """Open a room here."""
        if len(command.group_info) > MAX_COMMIT_SIZE:
            raise refuse("tooLarge", "a room begins with its creator alone", limit=MAX_COMMIT_SIZE)
        await create_room(
            self._domain, self._store, self._states, self._clock, context.who, command.group_info
        )
        return Done()

    async def append(self, context: Context, command: Append) -> Appended:
        """Append an entry: here, or at the room's hub if that is another node."""
        who = context.who
        state = await self._states.get(command.room)
        if state is not None and who.did not in state.standing.people:
            raise no_room()
        hub = _hub_named(command) if state is None else state.standing.policy.hub
        if hub == self._domain:
            submission = Submission(who.did, command.kind, command.entry, command.group_info, command.welcome)
            return await self._hub.append(command.room, submission)
        if state is not None and self._hub.allowances is not None and command.kind == EntryKind.MESSAGE:
            # What the copy here cannot keep, nobody here could read.
            await self._hub.allowances.check_room(command.room, len(command.entry))
        return await self._others.submit(
            hub,
            exchange.Submission(
                id=os.urandom(_ID_SIZE),
                actor=who.actor,
                room=command.room,
                kind=command.kind,
                entry=command.entry,
                group_info=command.group_info,
                welcome=command.welcome,
                did=who.did,
            ),
        )


def _hub_named(command: Append) -> str:
    """Give the hub that a commit names: who comes back from outside may be where no copy is yet.

    Raises:
        ProblemError: `notFound`.
    """
    try:
        if command.kind == EntryKind.COMMIT:
            return check_node(command.hub)
    except MalformedLocation:
        pass
    raise no_room()

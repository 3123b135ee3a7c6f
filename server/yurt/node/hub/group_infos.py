"""The GroupInfo of a room and its tree, for a device that comes back from outside (TRUST 4, 7).

Only the hub has the GroupInfo of the newest commit, so the own node asks it. It is served to participants
only, and to the node that speaks for one: the node of the actor in their leaf, or in a newer record of
theirs (who moved away has leaves that still name the old one).
"""

from collections.abc import Awaitable
from typing import Final, Protocol

from yurt.identity.did import parse_did
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.location import MalformedLocation, check_node
from yurt.identity.signed_record import VerifiedRecord
from yurt.mls.errors import RemoteMlsError
from yurt.node.dispatcher import Context, Handlers
from yurt.node.hub.problems import no_room
from yurt.node.hub.states import RoomStates
from yurt.node.limiter import Limiter, Rate
from yurt.node.peers.asks import Answerer, Asks
from yurt.node.store import rooms
from yurt.node.store.types import Store
from yurt.rooms.hub.state import HubState
from yurt.wire.command import Answer
from yurt.wire.problems import refuse
from yurt.wire.resync_commands import FetchGroupInfo, GroupInfoFor, RoomGroup

FETCH_RATE: Final = Rate(burst=10, every_s=60.0)
"""Of one person for one room: a tree of 500 leaves is half a megabyte."""


class OtherNodes(Protocol):
    """Asks another node, which is a hub (`yurt.node.peers.links`)."""

    def ask(
        self, node: str, what: str, actor: str, struct: GroupInfoFor, shape: type[RoomGroup]
    ) -> Awaitable[RoomGroup]:
        """Ask for something that is answered at once.

        Raises:
            ProblemError: its refusal, or `peerUnreachable`.
        """
        ...


class Records(Protocol):
    """The person records that this node holds (`yurt.node.people.record_book`)."""

    async def known(self, did: str) -> VerifiedRecord | None:
        """The newest record of somebody."""
        ...


class GroupInfos:
    """Serves GroupInfos, and fetches those of other hubs."""

    def __init__(
        self,
        domain: str,
        store: Store,
        states: RoomStates,
        limiter: Limiter,
        records: Records,
        others: OtherNodes,
    ) -> None:
        self._domain = domain
        self._store = store
        self._states = states
        self._limiter = limiter
        self._records = records
        self._others = others

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {FetchGroupInfo.name: self.fetch}

    async def fetch(self, context: Context, command: FetchGroupInfo) -> Answer:
        """Give a participant of this node what a room's hub has, wherever that is."""
        who = context.who
        state = await self._states.get(command.room)
        hub = state.standing.policy.hub if state is not None else _named(command.hub)
        if hub == self._domain:
            return await self._serve(state, who.did)
        self._limiter.take("group info", f"{who.did} {hub}", FETCH_RATE)
        asked = GroupInfoFor(command.room, who.did)
        return await self._others.ask(hub, FetchGroupInfo.name, who.actor, asked, RoomGroup)

    def asks(self) -> Asks:
        """What other nodes ask here."""
        return {FetchGroupInfo.name: Answerer(GroupInfoFor, self.asked)}

    async def asked(self, actor: str, asked: GroupInfoFor) -> Answer:
        """Answer the node of `actor`; that it is that node is checked by the door."""
        state = await self._states.get(asked.room)
        if state is None or not await self.speaks_for(state, actor, asked.did):
            raise no_room()
        return await self._serve(state, asked.did)

    async def speaks_for(self, state: HubState, actor: str, did: str) -> bool:
        """Tell whether an actor is a participant: by a leaf of theirs, or by their newest record."""
        if did in state.standing.people.by_actor(actor):
            return True
        if did not in state.standing.people:
            return False
        try:
            record = await self._records.known(parse_did(did))
        except RemoteIdentityError:
            return False
        return record is not None and record.record.actor == actor

    async def _serve(self, state: HubState | None, did: str) -> RoomGroup:
        if state is None or did not in state.standing.people or state.standing.policy.hub != self._domain:
            raise no_room()
        room = state.room_id
        self._limiter.take("group info", f"{did} {room.hex()}", FETCH_RATE)
        group_info = await self._store.read(lambda tx: rooms.group_info(tx, room))
        try:
            state.public.check_group_info(group_info)
        except RemoteMlsError:
            # The room moves on this moment, or it is of a release that kept none.
            raise refuse("overloaded", "the room is changing: try again", retry_after=1.0) from None
        return RoomGroup(group_info, state.public.tree.encode())


def _named(hub: str) -> str:
    try:
        return check_node(hub)
    except MalformedLocation:
        raise no_room() from None

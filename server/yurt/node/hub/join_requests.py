"""Requests to join by link, at the hub: checked at the door, kept, lent to whoever may add (TRUST 6).

::

    joiner -> own node -> hub: ask_to_join      kept; `ringing` wakes one device in the room
    that device -> own node -> hub: take_requests    lent up to a hundred, for 15 s
    that device -> hub: append(commit)          those who are in the room are forgotten
    joiner, woken -> ask_to_join again          "joined", or that the link leads nowhere any more

Everything may be asked again: after a lost answer, a restart of either side, a lease that ran out.
"""

from dataclasses import dataclass
from typing import Final

from yurt.identity.did import Did
from yurt.identity.location import MalformedLocation, check_node, node_of
from yurt.node.clock import Clock
from yurt.node.dispatcher import Context, Handlers
from yurt.node.hub.link_blobs import no_link
from yurt.node.hub.other_nodes import OtherNodes
from yurt.node.hub.problems import no_room
from yurt.node.hub.ringing import Ringing
from yurt.node.hub.states import RoomStates
from yurt.node.limiter import Limiter, Rate
from yurt.node.peers.asks import Answerer, Asks
from yurt.node.store import join_requests
from yurt.node.store.types import ReadTx, Store, Tx
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.join_proof import JoinProof
from yurt.rooms.common.join_request import MAX_REQUEST_SIZE, JoinRequest
from yurt.rooms.common.room_change import Device
from yurt.rooms.common.rules import Rule
from yurt.rooms.hub.requests import KEPT_MS, Waiting, admit, lend, still_waiting
from yurt.rooms.hub.state import HubState
from yurt.wire.link_commands import (
    JOINED,
    WAITING,
    Asked,
    AskToJoin,
    LentRequests,
    TakeForDevice,
    TakeRequests,
)
from yurt.wire.problems import ProblemError, refuse

MAX_WAITING: Final = 1_000
"""Requests that wait for one room ..."""
MAX_OF_LINK: Final = 50
"""... by one link, or three for each of its uses ..."""
MAX_OF_NODE: Final = 100
"""... and from one other node, or one for each use: whoever found a link can mint as many people as they
like, and must not shut out those who come by another, or from elsewhere."""
ASK_RATE: Final = Rate(burst=30, every_s=10.0)
_PLAIN: Final = {
    Rule.INVITE_EXPIRED: "this link has expired: ask for a new one",
    Rule.ROOM_FULL: "the room is full",
    Rule.TOO_MANY_DEVICES: "you have as many devices in that room as a person may have",
    Rule.ACTOR_TAKEN: "somebody else in that room has your address: ask them to remove the old one",
    Rule.BELOW_FLOOR: "this device was revoked",
    Rule.LEAF_EXPIRED: "this device's certificates are not valid now: check this computer's clock",
}
"""What somebody is told whose proof is good; everything else is `no_link`."""


class JoinRequests:
    """Takes requests to join, and lends them."""

    def __init__(
        self,
        domain: str,
        store: Store,
        states: RoomStates,
        clock: Clock,
        limiter: Limiter,
        others: OtherNodes,
        ringing: Ringing,
    ) -> None:
        self._domain = domain
        self._store = store
        self._states = states
        self._clock = clock
        self._limiter = limiter
        self._others = others
        self._ringing = ringing

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {AskToJoin.name: self.ask, TakeRequests.name: self.take}

    def asks(self) -> Asks:
        """What other nodes may ask."""
        return {
            AskToJoin.name: Answerer(AskToJoin, self._asked),
            TakeRequests.name: Answerer(TakeForDevice, self._taken),
        }

    async def ask(self, context: Context, command: AskToJoin) -> Asked:
        """Bring a request to the hub, which may be this node."""
        who = context.who
        if command.hub == self._domain:
            return await self._asked(who.actor, command)
        try:
            hub = check_node(command.hub)
        except MalformedLocation as error:
            raise refuse("badRequest", str(error)) from error
        return await self._others.ask(hub, AskToJoin.name, who.actor, command, Asked)

    async def take(self, context: Context, command: TakeRequests) -> LentRequests:
        """Lend requests to the calling device: from here, or from the room's hub."""
        who, state = context.who, await self._states.get(command.room)
        if state is None or state.standing.people.device(who.did, who.device_id) is None:
            raise no_room()
        hub = state.standing.policy.hub
        if hub == self._domain:
            return await self._lend(state, Device(Did(who.did), who.device_id))
        asked = TakeForDevice(command.room, who.device_id)
        return await self._others.ask(hub, TakeRequests.name, who.actor, asked, LentRequests)

    # --- at the hub ---------------------------------------------------------------------------------
    async def _asked(self, actor: str, command: AskToJoin) -> Asked:
        self._limiter.take("ask to join", actor, ASK_RATE)
        if len(command.request) > MAX_REQUEST_SIZE:
            raise refuse("tooLarge", "the request to join is too large", limit=MAX_REQUEST_SIZE)
        state, now_ms = await self._states.get(command.room), self._clock.now_ms()
        if state is None or state.standing.policy.hub != self._domain:
            raise no_link()
        try:
            request = JoinRequest.decode(command.request)
            if _is_inside(state, request, actor):
                return Asked(JOINED)  # also when the link is used up by now: their Welcome is on its way
            waiting = admit(request, state, now_ms)
        except Refused as error:
            raise _refusal(error) from error
        if waiting.actor != actor:
            raise no_link()  # the request is somebody else's
        bounds = _bounds(state, waiting, self._domain)
        since = await self._store.write(lambda tx: _put(tx, command.room, waiting, bounds))
        self._ringing.begin(command.room)
        return Asked(WAITING, since + KEPT_MS)

    async def _taken(self, actor: str, asked: TakeForDevice) -> LentRequests:
        state = await self._states.get(asked.room)
        if state is None or state.standing.policy.hub != self._domain:
            raise no_room()
        people = state.standing.people
        for did in people.by_actor(actor):
            if people.device(did, asked.device_id) is not None:
                return await self._lend(state, Device(did, asked.device_id))
        raise no_room()

    async def _lend(self, state: HubState, to: Device) -> LentRequests:
        now_ms = self._clock.now_ms()
        if not self._ringing.is_waiting(state.room_id):
            return LentRequests()

        def unit(tx: Tx) -> tuple[Waiting, ...]:
            rows = still_waiting(join_requests.requests(tx, state.room_id), state.standing, now_ms)
            again = tuple(row for row in rows if row.lent_to == to and not row.is_free(now_ms))
            if again:
                return again  # the answer was lost, or it asks too early
            lent = lend(rows, (to,), now_ms)
            join_requests.lend_requests(tx, state.room_id, lent)
            return lent

        lent = await self._store.write(unit)
        if not lent:
            return LentRequests()
        self._ringing.look(state.room_id)
        return LentRequests(tuple(one.request.encode() for one in lent), min(one.lent_until for one in lent))


def _is_inside(state: HubState, request: JoinRequest, actor: str) -> bool:
    """Whether the device that asks has its leaf already; only its own account is told."""
    proof = JoinProof.decode(request.proof)
    member = state.standing.people.device(proof.did, proof.device_id)
    return member is not None and member.leaf.actor == actor


@dataclass(frozen=True, slots=True)
class _Bounds:
    """How many may wait beside somebody."""

    of_link: int
    node: str
    """Whose people are counted; empty: nobody's."""
    of_node: int


def _bounds(state: HubState, waiting: Waiting, domain: str) -> _Bounds:
    invite, node = state.standing.policy.invite(waiting.invite_pub), node_of(waiting.actor)
    uses = invite.uses_left if invite else 0
    return _Bounds(max(MAX_OF_LINK, 3 * uses), "" if node == domain else node, max(MAX_OF_NODE, uses))


def _is_full(tx: ReadTx, room: bytes, invite_pub: bytes, bounds: _Bounds) -> bool:
    count = join_requests.count_requests(tx, room, invite_pub, bounds.node)
    return (
        count.of_room >= MAX_WAITING
        or count.of_link >= bounds.of_link
        or (bool(bounds.node) and count.of_node >= bounds.of_node)
    )


def _put(tx: Tx, room: bytes, waiting: Waiting, bounds: _Bounds) -> int:
    """Keep a request; returns since when it waits."""
    device = waiting.device
    known = join_requests.request(tx, room, device.did, device.device_id)
    if known is not None and waiting.since - known.since >= KEPT_MS:
        join_requests.drop_requests(tx, room, [device])
        known = None
    if known is None and _is_full(tx, room, waiting.invite_pub, bounds):
        raise refuse("tooMany", "too many people ask to join this room now: try again", retry_after=60.0)
    join_requests.put_request(tx, room, waiting)
    return known.since if known else waiting.since


def _refusal(error: Refused) -> ProblemError:
    text = _PLAIN.get(error.rule)
    return no_link() if text is None else refuse("refused", text, rule=error.code)

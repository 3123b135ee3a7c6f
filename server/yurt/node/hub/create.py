"""Opening a room whose hub is this node."""

import asyncio

from yurt.identity.location import node_of
from yurt.node.clock import Clock
from yurt.node.dispatcher import Caller
from yurt.node.hub.problems import room_problem
from yurt.node.hub.states import RoomStates, stored
from yurt.node.store import rooms
from yurt.node.store.types import Store, Tx
from yurt.rooms.common.errors import RemoteRoomError
from yurt.rooms.hub.open_room import open_room
from yurt.rooms.hub.state import HubState
from yurt.wire.position import START
from yurt.wire.problems import refuse


async def create_room(
    domain: str, store: Store, states: RoomStates, clock: Clock, caller: Caller, group_info: bytes
) -> HubState:
    """Open a room; the same request again (its answer was lost) changes nothing.

    Args:
        domain: This node's name, which the room's policy must name as the hub.
        store: Keeps the room.
        states: Gets the new state.
        clock: The hub's clock.
        caller: Who creates it: the room's one leaf is this device.
        group_info: GroupInfo of epoch 0 with its tree.

    Raises:
        ProblemError: `refused`, with the rule.
    """
    try:
        state = await asyncio.to_thread(
            open_room, group_info, hub=domain, did=caller.did, now_ms=clock.now_ms()
        )
    except RemoteRoomError as error:
        raise room_problem(error) from error
    leaf = state.standing.people.members[0].leaf
    if leaf.device_id != caller.device_id or node_of(leaf.actor) != domain:
        raise refuse("refused", "the room's first leaf is another device's", rule="notYours")

    def unit(tx: Tx) -> bool:
        if rooms.insert(tx, stored(state), group_info):
            rooms.open_windows(tx, state.room_id, [(caller.did, caller.device_id)], START)
            return True
        return rooms.group_info(tx, state.room_id) == group_info

    if not await store.write(unit):
        raise refuse("refused", "there is a room of this id already", rule="roomNotNew")
    if await states.get(state.room_id) is None:
        raise AssertionError("the room was stored")
    return state

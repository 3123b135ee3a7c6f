"""Rooms in a move: the device keeps its leaves and names the new actor; after a rescue it comes from outside.

A credential changes by an own path commit that carries the record which names the new actor (TRUST 2). It
goes through the old node, which serves the room still; the hub then makes the new node a member node. What
cannot be reached now is named in the receipt: the old leaf stays valid, and a resync mends it.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.moving.home import Ask
from yurt.client.rooms.commit import Committer
from yurt.client.rooms.heal import Healer
from yurt.client.vault import rooms
from yurt.mls.group import Group
from yurt.mls.policy import judged_by_caller
from yurt.mls.staging import StagedCommit
from yurt.portability.kit_room import KitRoom, decode_rooms
from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.participants import verified_leaf
from yurt.wire.problems import ProblemError
from yurt.wire.room_commands import ListRooms, Rooms

SERVED_S: Final = 20.0
_POLL_S: Final = 0.1
CONNECTED_S: Final = 2.0


async def rename(
    core: Core, committer: Committer, ids: Iterable[bytes], actor: str, record: bytes
) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
    """Let this device's leaf in each room name the new actor; returns the rooms that did, and notes."""
    kept: list[bytes] = []
    notes: list[str] = []
    if not await core.session.wait_connected(CONNECTED_S):
        return (), ("the old node did not answer: rooms are entered from the new one",)
    for room in ids:
        found = await core.vault.read(partial(rooms.find, room=room))
        if found is None or found.state != "active":
            continue
        try:
            async with core.lock(room):
                await committer.commit(room, "leaf", _Rename(core, room, actor, record).stage)
            kept.append(room)
        except ProblemError as error:
            notes.append(f"the room {found.name} was not taken along: {error.problem.message}")
    return tuple(kept), tuple(notes)


async def wait_served(ask: Ask, kept: Iterable[bytes]) -> None:
    """Wait until the new node serves the rooms, or for a while: its copies are on their way."""
    wanted, loop = set(kept), asyncio.get_running_loop()
    deadline = loop.time() + SERVED_S
    while wanted and loop.time() < deadline:
        wanted -= {info.room for info in (await ask(ListRooms(), Rooms)).rooms}
        if wanted:
            await asyncio.sleep(_POLL_S)


def cards(encoded: Iterable[bytes]) -> list[KitRoom]:
    """Read the kit's cards of rooms as the move keeps them."""
    return [card for one in encoded for card in decode_rooms(one)]


async def mend(core: Core, healer: Healer, ids: Iterable[bytes]) -> tuple[bytes, ...]:
    """Enter rooms from outside that the old node could not serve any more; returns those that let us in."""
    kept: list[bytes] = []
    for room in ids:
        found = await core.vault.read(partial(rooms.find, room=room))
        if found is None or found.state not in ("active", "stopped"):
            continue
        try:
            await healer.resync(room)
            kept.append(room)
        except ProblemError:
            continue  # said in the room, and in the receipt
    return tuple(kept)


class _Rename:
    """The intent: our leaf names the new actor."""

    def __init__(self, core: Core, room: bytes, actor: str, record: bytes) -> None:
        self._core = core
        self._room = room
        self._actor = actor
        self._record = record

    def stage(self, tx: Connection, group: Group) -> StagedCommit | None:
        """Stage the commit, unless it was done before."""
        del tx
        core = self._core
        if verified_leaf(group.tree.leaf(group.own_index)).actor == self._actor:
            return None
        device = replace(core.device, actor=self._actor)
        data = CommitData(core.clock.now_ms(), (self._record,)).encode()
        leaf = device.room_leaf(self._room, core.now_s)
        # MLS keeps credentials unless the application says otherwise; the judge does, given the record.
        return group.stage_commit(
            leaf=leaf, force_path=True, authenticated_data=data, policy=judged_by_caller
        )

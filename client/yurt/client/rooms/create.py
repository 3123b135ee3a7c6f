"""Opening a room whose hub is the own node.

The group is made first and kept as ``creating``; the room exists once the hub has it. If the answer is
lost, the same bytes are offered again, and the hub knows them.
"""

import os
from dataclasses import replace

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.rooms.leaves import SLOW_CLOCK_S, SUITE
from yurt.client.rooms.send import store_name
from yurt.client.vault import cursors, rooms
from yurt.client.vault.mls_store import VaultGroupStore
from yurt.client.vault.rooms import RoomRow
from yurt.identity.did import Did
from yurt.mls.group import Group
from yurt.mls.leaf_node import Lifetime
from yurt.rooms.common.card import RoomCard
from yurt.rooms.common.content import CONTENT_ID_SIZE
from yurt.rooms.common.errors import ContentError
from yurt.rooms.common.history import ALL
from yurt.rooms.common.log_copy import LogCopy
from yurt.rooms.common.policy import RoomPolicy
from yurt.rooms.common.room import room_extensions
from yurt.wire.command import Done
from yurt.wire.frames import room_log
from yurt.wire.position import START
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.registry import LEAF_LIFETIME_S
from yurt.wire.room_commands import CreateRoom


async def create_room(core: Core, name: str, room: bytes) -> None:
    """Open a room; when this returns the hub has it.

    Raises:
        ProblemError: The name is too long, or the node refuses; nothing is left of it. If the node cannot
            be reached, nothing is left either.
    """
    try:
        RoomCard(name)
    except ContentError as error:
        raise refuse("badRequest", str(error)) from None
    async with core.lock(room):
        await core.write(lambda tx: _begin(core, tx, name, room))
        try:
            await finish(core, room)
        except ProblemError:
            await core.write(lambda tx: _give_up(core, tx, room))
            raise


async def finish(core: Core, room: bytes) -> None:
    """Offer a room that is still ``creating`` to the hub; a room that is there already is left alone.

    The caller holds the room's lock.

    Raises:
        ProblemError: See `create_room`.
    """
    found = await core.vault.read(lambda tx: rooms.find(tx, room))
    if found is None or found.state != "creating":
        return
    group_info = await core.write(lambda tx: core.groups.load(tx, room).group_info(with_tree=True))
    await core.session.call(CreateRoom(group_info), Done)
    await core.write(lambda tx: _done(core, tx, room))
    await core.session.follow(room_log(room))


def _begin(core: Core, tx: Connection, name: str, room: bytes) -> None:
    if rooms.find(tx, room) is not None:
        return
    device, begin = core.device, core.now_s - SLOW_CLOCK_S
    # Whoever invites chooses what a joiner is given, and gives nothing unless they say so.
    policy = replace(RoomPolicy.first(core.account.node, room, Did(device.did)), history=ALL)
    group = Group.create(
        VaultGroupStore(tx),
        SUITE,
        room,
        device.joining_leaf(core.now_s),
        extensions=room_extensions(policy),
        lifetime=Lifetime(begin, begin + LEAF_LIFETIME_S),
    )
    core.groups.keep(group)
    people = ((device.did, device.actor),)
    rooms.insert(tx, RoomRow(room, name, "", core.account.node, "creating", people=people))
    cursors.save(tx, room_log(room), LogCopy(START, room))


def _done(core: Core, tx: Connection, room: bytes) -> None:
    found = rooms.find(tx, room)
    if found is not None and found.state == "creating":
        found = replace(found, state="active")
        rooms.update(tx, found)
        store_name(tx, core.device, found, os.urandom(CONTENT_ID_SIZE), found.name)


def _give_up(core: Core, tx: Connection, room: bytes) -> None:
    found = rooms.find(tx, room)
    if found is not None and found.state == "creating":
        core.groups.forget(tx, room)
        rooms.delete(tx, room)
        cursors.delete(tx, room_log(room))

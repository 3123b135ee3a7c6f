"""This device's own leaf in a room: from ``use = 1``, which may read, to ``use = 2``, which may speak.

The first commit of this device brings the new leaf along, whatever else it does; if it speaks first, a path
commit goes before the message (TRUST 2). After 7 days or 500 contents, such a commit brings another one.
"""

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.rooms.commit import Committer
from yurt.client.rooms.leaves import SLOW_CLOCK_S
from yurt.client.vault import own_leaves, rooms
from yurt.identity.leaf import LeafUse
from yurt.mls.group import Group
from yurt.mls.key_package_bundle import OwnLeaf
from yurt.mls.staging import StagedCommit
from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.participants import verified_leaf


def is_joining(group: Group) -> bool:
    """Tell whether our leaf may only read so far."""
    return verified_leaf(group.tree.leaf(group.own_index)).use is LeafUse.JOINING


def is_outdated(core: Core, group: Group) -> bool:
    """Tell whether our leaf's certificate was issued anew since: the room's floor may be above it."""
    leaf = verified_leaf(group.tree.leaf(group.own_index))
    return leaf.record_seq < core.device.certificate.record_seq


def renewed_leaf(core: Core, group: Group) -> OwnLeaf | None:
    """Give the leaf that our next commit must bring; None if the present one is the room's already."""
    if not is_joining(group) and not is_outdated(core, group):
        return None
    return core.device.room_leaf(group.group_id, core.now_s)


def commit_data(core: Core) -> bytes:
    """Give the authenticated data of a commit made now."""
    return CommitData(core.clock.now_ms()).encode()


async def make_room_leaf(core: Core, committer: Committer, room: bytes) -> None:
    """Commit a path with a new room leaf, if ours is still a joining one, or worn out.

    The caller holds the room's lock.

    Raises:
        ProblemError: See `Committer.commit`.
    """

    def stage(tx: Connection, group: Group) -> StagedCommit | None:
        due = own_leaves.is_due(tx, room, core.now_s) or is_outdated(core, group)
        if not is_joining(group) and not due:
            return None
        leaf = core.device.room_leaf(room, core.now_s)
        return group.stage_commit(leaf=leaf, force_path=True, authenticated_data=commit_data(core))

    await committer.commit(room, "leaf", stage)
    await core.write(lambda tx: _note(core, tx, room))


def _note(core: Core, tx: Connection, room: bytes) -> None:
    """Remember since when the present leaf serves, whichever commit brought it."""
    found = rooms.find(tx, room)
    if found is None or found.state != "active":
        return
    group = core.groups.load(tx, room)
    leaf = group.tree.leaf(group.own_index)
    own_leaves.note(tx, room, leaf.signature_key, verified_leaf(leaf).not_before + SLOW_CLOCK_S)

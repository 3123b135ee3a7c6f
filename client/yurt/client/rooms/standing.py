"""Who is in a room with which role, and the commits that change it: removing somebody, giving a role.

Each commit is judged here as everybody will judge it (`yurt.rooms.common.judge`), before it goes out; that
it happened is told by the log alone, as a line of the roster.
"""

from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.api import ParticipantView, RoleName
from yurt.client.core import Core
from yurt.client.rooms.commit import Committer, Stage
from yurt.client.rooms.groups import Groups
from yurt.client.rooms.own_leaf import commit_data, renewed_leaf
from yurt.client.rooms.send import open_room
from yurt.client.vault import people, rooms
from yurt.client.vault.accounts import address_of
from yurt.client.vault.rooms import RoomRow
from yurt.identity.did import Did
from yurt.mls.extensions import Extension
from yurt.mls.group import Group
from yurt.mls.staging import StagedCommit
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.judge import judge
from yurt.rooms.common.judged import Judged
from yurt.rooms.common.participants import Standing
from yurt.rooms.common.policy import Role, RoomPolicy
from yurt.rooms.common.policy_changes import with_role, without
from yurt.rooms.common.room import read_room
from yurt.wire.problems import refuse
from yurt.wire.registry import ROOM_POLICY_EXTENSION

_NAMES: Final[dict[Role, RoleName]] = {
    Role.MEMBER: "member",
    Role.MODERATOR: "moderator",
    Role.ADMIN: "admin",
    Role.OWNER: "owner",
}
_ROLES: Final = {name: role for role, name in _NAMES.items()}


def participants(tx: Connection, groups: Groups, room: bytes) -> list[ParticipantView]:
    """List who is in a room, own first; of a room that ended, who was."""
    found = rooms.find(tx, room)
    if found is None:
        raise refuse("notFound", "there is no such room here: `yurt rooms` lists them")
    standing = _standing(groups.load(tx, room)) if found.state != "removed" else None
    return [_view(tx, found, standing, Did(did), actor) for did, actor in found.people]


async def remove(core: Core, committer: Committer, room: bytes, address: str) -> None:
    """Remove all devices of a person from a room; what was said before stays with them.

    Raises:
        ProblemError: Not in the room, not allowed, or it cannot be reached.
    """

    def stage(tx: Connection, group: Group) -> StagedCommit | None:
        standing = _standing(group)
        did = _find(tx, standing, address)
        if did == core.account.did:
            raise refuse("badRequest", "nobody removes themselves: leaving is something else")
        policy = without(standing.policy, (did,))
        gone = [member.index for member in standing.people.of(did)]
        return _staged(core, group, standing.policy, policy, gone)

    await _commit(core, committer, room, "remove", stage)


async def set_role(core: Core, committer: Committer, room: bytes, address: str, role: RoleName) -> None:
    """Give a participant a role.

    Raises:
        ProblemError: Not in the room, not allowed, or it cannot be reached.
    """

    def stage(tx: Connection, group: Group) -> StagedCommit | None:
        standing = _standing(group)
        policy = with_role(standing.policy, _find(tx, standing, address), _ROLES[role])
        return None if policy == standing.policy else _staged(core, group, standing.policy, policy, [])

    await _commit(core, committer, room, "role", stage)


async def _commit(core: Core, committer: Committer, room: bytes, intent: str, stage: Stage) -> None:
    await core.vault.read(lambda tx: open_room(tx, room))
    async with core.lock(room):
        await committer.commit(room, intent, stage)


def _staged(
    core: Core, group: Group, before: RoomPolicy, after: RoomPolicy, removes: list[int]
) -> StagedCommit:
    """Stage a commit that every member would take.

    Raises:
        ProblemError: They would not; the transaction is rolled back, and the commit with it.
    """
    try:
        extensions = _with_policy(group, after) if after != before else None
        staged = group.stage_commit(
            removes=removes,
            extensions=extensions,
            leaf=renewed_leaf(core, group),
            force_path=True,
            authenticated_data=commit_data(core),
        )
        judge(staged.change, Judged(after.term, 0, core.clock.now_ms()))
    except Refused as error:
        raise refuse("notAllowed", f"the room does not allow it: {error}", rule=error.code) from None
    return staged


def _with_policy(group: Group, policy: RoomPolicy) -> tuple[Extension, ...]:
    kept = (e for e in group.context.extensions if e.extension_type != ROOM_POLICY_EXTENSION)
    return (*kept, Extension(ROOM_POLICY_EXTENSION, policy.encode()))


def _standing(group: Group) -> Standing:
    return read_room(group.context.extensions, group.tree)


def _find(tx: Connection, standing: Standing, address: str) -> Did:
    """Find the participant who is meant: the one pinned under the address goes before any other."""
    pin = people.by_address(tx, address)
    if pin is not None and pin.did in standing.people:
        return Did(pin.did)
    found = [m.did for m in standing.people.members if address_of(m.leaf.actor) == address]
    if not found:
        raise refuse("notFound", f"{address} is not in this room: `yurt participants` lists who is")
    return found[0]


def _view(tx: Connection, room: RoomRow, standing: Standing | None, did: Did, actor: str) -> ParticipantView:
    pin = people.by_did(tx, did)
    return ParticipantView(
        address=pin.address if pin else address_of(actor),
        did=did,
        role=_NAMES[standing.role(did)] if standing else "member",
        devices=len(standing.people.of(did)) if standing else 0,
        own=did == room.people[0][0],
        verified=people.is_verified(tx, did),
    )

"""Who is in a room with which role, and the commits that change it: removing somebody, giving a role.

Each commit is judged here as everybody will judge it (`yurt.rooms.common.judge`), before it goes out; that
it happened is told by the log alone, as a line of the roster.
"""

from collections.abc import Sequence
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.api import ParticipantView, RoleName
from yurt.client.core import Core
from yurt.client.rooms.commit import Committer, Stage
from yurt.client.rooms.groups import Groups
from yurt.client.rooms.own_leaf import commit_data, renewed_leaf
from yurt.client.rooms.send import open_room
from yurt.client.vault import addresses, blocked, people, read_by, rooms
from yurt.client.vault.accounts import address_of
from yurt.client.vault.rooms import RoomRow
from yurt.identity.did import Did
from yurt.mls.errors import RemoteMlsError
from yurt.mls.extensions import Extension
from yurt.mls.group import Group
from yurt.mls.staging import StagedCommit
from yurt.rooms.common.card import RoomCard
from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.join_request import Applicant
from yurt.rooms.common.judge import judge
from yurt.rooms.common.judged import Judged
from yurt.rooms.common.participants import Standing
from yurt.rooms.common.policy import Role, RoomPolicy
from yurt.rooms.common.policy_changes import with_ban, with_role, without, without_ban
from yurt.rooms.common.room import read_room
from yurt.wire.position import START, Position
from yurt.wire.problems import refuse
from yurt.wire.registry import ROOM_CARD_EXTENSION, ROOM_POLICY_EXTENSION

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
    standing = standing_of(groups.load(tx, room)) if found.state != "removed" else None
    dids = blocked.load(tx).dids
    return [
        _view(tx, found, standing, Did(did), actor, is_blocked=did in dids) for did, actor in found.people
    ]


async def remove(core: Core, committer: Committer, room: bytes, address: str) -> None:
    """Remove all devices of a person from a room; what was said before stays with them.

    Raises:
        ProblemError: Not in the room, not allowed, or it cannot be reached.
    """

    def stage(tx: Connection, group: Group) -> StagedCommit | None:
        standing = standing_of(group)
        did = find_participant(tx, standing, address)
        if did == core.account.did:
            raise refuse("badRequest", "nobody removes themselves: leaving is something else")
        policy = without(standing.policy, (did,))
        gone = [member.index for member in standing.people.of(did)]
        return staged(core, group, standing.policy, policy, gone)

    await commit(core, committer, room, "remove", stage)


async def set_role(core: Core, committer: Committer, room: bytes, address: str, role: RoleName) -> None:
    """Give a participant a role.

    Raises:
        ProblemError: Not in the room, not allowed, or it cannot be reached.
    """

    def stage(tx: Connection, group: Group) -> StagedCommit | None:
        standing = standing_of(group)
        policy = with_role(standing.policy, find_participant(tx, standing, address), _ROLES[role])
        return None if policy == standing.policy else staged(core, group, standing.policy, policy, [])

    await commit(core, committer, room, "role", stage)


async def ban(core: Core, committer: Committer, room: bytes, did: Did, address: str) -> None:
    """Ban somebody, and remove all their devices in the same commit.

    Raises:
        ProblemError: Not allowed, or the room cannot be reached.
    """
    if did == core.account.did:
        raise refuse("badRequest", "nobody bans themselves: `yurt leave` is something else")

    def stage(tx: Connection, group: Group) -> StagedCommit | None:  # noqa: ARG001  # a stage's shape
        standing = standing_of(group)
        policy = with_ban(standing.policy, did)
        if policy == standing.policy:
            raise refuse("badRequest", f"{address} is banned already")
        gone = [member.index for member in standing.people.of(did)]
        return staged(core, group, standing.policy, policy, gone)

    await commit(core, committer, room, "ban", stage)


async def unban(core: Core, committer: Committer, room: bytes, did: Did, address: str) -> None:
    """Let somebody be invited again.

    Raises:
        ProblemError: They are not banned, not allowed, or the room cannot be reached.
    """

    def stage(tx: Connection, group: Group) -> StagedCommit | None:  # noqa: ARG001  # a stage's shape
        standing = standing_of(group)
        policy = without_ban(standing.policy, did)
        if policy == standing.policy:
            raise refuse("notFound", f"{address} is not banned from this room")
        return staged(core, group, standing.policy, policy, [])

    await commit(core, committer, room, "unban", stage)


async def commit(core: Core, committer: Committer, room: bytes, intent: str, stage: Stage) -> None:
    """Bring an intent into a room that can be written to.

    Raises:
        ProblemError: It cannot, or see `Committer.commit`.
    """
    await core.vault.read(lambda tx: open_room(tx, room))
    async with core.lock(room):
        await committer.commit(room, intent, stage)


def staged(
    core: Core,
    group: Group,
    before: RoomPolicy,
    after: RoomPolicy,
    removes: Sequence[int] = (),
    *,
    joins: Sequence[Applicant] = (),
    references: Sequence[bytes] = (),
    card: RoomCard | None = None,
) -> StagedCommit:
    """Stage a commit that every member would take.

    Args:
        core: The engine's ground.
        group: The room's group.
        before: Its policy.
        after: The policy that the commit brings.
        removes: Leaves that go.
        joins: Whom it adds by link.
        references: Proposals of people who leave.
        card: What those who come learn of the room.

    Raises:
        ProblemError: They would not; the transaction is rolled back, and the commit with it.
    """
    proofs = tuple(each.request.proof for each in joins)
    data = CommitData(core.clock.now_ms(), join_proofs=proofs).encode() if proofs else commit_data(core)
    try:
        change = group.stage_commit(
            adds=[each.package for each in joins],
            removes=removes,
            references=references,
            extensions=_with_policy(group, after) if after != before else None,
            leaf=renewed_leaf(core, group),
            force_path=True,
            authenticated_data=data,
            welcome_extensions=() if card is None else (Extension(ROOM_CARD_EXTENSION, card.encode()),),
        )
        judge(change.change, Judged(after.term, 0, core.clock.now_ms()))
    except Refused as error:
        raise refuse("notAllowed", f"the room does not allow it: {error}", rule=error.code) from None
    except RemoteMlsError as error:
        raise refuse("notAllowed", f"the room cannot take it: {error}", rule=error.rule) from None
    return change


def _with_policy(group: Group, policy: RoomPolicy) -> tuple[Extension, ...]:
    kept = (e for e in group.context.extensions if e.extension_type != ROOM_POLICY_EXTENSION)
    return (*kept, Extension(ROOM_POLICY_EXTENSION, policy.encode()))


def standing_of(group: Group) -> Standing:
    """Tell who may do what in a group's epoch."""
    return read_room(group.context.extensions, group.tree)


def find_participant(tx: Connection, standing: Standing, address: str) -> Did:
    """Find the participant who is meant: the one pinned under the address goes before any other."""
    pin = people.by_address(tx, address)
    if pin is not None and pin.did in standing.people:
        return Did(pin.did)
    found = [m.did for m in standing.people.members if address_of(m.leaf.actor) == address]
    if not found:
        raise refuse("notFound", f"{address} is not in this room: `yurt participants` lists who is")
    return found[0]


def _view(
    tx: Connection, room: RoomRow, standing: Standing | None, did: Did, actor: str, *, is_blocked: bool
) -> ParticipantView:
    return ParticipantView(
        address=addresses.shown(tx, did, actor),
        did=did,
        role=_NAMES[standing.role(did)] if standing else "member",
        devices=len(standing.people.of(did)) if standing else 0,
        own=did == room.people[0][0],
        verified=people.is_verified(tx, did),
        blocked=is_blocked,
        read=_read(tx, room.room, did),
    )


def _read(tx: Connection, room: bytes, did: Did) -> Position | None:
    position = read_by.of(tx, room, did)
    return None if position == START else position

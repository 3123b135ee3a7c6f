"""Every room as the own record says: each listed device has a leaf, no revoked one has (TRUST 2, 3).

What is still to be done is read from the room and the record, never remembered: whoever of a person's devices
looks next finishes it, after any crash. Adding an own device is always allowed; a revocation carries the
record and raises the room's floor, in the same commit. Somebody else's revocation is carried out by anybody,
if their own devices have not.
"""

from dataclasses import dataclass

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.devices.own_record import own_record
from yurt.client.people import Met
from yurt.client.rooms.commit import Committer, Stage
from yurt.client.rooms.invite import verify_packages
from yurt.client.rooms.own_leaf import renewed_leaf
from yurt.client.vault import leavings, link_makers, people, rooms
from yurt.client.vault.people import Pin
from yurt.client.vault.rooms import RoomRow
from yurt.identity.leaf import verify_leaf
from yurt.identity.signed_record import SignedRecord, VerifiedRecord, verify_record
from yurt.mls.extensions import Extension
from yurt.mls.group import Group
from yurt.mls.key_package import KeyPackage
from yurt.mls.staging import StagedCommit
from yurt.rooms.common.card import RoomCard
from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.judge import judge
from yurt.rooms.common.judged import Judged
from yurt.rooms.common.policy import RoomPolicy
from yurt.rooms.common.policy_changes import without
from yurt.rooms.common.revocation import revocation_of
from yurt.rooms.common.room import read_room
from yurt.wire.device_commands import OwnKeyPackages, TakeOwnKeyPackages
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.registry import ROOM_CARD_EXTENSION, ROOM_POLICY_EXTENSION


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a room still needs."""

    missing: tuple[bytes, ...]
    """Ids of listed devices without a leaf."""
    revoked: bool
    """Whether a revoked device has a leaf, or the floor is too low."""

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.missing) or self.revoked


def wanted(group: Group, record: VerifiedRecord, own_device: bytes) -> Wanted:
    """Hold a room against the own record."""
    standing = read_room(group.context.extensions, group.tree)
    listed = (certificate.device.device_id for certificate in record.record.devices)
    missing = (
        each for each in listed if each != own_device and standing.people.device(record.did, each) is None
    )
    return Wanted(tuple(missing), revocation_of(standing, record.record) is not None)


def unsettled(core: Core, tx: Connection) -> list[bytes]:
    """Rooms in which something is to be done about the own devices; only for the writer thread."""
    record = own_record(core.account)
    if len(record.record.devices) == 1 and not record.record.revoked:
        return []
    return [room.room for room in rooms.every(tx) if _needs(core, tx, room.room, record)]


async def settle_room(core: Core, committer: Committer, room: bytes) -> None:
    """Bring one room in line with the own record.

    Raises:
        ProblemError: It cannot be reached, or a device has no key packages yet.
    """
    record = own_record(core.account)
    needs = await core.write(lambda tx: _needs(core, tx, room, record))
    if needs.revoked:
        await _commit(core, committer, room, "revoke", lambda _, group: _revoke(core, group, record))
    if not needs.missing:
        return
    packages, problem = await _packages(core, record, needs.missing)
    if packages:
        await _commit(
            core, committer, room, "device", lambda tx, group: _add(core, tx, group, record, packages)
        )
    if problem is not None:
        raise problem


async def carry_out(
    core: Core, committer: Committer, record: VerifiedRecord, room: bytes, *, also_last: bool
) -> None:
    """Carry out somebody else's revocation in a room.

    Args:
        core: The engine's ground.
        committer: Commits.
        record: The newest that came; if the person is pinned, the pinned one stands.
        room: Whose participant they are.
        also_last: Also if no device of theirs is left then; with the last one goes their role.

    Raises:
        ProblemError: The room cannot be reached.
    """
    pin = await core.vault.read(lambda tx: people.by_did(tx, record.did))
    if pin is not None:
        record = verify_record(SignedRecord.decode(pin.record))
    await _commit(
        core, committer, room, "revoke", lambda _, group: _revoke(core, group, record, also_last=also_last)
    )


def _is_ours(tx: Connection, room: RoomRow) -> bool:
    """Whether we are in a room and mean to stay: who leaves takes their other devices out first."""
    return room.state == "active" and leavings.find(tx, room.room) is None


def _needs(core: Core, tx: Connection, room: bytes, record: VerifiedRecord) -> Wanted:
    found = rooms.find(tx, room)
    if found is None or not _is_ours(tx, found):
        return Wanted((), revoked=False)
    needs = wanted(core.groups.load(tx, room), record, core.account.device.device_id)
    # Another device would not hold back what it says while whoever made our link is missing.
    return Wanted((), needs.revoked) if link_makers.holds(tx, room) else needs


async def _packages(
    core: Core, record: VerifiedRecord, devices: tuple[bytes, ...]
) -> tuple[list[KeyPackage], ProblemError | None]:
    """Take a key package of each device; one that has none yet does not keep the others out."""
    found, problem = list[KeyPackage](), None
    account = core.account
    me = Met(Pin(account.did, account.address, record.record.actor, account.record, ""), record)
    for device_id in devices:
        try:
            request = TakeOwnKeyPackages(device_id=device_id)
            answer = await core.session.call(request, OwnKeyPackages)
            found += verify_packages(answer.key_packages[:1], me, core.now_s)
        except ProblemError as error:
            problem = error
    return found, problem


async def _commit(core: Core, committer: Committer, room: bytes, intent: str, stage: Stage) -> None:
    async with core.lock(room):
        await committer.commit(room, intent, stage)


def _revoke(
    core: Core, group: Group, record: VerifiedRecord, *, also_last: bool = False
) -> StagedCommit | None:
    standing = read_room(group.context.extensions, group.tree)
    revocation = revocation_of(standing, record.record)
    if revocation is None:
        return None  # another device was faster
    policy = revocation.policy
    if len(revocation.leaves) == len(standing.people.of(record.did)):
        if not also_last:
            return None
        policy = without(policy, (record.did,))
    return _judged(
        core,
        standing.policy,
        group.stage_commit(
            removes=revocation.leaves,
            extensions=_with_policy(group, policy),
            leaf=renewed_leaf(core, group),
            force_path=True,
            authenticated_data=CommitData(core.clock.now_ms(), records=(record.signed.encode(),)).encode(),
        ),
    )


def _add(
    core: Core, tx: Connection, group: Group, record: VerifiedRecord, packages: list[KeyPackage]
) -> StagedCommit | None:
    standing = read_room(group.context.extensions, group.tree)
    here = {member.leaf.device_id for member in standing.people.of(record.did)}
    adds = [package for package in packages if verify_leaf(package.leaf_node).device_id not in here]
    if not adds:
        return None  # another device was faster
    found = rooms.find(tx, group.group_id)
    card = RoomCard(found.name, found.topic) if found else RoomCard("")
    return _judged(
        core,
        standing.policy,
        group.stage_commit(
            adds=adds,
            leaf=renewed_leaf(core, group),
            force_path=True,
            authenticated_data=CommitData(core.clock.now_ms()).encode(),
            welcome_extensions=(Extension(ROOM_CARD_EXTENSION, card.encode()),),
        ),
    )


def _judged(core: Core, policy: RoomPolicy, staged: StagedCommit) -> StagedCommit:
    try:
        judge(staged.change, Judged(policy.term, 0, core.clock.now_ms()))
    except Refused as error:
        raise refuse("notAllowed", f"the room does not allow it: {error}", rule=error.code) from None
    return staged


def _with_policy(group: Group, policy: RoomPolicy) -> tuple[Extension, ...]:
    kept = (e for e in group.context.extensions if e.extension_type != ROOM_POLICY_EXTENSION)
    return (*kept, Extension(ROOM_POLICY_EXTENSION, policy.encode()))

"""Coming back into a room from outside: the steps of one resync, each in a transaction (TRUST 7).

    stage   GroupInfo and tree verified; signed by somebody known; an external commit, judged as all will
    enter   the hub took it: the old group's rows go, the new one stands at the commit's place
    undo    it was refused, or lost the epoch; the room is as it was

A room that has stopped sends nothing, so its old keys are used by nobody meanwhile; they go when the new
group stands. What was said between the last row read and the commit is named as a gap.
"""

from dataclasses import replace
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.rooms import lines
from yurt.client.rooms.leaves import SLOW_CLOCK_S, SUITE
from yurt.client.rooms.roster import check_pins, people_of
from yurt.client.vault import cursors, outbox, own_leaves, resyncs, rooms, timeline
from yurt.client.vault.mls_store import VaultGroupStore
from yurt.client.vault.rooms import RoomRow
from yurt.client.vault.timeline import NewItem
from yurt.identity.did import Did
from yurt.identity.signed_record import SignedRecord, verify_record
from yurt.mls.errors import NoPendingCommit, RemoteMlsError
from yurt.mls.external_join import ExternalJoin
from yurt.mls.framing import MLSMessage
from yurt.mls.group_info import GroupInfo
from yurt.mls.policy import judged_by_caller
from yurt.mls.public_group import PublicGroup
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.staging import StagedCommit
from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.errors import CodedError, Refused
from yurt.rooms.common.judge import judge
from yurt.rooms.common.judged import Judged
from yurt.rooms.common.log_copy import LogCopy
from yurt.rooms.common.participants import Member, Participants, participants_of, verified_leaf
from yurt.rooms.common.room import read_room
from yurt.rooms.member.resync import KnownRoom, judge_group_info
from yurt.wire.frames import room_log
from yurt.wire.position import START, Position
from yurt.wire.problems import refuse
from yurt.wire.registry import CIPHER_SUITE
from yurt.wire.resync_commands import RoomGroup
from yurt.wire.room_commands import Appended

NOBODY_KNOWN: Final = "nobodyKnown"
"""The rule of a refusal that only time, or a member who is known, mends."""


def waiting(tx: Connection, room: bytes) -> StagedCommit | None:
    """Give the commit from outside whose answer never came."""
    try:
        return ExternalJoin.load(VaultGroupStore(tx), room).staged
    except NoPendingCommit:
        return None


def known_room(tx: Connection, found: RoomRow, me: Did) -> KnownRoom:
    """Say what this vault knows of a room; who left it before this device lost its place vouches no more."""
    place = cursors.load(tx, room_log(found.room)).head
    return KnownRoom(found.room, place.term, found.epoch, frozenset(Did(d) for d, _ in found.people) | {me})


def stage(core: Core, tx: Connection, known: KnownRoom, answer: RoomGroup) -> StagedCommit:
    """Make the commit that brings this device back, and keep it.

    Args:
        core: The engine.
        tx: The transaction.
        known: The room as it is known here.
        answer: What the hub says that it has.

    Raises:
        ProblemError: ``refused`` with the rule; ``nobodyKnown`` if nobody known vouches for the room.
    """
    me, now_ms = Did(core.account.did), core.clock.now_ms()
    try:
        info = MLSMessage.decode(answer.group_info).expect(GroupInfo)
        if info.group_context.cipher_suite != CIPHER_SUITE:
            raise refuse("refused", "the room is of another cipher suite than rooms have", rule="wrongSuite")
        tree = RatchetTree.decode(SUITE, answer.tree)
        public = PublicGroup.from_group_info(info, tree, now_ms=None)
        if judge_group_info(public, info.signer, known, me) is None:
            raise refuse(
                "refused", "nobody whom you know here vouches for the room now: it waits", rule=NOBODY_KNOWN
            )
        standing = read_room(public.context.extensions, public.tree)
        old, records = _old_leaf(core, standing.people)
        joining = ExternalJoin.stage(
            VaultGroupStore(tx),
            answer.group_info,
            core.device.room_leaf(known.group_id, core.now_s),
            tree=tree,
            replaces=None if old is None else old.index,
            authenticated_data=CommitData(now_ms, records).encode(),
            policy=judged_by_caller,
        )
        judge(joining.staged.change, Judged(standing.policy.term, 0, now_ms))
    except (RemoteMlsError, CodedError, Refused) as error:
        code = error.rule if isinstance(error, RemoteMlsError) else error.code
        raise refuse("refused", f"the room cannot be entered: {error}", rule=code) from None
    return joining.staged


def _old_leaf(core: Core, people: Participants) -> tuple[Member | None, tuple[bytes, ...]]:
    """Choose the leaf that ours replaces: this device's, else a revoked one's; and the record it takes."""
    me, device = core.account.did, core.device.keys.device_id
    revoked = verify_record(SignedRecord.decode(core.account.record)).record.revoked
    old = people.device(me, device) or next((m for m in people.of(me) if m.leaf.device_id in revoked), None)
    is_known = core.device.actor in people.actors(me) and (old is None or old.leaf.device_id == device)
    return old, () if is_known else (core.account.record,)


def enter(core: Core, tx: Connection, staged: StagedCommit, found: RoomRow, receipt: Appended) -> None:
    """Go on in the new group, at the place of the commit."""
    room, log = found.room, room_log(found.room)
    joining = ExternalJoin.load(VaultGroupStore(tx), room)
    if joining.staged.hash != staged.hash:
        return  # another one took its place meanwhile
    group = joining.merge()
    core.groups.keep(group)
    outbox.drop_commit(tx, room)
    before, people = cursors.load(tx, log).head, participants_of(group.tree)
    policy = read_room(group.context.extensions, group.tree).policy
    after = replace(
        found,
        state="active",
        reason="",
        hub=policy.hub,
        stamped=False,
        epoch=group.epoch,
        people=people_of(people, core.device.did),
    )
    rooms.update(tx, after)
    cursors.save(tx, log, LogCopy(receipt.position, receipt.chain, receipt.accepted_at))
    leaf = group.tree.leaf(group.own_index)
    own_leaves.note(tx, room, leaf.signature_key, verified_leaf(leaf).not_before + SLOW_CLOCK_S)
    resyncs.done(tx, room, core.clock.now_ms())
    _tell(core, tx, after, before, receipt)
    check_pins(tx, room, people)


def undo(tx: Connection, room: bytes, staged: StagedCommit) -> None:
    """Forget a commit from outside that nobody will take any more."""
    try:
        joining = ExternalJoin.load(VaultGroupStore(tx), room)
    except NoPendingCommit:
        return
    if joining.staged.hash == staged.hash:
        joining.discard()


def _tell(core: Core, tx: Connection, room: RoomRow, before: Position, receipt: Appended) -> None:
    """Say what was lost, and that the room goes on: nothing of it is hidden."""
    if before != START and receipt.position.seq > before.seq + 1:
        text = lines.gap(before, receipt.position)
        timeline.add(
            tx,
            NewItem(
                room=room.room, kind="notice", text=text, reason=lines.GAP, accepted_at=receipt.accepted_at
            ),
        )
    timeline.add(
        tx,
        NewItem(
            room=room.room,
            kind="roster",
            did=core.account.did,
            actor=core.device.actor,
            text=f"you came back into the room with this device (epoch {room.epoch})",
            reason=lines.RESYNCED,
            position=receipt.position,
            accepted_at=receipt.accepted_at,
        ),
    )

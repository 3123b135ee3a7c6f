"""A hub's state of a room as bytes: kept beside the log, and sent to a node that becomes a member node.

::

    struct {
        uint8  version;         // 1; 2 with resyncs, which a quiet room has not
        opaque room_id[32];     uint32 term;
        uint32 head_term;       uint64 head_seq;    opaque chain[32];   uint64 accepted_at;
        Ended  ended<V>;        // {uint64 epoch; uint64 ended_at}
        uint64 removal_epoch;
        opaque public_group<V>; // yurt.mls.public_group, which has a version of its own
        Resync resyncs<V>;      // version 2: {opaque did[32]; opaque device_id[16]; uint64 at}
    } HubSnapshot;

A snapshot is believed as far as it proves itself, wherever it comes from: the tree, every leaf in it and
every proposal that waits are checked as for a joiner. Its committer's GroupInfo proves context and tree
(`prove_snapshot`). The log's place cannot be proven; the rows that follow, and a joiner's Welcome, check it.
"""

from typing import Final

from yurt.identity.did import DID_SIZE, Did, did_of, public_of
from yurt.identity.errors import RemoteIdentityError
from yurt.mls.codec import Reader, Writer
from yurt.mls.errors import DecodeError, RemoteMlsError
from yurt.mls.framed_content import SenderType
from yurt.mls.framing import MLSMessage, PublicMessage
from yurt.mls.public_group import PublicGroup
from yurt.mls.validation.group_info import check_group
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.leaving import judge_proposal
from yurt.rooms.common.room import check_suite
from yurt.rooms.common.room_change import Device
from yurt.rooms.common.rules import Rule
from yurt.rooms.hub.state import EndedEpoch, HubState, Resync, standing_of
from yurt.wire.position import Position
from yurt.wire.registry import DEVICE_ID_SIZE, HASH_SIZE, ROOM_ID_SIZE

SNAPSHOT_VERSION: Final = 1
_WITH_RESYNCS: Final = 2
MAX_SNAPSHOT_SIZE: Final = 8 * 1024 * 1024
"""A tree of 5,000 leaves is about 5 MB."""


def encode_snapshot(state: HubState) -> bytes:
    """Write a room's state."""
    ended = Writer()
    for epoch in state.ended:
        ended.u64(epoch.epoch).u64(epoch.ended_at)
    version = _WITH_RESYNCS if state.resyncs else SNAPSHOT_VERSION
    w = Writer().u8(version).raw(state.room_id).u32(state.term)
    w.u32(state.head.term).u64(state.head.seq).raw(state.chain).u64(state.accepted_at)
    w.opaque(ended.bytes()).u64(state.removal_epoch).opaque(state.public.encode())
    if version == _WITH_RESYNCS:
        w.opaque(b"".join(_resync(each) for each in state.resyncs))
    return w.bytes()


def decode_snapshot(data: bytes) -> HubState:
    """Read a room's state.

    Raises:
        Refused: ``badSnapshot``: malformed, of an unknown version, of another room than it says, or with a
            group that MLS refuses; or the group in it is no room.
    """
    try:
        state = _read(Reader(data, limit=MAX_SNAPSHOT_SIZE))
    except RemoteMlsError as error:
        raise Refused(
            Rule.BAD_SNAPSHOT, f"the room's snapshot is malformed: {error}", detail=error.rule
        ) from None
    return state


def prove_snapshot(state: HubState, commit: bytes, group_info: bytes) -> None:
    """Check a snapshot against the GroupInfo that came with the commit at its head.

    The committer signed context, tree hash and epoch; so no hub can begin a member node with a group of its
    own making.

    Args:
        state: From `decode_snapshot`.
        commit: The entry at its head.
        group_info: The MLSMessage that the hub kept with it.

    Raises:
        Refused: ``badSnapshot``.
    """
    try:
        info = state.public.check_group_info(group_info)
        sender = MLSMessage.decode(commit).expect(PublicMessage).content.sender
    except RemoteMlsError as error:
        raise Refused(
            Rule.BAD_SNAPSHOT, f"the GroupInfo does not prove the room: {error}", detail=error.rule
        ) from None
    if sender.sender_type is SenderType.MEMBER and sender.index != info.signer:
        raise Refused(Rule.BAD_SNAPSHOT, "the room's GroupInfo is not signed by the committer")


def _read(r: Reader) -> HubState:
    version = r.u8()
    if version not in (SNAPSHOT_VERSION, _WITH_RESYNCS):
        raise Refused(Rule.BAD_SNAPSHOT, "the room's snapshot is of a version that is not known here")
    room_id, term, head = r.raw(ROOM_ID_SIZE), r.u32(), Position(r.u32(), r.u64())
    chain, accepted_at = r.raw(HASH_SIZE), r.u64()
    ended = r.vector(lambda inner: EndedEpoch(inner.u64(), inner.u64()))
    removal_epoch, public = r.u64(), PublicGroup.decode(r.opaque())
    resyncs = r.vector(_read_resync) if version == _WITH_RESYNCS else ()
    r.finish()
    if public.context.group_id != room_id:
        raise Refused(Rule.BAD_SNAPSHOT, "the room's snapshot is of another room")
    _check_public(public)
    return HubState(
        room_id, term, head, chain, accepted_at, public, ended, removal_epoch, standing_of(public), resyncs
    )


def _check_public(public: PublicGroup) -> None:
    """Verify what PublicGroup.decode takes from its own store, and this may have from another node."""
    check_suite(public.context.cipher_suite)
    check_group(public.suite, public.context, public.tree, at_ms=None)
    again = PublicGroup.found(public.context, public.tree, public.confirmation_tag)
    for waiting in public.proposals:
        pending = again.stage_proposal(waiting.content)
        judge_proposal(pending, again.tree)
        again = again.with_proposal(pending)
    if again != public:
        raise Refused(Rule.BAD_SNAPSHOT, "the room's snapshot does not hold together")


def _resync(resync: Resync) -> bytes:
    w = Writer().raw(public_of(resync.device.did)).raw(resync.device.device_id)
    return w.u64(resync.at).bytes()


def _read_resync(r: Reader) -> Resync:
    return Resync(Device(_read_did(r), r.raw(DEVICE_ID_SIZE)), r.u64())


def _read_did(r: Reader) -> Did:
    try:
        return did_of(r.raw(DID_SIZE))
    except RemoteIdentityError as error:
        raise DecodeError(str(error)) from None

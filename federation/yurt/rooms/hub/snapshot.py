"""A hub's state of a room as bytes: kept beside the log, and sent to a node that becomes a member node.

::

    struct {
        uint8  version = 1;
        opaque room_id[32];     uint32 term;
        uint32 head_term;       uint64 head_seq;    opaque chain[32];   uint64 accepted_at;
        Ended  ended<V>;        // {uint64 epoch; uint64 ended_at}
        uint64 removal_epoch;
        opaque public_group<V>; // yurt.mls.public_group, which has a version of its own
    } HubSnapshot;

A snapshot is believed as far as it proves itself, wherever it comes from: the tree and every leaf in it are
checked as for a joiner. The log's place cannot be; the rows that follow, and a joiner's Welcome, check it.
"""

from typing import Final

from yurt.mls.codec import Reader, Writer
from yurt.mls.errors import RemoteMlsError
from yurt.mls.public_group import PublicGroup
from yurt.mls.validation.group_info import check_group
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.rules import Rule
from yurt.rooms.hub.state import EndedEpoch, HubState, standing_of
from yurt.wire.position import Position
from yurt.wire.registry import HASH_SIZE, ROOM_ID_SIZE

SNAPSHOT_VERSION: Final = 1
MAX_SNAPSHOT_SIZE: Final = 8 * 1024 * 1024
"""A tree of 5,000 leaves is about 5 MB."""


def encode_snapshot(state: HubState) -> bytes:
    """Write a room's state."""
    ended = Writer()
    for epoch in state.ended:
        ended.u64(epoch.epoch).u64(epoch.ended_at)
    w = Writer().u8(SNAPSHOT_VERSION).raw(state.room_id).u32(state.term)
    w.u32(state.head.term).u64(state.head.seq).raw(state.chain).u64(state.accepted_at)
    return w.opaque(ended.bytes()).u64(state.removal_epoch).opaque(state.public.encode()).bytes()


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


def _read(r: Reader) -> HubState:
    if r.u8() != SNAPSHOT_VERSION:
        raise Refused(Rule.BAD_SNAPSHOT, "the room's snapshot is of a version that is not known here")
    room_id, term, head = r.raw(ROOM_ID_SIZE), r.u32(), Position(r.u32(), r.u64())
    chain, accepted_at = r.raw(HASH_SIZE), r.u64()
    ended = r.vector(lambda inner: EndedEpoch(inner.u64(), inner.u64()))
    removal_epoch, public = r.u64(), PublicGroup.decode(r.opaque())
    r.finish()
    if public.context.group_id != room_id:
        raise Refused(Rule.BAD_SNAPSHOT, "the room's snapshot is of another room")
    # PublicGroup.decode trusts its store; this may come from another node.
    check_group(public.suite, public.context, public.tree, at_ms=None)
    if PublicGroup.found(public.context, public.tree, public.confirmation_tag) != public:
        raise Refused(Rule.BAD_SNAPSHOT, "the room's snapshot does not hold together")
    return HubState(
        room_id, term, head, chain, accepted_at, public, ended, removal_epoch, standing_of(public)
    )

"""A checkpoint: a device's signed word of what it has seen of a room, outside the room's log (TRUST 5).

::

    struct {
        uint8  version = 1;
        opaque group_id[32];    uint32 term;    uint64 seq;     opaque chain[32];
        uint64 epoch;           opaque confirmed_transcript_hash<V>;
        opaque authenticator_hash[32];          // SHA-256 of the epoch authenticator
        opaque did[32];         opaque device_id[16];
        opaque signature[64];   // device key over LABEL_CHECKPOINT: all before
    } Checkpoint;

Nodes keep the newest per (room, device). A node passes those of its own accounts' devices **directly** to
the other member nodes, and takes one only from the node of its device: so no hub stands between two member
nodes that compare what they were shown.

    checkpoint = Checkpoint.make(keys, did, Seen(...))
    verified = Checkpoint.decode(data).verify(people)
    for node in passed_to(verified, own_node, people.nodes): ...
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from yurt.identity.device import DeviceKeys
from yurt.identity.did import DID_SIZE, Did, did_of, public_of
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.location import node_of
from yurt.identity.signing import SIGNATURE_SIZE, verify
from yurt.mls.codec import Reader, Writer
from yurt.mls.errors import DecodeError
from yurt.rooms.common.errors import CheckpointError
from yurt.rooms.common.participants import Member, Participants
from yurt.wire.position import Position
from yurt.wire.registry import DEVICE_ID_SIZE, HASH_SIZE, LABEL_CHECKPOINT, ROOM_ID_SIZE

MAX_CHECKPOINT_SIZE: Final = 512
_VERSION: Final = 1
_LAST_SEQ: Final = 2**63 - 1
"""What stores of nodes and vaults can hold."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a device stands in a room."""

    group_id: bytes
    position: Position
    chain: bytes
    epoch: int
    confirmed_transcript_hash: bytes
    authenticator_hash: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint as it arrived; it counts once it is a `VerifiedCheckpoint`."""

    seen: Seen
    did: Did
    device_id: bytes
    signature: bytes

    @classmethod
    def make(cls, keys: DeviceKeys, did: Did, seen: Seen) -> Self:
        """Sign what this device has seen."""
        said = _said(seen, did, keys.device_id)
        return cls(seen, did, keys.device_id, keys.sign(LABEL_CHECKPOINT, said))

    def encode(self) -> bytes:
        """Write the checkpoint."""
        return _said(self.seen, self.did, self.device_id) + self.signature

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a checkpoint.

        Raises:
            CheckpointError: ``malformedCheckpoint`` or ``checkpointVersion``.
        """
        try:
            return cls._read(Reader(data, limit=MAX_CHECKPOINT_SIZE))
        except (DecodeError, RemoteIdentityError):
            raise CheckpointError("malformedCheckpoint", "the checkpoint is malformed") from None

    @classmethod
    def _read(cls, r: Reader) -> Self:
        if r.u8() != _VERSION:
            raise CheckpointError("checkpointVersion", "the checkpoint was made by a newer release")
        group_id, position, chain = r.raw(ROOM_ID_SIZE), Position(r.u32(), r.u64()), r.raw(HASH_SIZE)
        if position.seq > _LAST_SEQ:
            raise DecodeError("a place that no log has")
        seen = Seen(group_id, position, chain, r.u64(), r.opaque(), r.raw(HASH_SIZE))
        did, device_id = did_of(r.raw(DID_SIZE)), r.raw(DEVICE_ID_SIZE)
        checkpoint = cls(seen, did, device_id, r.raw(SIGNATURE_SIZE))
        r.finish()
        return checkpoint

    def verify(self, people: Participants) -> "VerifiedCheckpoint":
        """Check that a device of the room signed it.

        Args:
            people: Of the room, as far as it is known here.

        Raises:
            CheckpointError: ``checkpointDevice`` (no leaf of that device) or ``checkpointSignature``.
        """
        member = people.device(self.did, self.device_id)
        if member is None:
            raise CheckpointError("checkpointDevice", "the checkpoint's device is not in the room")
        said = _said(self.seen, self.did, self.device_id)
        try:
            verify(member.leaf.device.ed25519, LABEL_CHECKPOINT, said, self.signature)
        except RemoteIdentityError:
            raise CheckpointError("checkpointSignature", "the device did not sign this checkpoint") from None
        return VerifiedCheckpoint(self, member)


@dataclass(frozen=True, slots=True)
class VerifiedCheckpoint:
    """A checkpoint that a device of the room really signed."""

    checkpoint: Checkpoint
    member: Member

    @property
    def seen(self) -> Seen:
        """What the device has seen."""
        return self.checkpoint.seen

    @property
    def node(self) -> str:
        """Where the device's person is."""
        return node_of(self.member.leaf.actor)


def passed_to(verified: VerifiedCheckpoint, own_node: str, nodes: Iterable[str]) -> frozenset[str]:
    """Say to which nodes this one passes a checkpoint: none of another node's device goes on from here.

    Args:
        verified: What an own account's device sent, or what a peer passed on.
        own_node: This node.
        nodes: All nodes of the room.
    """
    return frozenset(nodes) - {own_node} if verified.node == own_node else frozenset()


def may_bring(verified: VerifiedCheckpoint, peer: str) -> bool:
    """Tell whether a peer is the one to pass a checkpoint to us: only the node of its device."""
    return verified.node == peer


def _said(seen: Seen, did: str, device_id: bytes) -> bytes:
    w = Writer().u8(_VERSION).raw(seen.group_id).u32(seen.position.term).u64(seen.position.seq)
    w.raw(seen.chain).u64(seen.epoch).opaque(seen.confirmed_transcript_hash).raw(seen.authenticator_hash)
    return w.raw(public_of(did)).raw(device_id).bytes()

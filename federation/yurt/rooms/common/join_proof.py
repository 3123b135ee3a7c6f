"""The proof that somebody holds a link: signed by the invite key, about one device and one leaf (TRUST 6).

::

    struct {
        uint8  version = 1;
        opaque invite_pub[32];  opaque did[32];  opaque device_id[16];
        opaque leaf_key<V>;     // the signature key of the key package's leaf
        opaque signature[64];   // by the invite key, LABEL_JOIN, over
    } JoinProof;                // group_id<V>, invite_pub, did, device_id, leaf_key<V>

It travels with the key package to the hub, and in the commit that adds the leaf; whoever adds cannot put
another device or key into it.
"""

from dataclasses import dataclass
from typing import Self

from yurt.identity.did import DID_SIZE, Did, did_of, public_of
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.signing import SIGNATURE_SIZE, sign, verify
from yurt.mls.codec import Reader, Writer
from yurt.mls.errors import DecodeError
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.rules import Rule
from yurt.wire.registry import DEVICE_ID_SIZE, LABEL_JOIN

_VERSION = 1
_KEY_SIZE = 32


@dataclass(frozen=True, slots=True)
class JoinProof:
    """A proof as it arrived; worth nothing until `verify` returned."""

    invite_pub: bytes
    did: Did
    device_id: bytes
    leaf_key: bytes
    signature: bytes

    @classmethod
    def make(
        cls,
        invite_private: bytes,
        invite_pub: bytes,
        *,
        group_id: bytes,
        did: Did,
        device_id: bytes,
        leaf_key: bytes,
    ) -> Self:
        """Sign with the link's key.

        Args:
            invite_private: From the link's secret (`invite_link.InviteKeys`).
            invite_pub: Its public half, as the policy lists it.
            group_id: The room.
            did: Who joins.
            device_id: With which device.
            leaf_key: The signature key of the leaf in the key package.
        """
        said = _said(group_id, invite_pub, did, device_id, leaf_key)
        return cls(invite_pub, did, device_id, leaf_key, sign(invite_private, LABEL_JOIN, said))

    def encode(self) -> bytes:
        """Write the proof."""
        w = Writer().u8(_VERSION).raw(self.invite_pub).raw(public_of(self.did)).raw(self.device_id)
        return w.opaque(self.leaf_key).raw(self.signature).bytes()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a proof.

        Raises:
            Refused: ``joinProof``.
        """
        try:
            return cls._read(Reader(data))
        except (DecodeError, RemoteIdentityError):
            raise Refused(Rule.JOIN_PROOF, "a join proof is malformed") from None

    @classmethod
    def _read(cls, r: Reader) -> Self:
        if r.u8() != _VERSION:
            raise DecodeError("an unknown version")
        invite_pub, did, device_id = r.raw(_KEY_SIZE), did_of(r.raw(DID_SIZE)), r.raw(DEVICE_ID_SIZE)
        proof = cls(invite_pub, did, device_id, r.opaque(), r.raw(SIGNATURE_SIZE))
        r.finish()
        return proof

    def verify(self, group_id: bytes) -> None:
        """Check that the holder of the link signed this for this room.

        Raises:
            Refused: ``joinProof``.
        """
        said = _said(group_id, self.invite_pub, self.did, self.device_id, self.leaf_key)
        try:
            verify(self.invite_pub, LABEL_JOIN, said, self.signature)
        except RemoteIdentityError:
            raise Refused(Rule.JOIN_PROOF, "a join proof is not signed by its link's key") from None


def _said(group_id: bytes, invite_pub: bytes, did: str, device_id: bytes, leaf_key: bytes) -> bytes:
    w = Writer().opaque(group_id).raw(invite_pub).raw(public_of(did)).raw(device_id)
    return w.opaque(leaf_key).bytes()

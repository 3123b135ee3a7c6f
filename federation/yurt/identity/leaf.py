"""Whose leaf this is: the LeafNode extension 0xF0B1 (TRUST 2), judged by itself, without a fetch.

The identity key certifies the device, the device certifies the leaf's signature key together with the
actor, the use and the room. The credential is ``basic(actor URL)``; the participant is the did.

    extension_data = issue_leaf(keys, certificate, actor=..., signature_public=..., use=..., ...)
    leaf = verify_leaf(leaf_node)      # VerifiedLeaf(did, device_id, actor, ...)
    leaf.check_time(accepted_at_s)     # once, when it enters

Layout, in the presentation language of RFC 9420 2.1; times are seconds since 1970::

    struct {
        uint8 version = 1;
        opaque identity_pub[32];  uint64 record_seq;
        opaque device_id[16];     opaque device_ed25519[32];  opaque device_x25519[32];
        uint64 device_not_after;  opaque device_cert[64];
        uint8 use;                opaque group_id<V>;
        uint64 not_before;        uint64 not_after;           opaque leaf_cert[64];
    } YurtLeaf;

``leaf_cert`` signs ``identity_pub, device_id, actor<V>, uint16 suite, signature_key<V>, use, group_id<V>,
not_before, not_after``.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from yurt.identity.device import DeviceCertificate, DeviceKeys, DevicePublic, certificate_of
from yurt.identity.did import DID_SIZE, Did, public_of
from yurt.identity.errors import LeafError, RemoteIdentityError
from yurt.identity.location import node_of
from yurt.identity.signing import SIGNATURE_SIZE, verify
from yurt.mls.codec import Reader, Writer
from yurt.mls.errors import DecodeError
from yurt.mls.extensions import find_extension
from yurt.mls.leaf_node import LeafNode
from yurt.wire.registry import (
    CIPHER_SUITE,
    LABEL_LEAF,
    LEAF_EXTENSION,
    LEAF_LIFETIME_S,
    ROOM_ID_SIZE,
)

LEAF_VERSION: Final = 1


class LeafUse(IntEnum):
    """What a leaf may do in its room."""

    JOINING = 1
    """From a key package, for any room: it may read, and must become ROOM before it speaks."""
    ROOM = 2
    """Made for one room, with a signature key of its own."""


@dataclass(frozen=True, slots=True)
class LeafExtension:
    """The extension's content, as decoded: not yet believed."""

    certificate: DeviceCertificate
    use: LeafUse
    group_id: bytes
    """Empty for JOINING."""
    not_before: int
    not_after: int
    leaf_cert: bytes

    def encode(self) -> bytes:
        """Write the extension data."""
        certificate = self.certificate
        w = Writer().u8(LEAF_VERSION).raw(public_of(certificate.did)).u64(certificate.record_seq)
        certificate.device.encode_to(w)
        w.u64(certificate.not_after).raw(certificate.signature)
        w.u8(self.use).opaque(self.group_id).u64(self.not_before).u64(self.not_after)
        return w.raw(self.leaf_cert).bytes()

    def said(self, actor: str, suite: int, signature_public: bytes) -> bytes:
        """Write what the device signs (TRUST 2); `leaf_cert` is not part of it."""
        certificate = self.certificate
        w = Writer().raw(public_of(certificate.did)).raw(certificate.device.device_id)
        w.opaque(actor.encode()).u16(suite).opaque(signature_public)
        return w.u8(self.use).opaque(self.group_id).u64(self.not_before).u64(self.not_after).bytes()

    def check_shape(self) -> None:
        """Check use, room and validity against each other.

        Raises:
            LeafError: ``leafUse`` or ``leafValidity``.
        """
        if len(self.group_id) != (ROOM_ID_SIZE if self.use is LeafUse.ROOM else 0):
            raise LeafError("leafUse", "a leaf for a room names it, a joining leaf names none")
        if not 0 <= self.not_after - self.not_before <= LEAF_LIFETIME_S:
            raise LeafError("leafValidity", "a leaf is certified for at most 90 days")

    @classmethod
    def decode(cls, data: bytes) -> "LeafExtension":
        """Read the extension data.

        Raises:
            LeafError: Malformed (``malformedLeaf``), or of an unknown version or use (``leafVersion``,
                ``leafUse``).
        """
        try:
            return _read(Reader(data))
        except LeafError:
            raise
        except (DecodeError, RemoteIdentityError):
            raise LeafError("malformedLeaf", "the leaf's extension is malformed") from None


@dataclass(frozen=True, slots=True)
class VerifiedLeaf:
    """A leaf whose certificates hold."""

    did: Did
    device_id: bytes
    actor: str
    """A location: where this device's person was when the leaf was made."""
    use: LeafUse
    group_id: bytes
    record_seq: int
    device: DevicePublic
    not_before: int
    not_after: int
    """The earlier end of the leaf's and the device's certificate, in seconds since 1970."""

    @property
    def key(self) -> tuple[Did, bytes]:
        """Person and device: no two leaves of a room may share it."""
        return self.did, self.device_id

    def check_time(self, at: int) -> None:
        """Judge expiry: once, when the leaf enters; never for leaves that are already in a tree.

        Args:
            at: Seconds since 1970: the entry's ``accepted_at``.

        Raises:
            LeafError: ``leafExpired`` or ``leafNotYet``.
        """
        if at > self.not_after:
            raise LeafError("leafExpired", "the leaf's certificate has expired")
        if at < self.not_before:
            raise LeafError("leafNotYet", "the leaf's certificate is not valid yet: check the clock")


def issue_leaf(
    keys: DeviceKeys,
    certificate: DeviceCertificate,
    *,
    actor: str,
    signature_public: bytes,
    use: LeafUse,
    group_id: bytes,
    not_before: int,
    not_after: int,
    suite: int = CIPHER_SUITE,
) -> bytes:
    """Certify a leaf's signature key with the device key.

    Args:
        keys: The device's.
        certificate: The device's certificate, from the person's record.
        actor: The actor URL that the credential names.
        signature_public: The leaf's MLS signature key.
        use: JOINING for a key package and for the creator at epoch 0, else ROOM.
        group_id: The room for ROOM, empty for JOINING.
        not_before: Seconds since 1970; an hour back forgives a slow clock.
        not_after: Seconds since 1970, at most 90 days after `not_before`.
        suite: The MLS cipher suite.

    Returns:
        The data of extension 0xF0B1.

    Raises:
        LeafError: The leaf would not be valid.
    """
    extension = LeafExtension(certificate, use, group_id, not_before, not_after, leaf_cert=b"")
    extension.check_shape()
    leaf_cert = keys.sign(LABEL_LEAF, extension.said(actor, suite, signature_public))
    return replace(extension, leaf_cert=leaf_cert).encode()


def verify_leaf(leaf: LeafNode, *, suite: int = CIPHER_SUITE) -> VerifiedLeaf:
    """Learn whose leaf this is; costs two signature checks.

    Says nothing about time (`VerifiedLeaf.check_time`) and nothing about whether this room is the leaf's
    (the judge's).

    Raises:
        LeafError: No extension (``noLeafExtension``), a credential that is not an actor
            (``leafCredential``), an impossible use or validity (``leafUse``, ``leafValidity``).
        WrongSignature: ``deviceCertificate`` or ``leafCertificate``.
        DeviceError: ``deviceKey``.
    """
    extension = LeafExtension.decode(_extension_data(leaf))
    extension.check_shape()
    actor, certificate = _actor(leaf), extension.certificate
    certificate.verify()
    said = extension.said(actor, suite, leaf.signature_key)
    verify(certificate.device.ed25519, LABEL_LEAF, said, extension.leaf_cert, rule="leafCertificate")
    return VerifiedLeaf(
        did=certificate.did,
        device_id=certificate.device.device_id,
        actor=actor,
        use=extension.use,
        group_id=extension.group_id,
        record_seq=certificate.record_seq,
        device=certificate.device,
        not_before=extension.not_before,
        not_after=min(extension.not_after, certificate.not_after),
    )


def _read(r: Reader) -> LeafExtension:
    if r.u8() != LEAF_VERSION:
        raise LeafError("leafVersion", "the leaf's extension is of a version that is not known here")
    identity_public, record_seq, device = r.raw(DID_SIZE), r.u64(), DevicePublic.decode_from(r)
    certificate = certificate_of(identity_public, record_seq, device, r.u64(), r.raw(SIGNATURE_SIZE))
    use, group_id = r.u8(), r.opaque()
    not_before, not_after, leaf_cert = r.u64(), r.u64(), r.raw(SIGNATURE_SIZE)
    r.finish()
    if use not in (LeafUse.JOINING, LeafUse.ROOM):
        raise LeafError("leafUse", "the leaf's use is not known here")
    return LeafExtension(certificate, LeafUse(use), group_id, not_before, not_after, leaf_cert)


def _extension_data(leaf: LeafNode) -> bytes:
    data = find_extension(leaf.extensions, LEAF_EXTENSION)
    if data is None:
        raise LeafError("noLeafExtension", "the leaf does not say whose it is")
    return data


def _actor(leaf: LeafNode) -> str:
    """Read the actor out of the credential, which is basic and holds an actor URL."""
    try:
        actor = leaf.credential.identity.decode("ascii")
        node_of(actor)
    except (UnicodeDecodeError, RemoteIdentityError):
        raise LeafError("leafCredential", "the leaf's credential is no actor URL") from None
    return actor

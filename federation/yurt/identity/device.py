"""A device: one installed client of a person, certified by the identity key (TRUST 1, 2).

The device key pair is random and lives in the vault. The certificate says that this device is the
person's until ``not_after``, and which record issued it: raising a room's floor over that number shuts
out every certificate from before a revocation.

    keys = DeviceKeys.generate()
    certificate = DeviceCertificate.issue(identity_key, keys.public, record_seq=1, not_after=...)
    certificate.verify()
"""

import os
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from yurt.identity.did import Did, did_of, public_of
from yurt.identity.errors import DeviceError
from yurt.identity.identity_key import IdentityKey
from yurt.identity.signing import sign, verify
from yurt.mls.algorithms import Random
from yurt.mls.cipher_suite import X25519_AES128GCM_SHA256_ED25519
from yurt.mls.codec import Reader, Writer
from yurt.mls.signatures import ED25519
from yurt.wire.registry import DEVICE_ID_SIZE, LABEL_DEVICE

KEY_SIZE: Final = 32
_VAULT_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class DevicePublic:
    """What others know of a device."""

    device_id: bytes
    """16 random bytes."""
    ed25519: bytes
    """32 bytes: verifies leaf certificates, claims, checkpoints."""
    x25519: bytes
    """32 bytes: things are sealed to it."""

    def encode_to(self, w: Writer) -> None:
        """Write id and keys, all of fixed size."""
        w.raw(self.device_id).raw(self.ed25519).raw(self.x25519)

    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read id and keys."""
        return cls(r.raw(DEVICE_ID_SIZE), r.raw(KEY_SIZE), r.raw(KEY_SIZE))


@dataclass(frozen=True, slots=True)
class DeviceKeys:
    """A device's private keys."""

    device_id: bytes
    ed25519_private: bytes = field(repr=False)
    x25519_private: bytes = field(repr=False)

    @classmethod
    def generate(cls, random: Random = os.urandom) -> Self:
        """Make a new device."""
        return cls(random(DEVICE_ID_SIZE), random(KEY_SIZE), random(KEY_SIZE))

    @property
    def public(self) -> DevicePublic:
        """The public half."""
        x25519 = X25519PrivateKey.from_private_bytes(self.x25519_private).public_key()
        return DevicePublic(self.device_id, ED25519.public(self.ed25519_private), x25519.public_bytes_raw())

    def sign(self, label: bytes, data: bytes) -> bytes:
        """Sign one of our own formats with the device key."""
        return sign(self.ed25519_private, label, data)

    def encode(self) -> bytes:
        """Write the private keys for the vault."""
        w = Writer().u8(_VAULT_VERSION)
        return w.raw(self.device_id).raw(self.ed25519_private).raw(self.x25519_private).bytes()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read what `encode` wrote.

        Raises:
            DeviceError: Written by a newer version.
            DecodeError: Not what `encode` writes.
        """
        r = Reader(data)
        if r.u8() != _VAULT_VERSION:
            raise DeviceError("deviceVersion", "the device's keys were written by a newer version")
        keys = cls(r.raw(DEVICE_ID_SIZE), r.raw(KEY_SIZE), r.raw(KEY_SIZE))
        r.finish()
        return keys


@dataclass(frozen=True, slots=True)
class DeviceCertificate:
    """The identity key's word that a device is this person's; nothing until `verify` returned."""

    did: Did
    record_seq: int
    """Sequence number of the person record that issued it."""
    device: DevicePublic
    not_after: int
    """Seconds since 1970."""
    signature: bytes

    @classmethod
    def issue(cls, identity: IdentityKey, device: DevicePublic, *, record_seq: int, not_after: int) -> Self:
        """Certify a device."""
        did = identity.did
        said = _said(did, record_seq, device, not_after)
        return cls(did, record_seq, device, not_after, identity.sign(LABEL_DEVICE, said))

    def verify(self) -> None:
        """Check the signature and the keys; whether it has expired is judged elsewhere.

        Raises:
            WrongSignature: The identity key did not certify this (``deviceCertificate``).
            DeviceError: A key that nothing may be verified with or sealed to (``deviceKey``).
            MalformedDid: The did is none.
        """
        if not _acceptable(self.device):
            raise DeviceError("deviceKey", "the device's keys are malformed or of small order")
        said = _said(self.did, self.record_seq, self.device, self.not_after)
        verify(public_of(self.did), LABEL_DEVICE, said, self.signature, rule="deviceCertificate")


def certificate_of(
    identity_public: bytes, record_seq: int, device: DevicePublic, not_after: int, signature: bytes
) -> DeviceCertificate:
    """Put a certificate together from its parts in a leaf, where the did is 32 bytes.

    Raises:
        MalformedDid: The 32 bytes are no usable key.
    """
    return DeviceCertificate(did_of(identity_public), record_seq, device, not_after, signature)


def _acceptable(device: DevicePublic) -> bool:
    return (
        len(device.device_id) == DEVICE_ID_SIZE
        and ED25519.accepts(device.ed25519)
        and X25519_AES128GCM_SHA256_ED25519.accepts_hpke_key(device.x25519)
    )


def _said(did: str, record_seq: int, device: DevicePublic, not_after: int) -> bytes:
    """What the identity key signs: did, record_seq, device id, both keys, not_after (TRUST 2)."""
    w = Writer().raw(public_of(did)).u64(record_seq)
    device.encode_to(w)
    return w.u64(not_after).bytes()

"""Signing in with a device's own key: no passphrase, for a device that the person's record lists (TRUST 9).

A device that was linked, or made from the recovery phrase, has nothing else: the login key of the account is
made from a passphrase that may be another device's. The proof names the node, so no node can use it at
another one, and carries a nonce, which the node remembers for twice ``CLAIM_WINDOW_S``.

    proof = make_device_login(keys, did=did, node="harbour.example", time=now_s)
    login = decode_device_login(proof)                           # whose record to look up
    verify_device_login(login, record, node="harbour.example", now=now_s)
"""

import os
from dataclasses import dataclass
from typing import Final

from yurt.identity.device import DeviceKeys
from yurt.identity.did import DID_SIZE, Did, did_of, public_of
from yurt.identity.errors import ClaimError, MalformedDid
from yurt.identity.labels import LABEL_DEVICE_LOGIN
from yurt.identity.signed_record import VerifiedRecord
from yurt.identity.signing import SIGNATURE_SIZE, verify
from yurt.mls.algorithms import Random
from yurt.mls.codec import Reader, Writer
from yurt.mls.errors import DecodeError
from yurt.wire.registry import CLAIM_WINDOW_S, DEVICE_ID_SIZE

MAX_DEVICE_LOGIN_SIZE: Final = 512
NONCE_SIZE: Final = 16
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class DeviceLogin:
    """A proof as it arrived: readable, and not yet believed."""

    did: Did
    device_id: bytes
    node: str
    time: int
    """Seconds since 1970, by the device's clock."""
    nonce: bytes
    signed: bytes
    signature: bytes


def make_device_login(
    keys: DeviceKeys, *, did: str, node: str, time: int, random: Random = os.urandom
) -> bytes:
    """Prove to a node that this device asks, now.

    Args:
        keys: This device's.
        did: Whose device it is.
        node: The node's name.
        time: Seconds since 1970.
        random: Where the nonce comes from.
    """
    w = Writer().u8(_VERSION).raw(public_of(did)).raw(keys.device_id)
    said = w.opaque(node.encode()).u64(time).raw(random(NONCE_SIZE)).bytes()
    return said + keys.sign(LABEL_DEVICE_LOGIN, said)


def decode_device_login(data: bytes) -> DeviceLogin:
    """Read a proof without believing it.

    Raises:
        ClaimError: Malformed (``malformedLogin``) or of an unknown version (``loginVersion``).
    """
    if len(data) > MAX_DEVICE_LOGIN_SIZE:
        raise ClaimError("malformedLogin", "the proof is too large")
    try:
        r = Reader(data)
        if r.u8() != _VERSION:
            raise ClaimError("loginVersion", "the proof is of a version that is not known here")
        did, device_id, node = did_of(r.raw(DID_SIZE)), r.raw(DEVICE_ID_SIZE), r.opaque().decode()
        time, nonce, signature = r.u64(), r.raw(NONCE_SIZE), r.raw(SIGNATURE_SIZE)
        r.finish()
    except (DecodeError, MalformedDid, UnicodeDecodeError):
        raise ClaimError("malformedLogin", "the proof is malformed") from None
    return DeviceLogin(did, device_id, node, time, nonce, data[:-SIGNATURE_SIZE], signature)


def verify_device_login(login: DeviceLogin, record: VerifiedRecord, *, node: str, now: int) -> None:
    """Check that a device which the record lists made this proof, just now, for this node.

    Args:
        login: As it was read.
        record: The person's newest verified record.
        node: The node that is asked.
        now: Seconds since 1970.

    Raises:
        ClaimError: For another node (``loginNode``) or person (``loginDid``), outside the time window
            (``loginTime``), by a device that the record does not list or whose certificate is over
            (``loginDevice``).
        WrongSignature: Not signed by that device (``loginSignature``).
    """
    if login.node != node:
        raise ClaimError("loginNode", "the proof is for another node")
    if login.did != record.did:
        raise ClaimError("loginDid", "the proof is another person's")
    if abs(now - login.time) > CLAIM_WINDOW_S:
        raise ClaimError("loginTime", "the proof's time is too far from now: check the clock")
    device = record.device(login.device_id)
    if device is None or now > device.not_after:
        raise ClaimError("loginDevice", "this device is not in the person's newest record")
    verify(device.device.ed25519, LABEL_DEVICE_LOGIN, login.signed, login.signature, rule="loginSignature")

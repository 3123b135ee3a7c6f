"""A claim: a device asks, in its person's name, for key packages of somebody else (TRUST 6).

The claimer's node only carries it. Whoever hands out key packages checks it against the claimer's person
record and remembers the nonce for twice ``CLAIM_WINDOW_S``.

    claim = make_claim(keys, claimer=did, target=other, purpose=PURPOSE_ROOM, time=now_s)
    verified = verify_claim(claim, record, target=other, now=now_s)
"""

import os
from dataclasses import dataclass
from typing import Final

from yurt.identity.device import DeviceKeys
from yurt.identity.did import Did, did_of, public_of
from yurt.identity.errors import ClaimError, MalformedDid
from yurt.identity.signed_record import VerifiedRecord
from yurt.identity.signing import SIGNATURE_SIZE, verify
from yurt.mls.algorithms import Random
from yurt.mls.codec import Reader, Writer
from yurt.mls.errors import DecodeError
from yurt.wire.registry import CLAIM_WINDOW_S, DEVICE_ID_SIZE, LABEL_CLAIM

PURPOSE_ROOM: Final = "room"
"""The packages are wanted to add the target to a room."""
MAX_CLAIM_SIZE: Final = 512
NONCE_SIZE: Final = 16
_DID_SIZE: Final = 32
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class ClaimIn:
    """A claim as it arrived: readable, and not yet believed."""

    claimer: Did
    device_id: bytes
    target: Did
    purpose: str
    time: int
    """Seconds since 1970, by the claimer's clock."""
    nonce: bytes
    signed: bytes
    """What the device signed."""
    signature: bytes


@dataclass(frozen=True, slots=True)
class VerifiedClaim:
    """A claim that the claimer's device really made, now, about this target."""

    claimer: Did
    device_id: bytes
    target: Did
    purpose: str
    nonce: bytes
    """Unique to this claim: seen again, it is a replay."""


def make_claim(
    keys: DeviceKeys,
    *,
    claimer: str,
    target: str,
    purpose: str = PURPOSE_ROOM,
    time: int,
    random: Random = os.urandom,
) -> bytes:
    """Claim key packages of `target`.

    Args:
        keys: The claiming device's.
        claimer: The did that the device belongs to.
        target: Whose packages.
        purpose: What for.
        time: Seconds since 1970.
        random: Where the nonce comes from.
    """
    w = Writer().u8(_VERSION).raw(public_of(claimer)).raw(keys.device_id).raw(public_of(target))
    said = w.opaque(purpose.encode()).u64(time).raw(random(NONCE_SIZE)).bytes()
    return said + keys.sign(LABEL_CLAIM, said)


def decode_claim(data: bytes) -> ClaimIn:
    """Read a claim without believing it, to learn whose record must be looked up.

    Raises:
        ClaimError: Malformed (``malformedClaim``) or of an unknown version (``claimVersion``).
    """
    if len(data) > MAX_CLAIM_SIZE:
        raise ClaimError("malformedClaim", "the claim is too large")
    try:
        return _read(data)
    except (DecodeError, MalformedDid, UnicodeDecodeError):
        raise ClaimError("malformedClaim", "the claim is malformed") from None


def verify_claim(
    claim: bytes | ClaimIn, record: VerifiedRecord, *, target: str, now: int, purpose: str = PURPOSE_ROOM
) -> VerifiedClaim:
    """Check that the claimer's own device made this claim, just now, about `target`.

    Args:
        claim: As it arrived.
        record: The claimer's newest verified person record.
        target: The did whose packages are kept here.
        now: Seconds since 1970.
        purpose: What the packages are handed out for here.

    Raises:
        ClaimError: By another person (``claimClaimer``), about another (``claimTarget``), for something
            else (``claimPurpose``), outside the time window (``claimTime``), by a device that the record
            does not list or whose certificate has expired (``claimDevice``).
        WrongSignature: Not signed by that device (``claimSignature``).
    """
    claim = decode_claim(claim) if isinstance(claim, bytes) else claim
    if claim.claimer != record.did:
        raise ClaimError("claimClaimer", "the claim is by another person than the record")
    if claim.target != target:
        raise ClaimError("claimTarget", "the claim is about somebody else")
    if claim.purpose != purpose:
        raise ClaimError("claimPurpose", "the claim is for something else")
    if abs(now - claim.time) > CLAIM_WINDOW_S:
        raise ClaimError("claimTime", "the claim's time is too far from now: check the clock")
    device = record.device(claim.device_id)
    if device is None or now > device.not_after:
        raise ClaimError("claimDevice", "the claiming device is not in the person's newest record")
    verify(device.device.ed25519, LABEL_CLAIM, claim.signed, claim.signature, rule="claimSignature")
    return VerifiedClaim(claim.claimer, claim.device_id, claim.target, claim.purpose, claim.nonce)


def _read(data: bytes) -> ClaimIn:
    r = Reader(data)
    if r.u8() != _VERSION:
        raise ClaimError("claimVersion", "the claim is of a version that is not known here")
    claimer, device_id, target = did_of(r.raw(_DID_SIZE)), r.raw(DEVICE_ID_SIZE), did_of(r.raw(_DID_SIZE))
    purpose, time, nonce = r.opaque().decode(), r.u64(), r.raw(NONCE_SIZE)
    signature = r.raw(SIGNATURE_SIZE)
    r.finish()
    said = data[:-SIGNATURE_SIZE]
    return ClaimIn(claimer, device_id, target, purpose, time, nonce, said, signature)

"""Person records as they travel: signed, chained, and believed only after verification (TRUST 1).

**Wire form**: the RFC 8785 JSON object ``{"record": R, "signature": S}``, where the string R is the
record's own bytes, verbatim, and S is base64url. So the signed bytes are relayed untouched, and a signed
record has exactly one form. Several records are a JSON array of these (`encode_records`).

    signed = first_record(identity_key, actor, keys.public, not_after=..., time=...)
    known = verify_first(SignedRecord.decode(arrived))
    match verify_next(known, SignedRecord.decode(newer)):
        case Frozen(): ...          # two records at one number: the human chooses
        case VerifiedRecord() as known: ...
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from yurt.identity import base64url
from yurt.identity.device import DeviceCertificate, DevicePublic
from yurt.identity.did import Did, public_of
from yurt.identity.errors import LocalIdentityError, RecordError
from yurt.identity.identity_key import IdentityKey
from yurt.identity.record import FIRST_SEQ, PersonRecord, canonical_json
from yurt.identity.signing import SIGNATURE_SIZE, verify
from yurt.wire.errors import GateError
from yurt.wire.gate import decode_json
from yurt.wire.registry import LABEL_RECORD, MAX_RECORD_SIZE

MAX_SIGNED_RECORD_SIZE: Final = 2 * MAX_RECORD_SIZE + 256
"""Quotes inside the string are escaped, so it grows; in bytes."""


class _SignedJson(msgspec.Struct, forbid_unknown_fields=True):
    record: str
    signature: str


@dataclass(frozen=True, slots=True)
class SignedRecord:
    """A record's bytes and the signature over them; not yet believed."""

    record: bytes
    signature: bytes

    def encode(self) -> bytes:
        """Write the wire form."""
        return canonical_json({"record": self.record.decode(), "signature": base64url.encode(self.signature)})

    @classmethod
    def decode(cls, data: bytes) -> "SignedRecord":
        """Read the wire form.

        Raises:
            RecordError: Too large, malformed, or not the one form.
        """
        if len(data) > MAX_SIGNED_RECORD_SIZE:
            raise RecordError("recordTooLarge", "the signed person record is too large")
        try:
            value = decode_json(data, _SignedJson, limit=MAX_SIGNED_RECORD_SIZE)
            signed = cls(value.record.encode(), base64url.decode(value.signature, SIGNATURE_SIZE))
        except (GateError, ValueError):
            raise RecordError("malformedRecord", "the signed person record is malformed") from None
        if signed.encode() != data:
            raise RecordError("recordNotCanonical", "the signed person record is not in its canonical form")
        return signed


@dataclass(frozen=True, slots=True)
class VerifiedRecord:
    """A record that its person really signed."""

    record: PersonRecord
    signed: SignedRecord

    @property
    def did(self) -> Did:
        """Whose record it is."""
        return self.record.did

    @property
    def hash(self) -> bytes:
        """SHA-256 of the record's bytes: what the next record links to."""
        return hashlib.sha256(self.signed.record).digest()

    def device(self, device_id: bytes) -> DeviceCertificate | None:
        """Find a listed device."""
        return self.record.device(device_id)


@dataclass(frozen=True, slots=True)
class Frozen:
    """Two different records at one number: somebody else has the phrase, or a copy of a device lied.

    Local trust (TRUST 1): the last common record stands, no new device or actor is accepted, both are
    kept and gossiped, and the human chooses.
    """

    known: VerifiedRecord
    other: VerifiedRecord


def first_record(
    identity: IdentityKey, actor: str, device: DevicePublic, *, not_after: int, time: int
) -> SignedRecord:
    """Begin a person: one device, one actor.

    Args:
        identity: From the recovery phrase.
        actor: The actor URL.
        device: The device on which this runs.
        not_after: Until when the device is certified, in seconds since 1970; at most a year from `time`.
        time: Now, in seconds since 1970.
    """
    certificate = DeviceCertificate.issue(identity, device, record_seq=FIRST_SEQ, not_after=not_after)
    return _sign(identity, PersonRecord(identity.did, FIRST_SEQ, b"", actor, (certificate,), time))


def next_record(
    previous: VerifiedRecord,
    identity: IdentityKey,
    *,
    time: int,
    actor: str | None = None,
    add: Iterable[tuple[DevicePublic, int]] = (),
    revoke: Sequence[bytes] = (),
    buddies: Sequence[str] | None = None,
) -> SignedRecord:
    """Make the record that follows.

    Args:
        previous: The newest verified record.
        identity: From the recovery phrase.
        time: Now, in seconds since 1970.
        actor: The new actor URL, after a move.
        add: New devices, each with its ``not_after``.
        revoke: Ids of devices that are no longer trusted; the others get new certificates.
        buddies: Names of the nodes that keep the continuity kit; None: as before.

    Raises:
        LocalIdentityError: Another person's phrase.
        RecordError: The result would not be valid.
    """
    old, seq = previous.record, previous.record.seq + 1
    if identity.did != old.did:
        raise LocalIdentityError("otherPerson", "the phrase belongs to another person")
    kept = [c for c in old.devices if c.device.device_id not in revoke]
    if revoke:
        kept = [_issue(identity, c.device, seq, c.not_after) for c in kept]
    devices = (*kept, *(_issue(identity, device, seq, not_after) for device, not_after in add))
    moved = actor is not None and actor != old.actor
    record = replace(
        old,
        seq=seq,
        prev=previous.hash,
        actor=actor or old.actor,
        previous_actors=(*old.previous_actors, old.actor) if moved else old.previous_actors,
        devices=devices,
        revoked=(*old.revoked, *revoke),
        buddies=old.buddies if buddies is None else tuple(buddies),
        time=max(time, old.time),
    )
    return _sign(identity, record)


def verify_record(signed: SignedRecord) -> VerifiedRecord:
    """Verify a record standing alone, as at first contact, when no earlier one is known.

    Raises:
        RecordError: Malformed or out of bounds.
        WrongSignature: Not signed by its did, or a certificate in it is not.
        DeviceError: A device key that cannot be used.
    """
    record = PersonRecord.decode(signed.record)
    verify(public_of(record.did), LABEL_RECORD, signed.record, signed.signature, rule="recordSignature")
    for certificate in record.devices:
        certificate.verify()
    return VerifiedRecord(record, signed)


def verify_first(signed: SignedRecord) -> VerifiedRecord:
    """Verify the first record of a person.

    Raises:
        RecordError: It is not the first (``recordSeq``), or see `verify_record`.
        WrongSignature: See `verify_record`.
    """
    verified = verify_record(signed)
    if verified.record.seq != FIRST_SEQ:
        raise RecordError("recordSeq", "this is not a person's first record")
    return verified


def verify_next(previous: VerifiedRecord, signed: SignedRecord) -> VerifiedRecord | Frozen:
    """Verify a record against the newest one known.

    Returns:
        The new record; `previous` itself if it is the same one; `Frozen` if it is another at the same
        number.

    Raises:
        RecordError: Another person's (``recordDid``), older than the known one (``recordOld``), one
            between is missing (``recordGap``: fetch from there), not linked to the known one
            (``recordPrev``), a time that goes back (``recordTime``), a revoked device that comes back
            (``recordRevoked``), certificates not issued anew after a revocation (``recordReissue``).
        WrongSignature: See `verify_record`.
    """
    verified = verify_record(signed)
    old, new = previous.record, verified.record
    if new.did != old.did:
        raise RecordError("recordDid", "the record is another person's")
    if new.seq == old.seq:
        return previous if verified.hash == previous.hash else Frozen(previous, verified)
    if new.seq < old.seq:
        raise RecordError("recordOld", f"record {new.seq} is older than the known record {old.seq}")
    if new.seq > old.seq + 1:
        raise RecordError("recordGap", f"records {old.seq + 1} to {new.seq - 1} are missing")
    _check_link(previous, new)
    return verified


def verify_chain(
    records: Iterable[SignedRecord], known: VerifiedRecord | None = None
) -> VerifiedRecord | Frozen:
    """Verify several records in order, on top of the known one or from wherever they begin.

    Raises:
        RecordError: None at all (``noRecord``), or see `verify_next`.
        WrongSignature: See `verify_record`.
    """
    for signed in records:
        outcome = verify_record(signed) if known is None else verify_next(known, signed)
        if isinstance(outcome, Frozen):
            return outcome
        known = outcome
    if known is None:
        raise RecordError("noRecord", "there is no person record")
    return known


def encode_records(records: Iterable[bytes]) -> bytes:
    """Write signed records, each in its wire form and verbatim, as the JSON array that nodes serve."""
    return b"[" + b",".join(records) + b"]"


def decode_records(data: bytes, *, most: int = 256) -> tuple[SignedRecord, ...]:
    """Read the array that `encode_records` writes.

    Raises:
        RecordError: No array, too many, or a malformed item.
    """
    try:
        items = decode_json(data, list[msgspec.Raw], limit=most * MAX_SIGNED_RECORD_SIZE)
    except GateError:
        raise RecordError("malformedRecord", "the answer is no list of person records") from None
    if len(items) > most:
        raise RecordError("recordTooLarge", f"more than {most} person records at once")
    return tuple(SignedRecord.decode(bytes(item)) for item in items)


def _check_link(previous: VerifiedRecord, new: PersonRecord) -> None:
    old = previous.record
    if new.prev != previous.hash:
        raise RecordError("recordPrev", "the record does not continue the one that is known")
    if new.time < old.time:
        raise RecordError("recordTime", "the record is older than the one before it")
    if any(c.device.device_id in old.revoked for c in new.devices):
        raise RecordError("recordRevoked", "a revoked device came back")
    # TRUST 2: after a revocation nobody may go on with a certificate from before it.
    if set(new.revoked) - set(old.revoked) and any(c.record_seq != new.seq for c in new.devices):
        raise RecordError("recordReissue", "a revocation must issue the other certificates anew")


def _issue(identity: IdentityKey, device: DevicePublic, seq: int, not_after: int) -> DeviceCertificate:
    return DeviceCertificate.issue(identity, device, record_seq=seq, not_after=not_after)


def _sign(identity: IdentityKey, record: PersonRecord) -> SignedRecord:
    data = record.encode()
    PersonRecord.decode(data)  # never publish what others will refuse
    return SignedRecord(data, identity.sign(LABEL_RECORD, data))

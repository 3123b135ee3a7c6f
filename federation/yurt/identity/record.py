"""The person record: the devices and the present actor of a person, one link of a signed chain (TRUST 1).

It is RFC 8785 JSON, so that the same record is always the same bytes; binary fields are base64url
without padding. Keys that a newer version adds are kept in the bytes and ignored here.

    {"actor": "https://...", "buddies": [], "devices": [{"cert", "id", "keys": {"ed25519", "x25519"},
     "not_after", "record_seq"}], "did": "did:key:z6Mk...", "prev": "", "previous_actors": [],
     "revoked": [], "seq": 1, "successor": null, "time": 1795000000, "v": 1}

``record_seq`` of a device is the record that issued its certificate: this one or an earlier one.
Signatures, and the chain, are in `yurt.identity.signed_record`.
"""

from dataclasses import dataclass
from typing import Annotated, Final, cast

import msgspec
import rfc8785

from yurt.identity import base64url
from yurt.identity.device import KEY_SIZE, DeviceCertificate, DevicePublic
from yurt.identity.did import Did, parse_did
from yurt.identity.errors import RecordError, RemoteIdentityError
from yurt.identity.location import node_of
from yurt.identity.signing import SIGNATURE_SIZE
from yurt.wire.errors import GateError
from yurt.wire.gate import parse_json
from yurt.wire.registry import DEVICE_ID_SIZE, DEVICE_LIFETIME_S, HASH_SIZE, MAX_DEVICES, MAX_RECORD_SIZE

RECORD_VERSION: Final = 1
FIRST_SEQ: Final = 1
MAX_LISTED: Final = 64
"""Most previous actors, revoked devices and buddies, each."""

_Integer = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
_Short = Annotated[str, msgspec.Meta(max_length=512)]
_Shorts = Annotated[list[_Short], msgspec.Meta(max_length=MAX_LISTED)]


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """What a person says about themselves; believed only inside a `VerifiedRecord`."""

    did: Did
    seq: int
    """1 for the first."""
    prev: bytes
    """SHA-256 of the previous record's bytes; empty in the first."""
    actor: str
    """Where they are now."""
    devices: tuple[DeviceCertificate, ...]
    time: int
    """When it was made, in seconds since 1970; never decreases along the chain."""
    previous_actors: tuple[str, ...] = ()
    revoked: tuple[bytes, ...] = ()
    """Device ids that never come back."""
    buddies: tuple[str, ...] = ()
    """Nodes that keep a copy of the continuity kit (later)."""
    successor: Did | None = None
    """Who this person is from now on (later)."""

    def device(self, device_id: bytes) -> DeviceCertificate | None:
        """Find a listed device."""
        return next((c for c in self.devices if c.device.device_id == device_id), None)

    def encode(self) -> bytes:
        """Write the canonical bytes, which are what is signed and hashed."""
        value = _RecordJson(
            v=RECORD_VERSION,
            did=self.did,
            seq=self.seq,
            prev=base64url.encode(self.prev),
            actor=self.actor,
            previous_actors=list(self.previous_actors),
            devices=[_device_json(certificate) for certificate in self.devices],
            revoked=[base64url.encode(device_id) for device_id in self.revoked],
            buddies=list(self.buddies),
            successor=self.successor,
            time=self.time,
        )
        return canonical_json(msgspec.to_builtins(value))

    @classmethod
    def decode(cls, data: bytes) -> "PersonRecord":
        """Read a record and check all that can be checked without signatures.

        Raises:
            RecordError: Too large, not canonical, of an unknown version, or a field out of its bounds.
        """
        value = _parse(data)
        try:
            record = _from_json(value)
            _check_fields(record)
        except RecordError:
            raise
        except (RemoteIdentityError, ValueError) as error:
            raise RecordError("malformedRecord", f"the person record is malformed: {error}") from None
        return record


class _KeysJson(msgspec.Struct):
    ed25519: _Short
    x25519: _Short


class _DeviceJson(msgspec.Struct):
    id: _Short
    keys: _KeysJson
    not_after: _Integer
    record_seq: _Integer
    cert: _Short


class _RecordJson(msgspec.Struct):
    v: int
    did: _Short
    seq: _Integer
    prev: _Short
    actor: _Short
    previous_actors: _Shorts
    devices: list[_DeviceJson]
    revoked: _Shorts
    buddies: _Shorts
    successor: _Short | None
    time: _Integer


def canonical_json(value: object) -> bytes:
    """Write RFC 8785 JSON.

    Raises:
        RecordError: The value has no canonical form (a float that is none, a huge integer).
    """
    try:
        # rfc8785 types its input more narrowly than "what a JSON parser gave".
        return rfc8785.dumps(cast("dict[str, str]", value))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError):
        raise RecordError("malformedRecord", "the person record has no canonical form") from None


def _parse(data: bytes) -> _RecordJson:
    if len(data) > MAX_RECORD_SIZE:
        raise RecordError("recordTooLarge", f"a person record has at most {MAX_RECORD_SIZE} bytes")
    try:
        tree = parse_json(data, limit=MAX_RECORD_SIZE)
        version = msgspec.convert(tree, dict[str, object]).get("v")
        if version != RECORD_VERSION:
            raise RecordError("recordVersion", "the person record is of a version that is not known here")
        value = msgspec.convert(tree, _RecordJson)
    except (GateError, msgspec.ValidationError):
        raise RecordError("malformedRecord", "the person record is malformed") from None
    # Refuses spaces and second spellings: one record, one text.
    if canonical_json(tree) != data:
        raise RecordError("recordNotCanonical", "the person record is not in its canonical form")
    return value


def _device_json(certificate: DeviceCertificate) -> _DeviceJson:
    device = certificate.device
    return _DeviceJson(
        id=base64url.encode(device.device_id),
        keys=_KeysJson(base64url.encode(device.ed25519), base64url.encode(device.x25519)),
        not_after=certificate.not_after,
        record_seq=certificate.record_seq,
        cert=base64url.encode(certificate.signature),
    )


def _from_json(value: _RecordJson) -> PersonRecord:
    did = parse_did(value.did)
    return PersonRecord(
        did=did,
        seq=value.seq,
        prev=base64url.decode(value.prev),
        actor=value.actor,
        devices=tuple(_certificate(did, device) for device in value.devices),
        time=value.time,
        previous_actors=tuple(value.previous_actors),
        revoked=tuple(base64url.decode(device_id, DEVICE_ID_SIZE) for device_id in value.revoked),
        buddies=tuple(value.buddies),
        successor=None if value.successor is None else parse_did(value.successor),
    )


def _certificate(did: Did, value: _DeviceJson) -> DeviceCertificate:
    device = DevicePublic(
        base64url.decode(value.id, DEVICE_ID_SIZE),
        base64url.decode(value.keys.ed25519, KEY_SIZE),
        base64url.decode(value.keys.x25519, KEY_SIZE),
    )
    signature = base64url.decode(value.cert, SIGNATURE_SIZE)
    return DeviceCertificate(did, value.record_seq, device, value.not_after, signature)


def _check_fields(record: PersonRecord) -> None:
    if record.seq < FIRST_SEQ or len(record.prev) != (0 if record.seq == FIRST_SEQ else HASH_SIZE):
        raise RecordError("recordSeq", "the person record's number and link do not fit together")
    for actor in (record.actor, *record.previous_actors):
        node_of(actor)
    _check_devices(record)


def _check_devices(record: PersonRecord) -> None:
    ids = [certificate.device.device_id for certificate in record.devices]
    if len(ids) > MAX_DEVICES:
        raise RecordError("recordDevices", f"a person has at most {MAX_DEVICES} devices")
    if len(set(ids)) != len(ids):
        raise RecordError("recordDevices", "the person record lists a device twice")
    if set(ids) & set(record.revoked):
        raise RecordError("recordRevoked", "the person record lists a device that it revokes")
    for certificate in record.devices:
        if not FIRST_SEQ <= certificate.record_seq <= record.seq:
            raise RecordError("recordDevices", "a certificate names a record that does not exist yet")
        if certificate.not_after > record.time + DEVICE_LIFETIME_S:
            raise RecordError("recordDevices", "a device is certified for more than a year")

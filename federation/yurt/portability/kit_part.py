"""How a part of a continuity kit travels: RFC 8785 JSON, binary fields in base64url (TRUST 9).

::

    {"box": "...", "counter": 8, "device": {"cert", "id", "keys", "not_after", "record_seq"},
     "did": "did:key:...", "identity_signature": null, "part": "graph", "reader": "...", "signature": "...",
     "time": 1795000000, "v": 1}

The box's associated data is all of this without box and signatures; signed is all without signatures.
"""

from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

import msgspec

from yurt.identity import base64url
from yurt.identity.device import KEY_SIZE, DeviceCertificate, DevicePublic
from yurt.identity.did import Did, parse_did
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.signing import SIGNATURE_SIZE
from yurt.portability.canonical import Integer, Short, decode, encode
from yurt.portability.errors import KitError
from yurt.wire.errors import GateError
from yurt.wire.registry import DEVICE_ID_SIZE

KIT_VERSION: Final = 1
PartName = Literal["keys", "graph"]
KEYS: Final = "keys"
GRAPH: Final = "graph"
MAX_PART_SIZE: Final = 3 * 1024 * 1024
"""Bytes of one part as it travels; both fit into the 4 MiB that a buddy gives."""


@dataclass(frozen=True, slots=True)
class KitPartIn:
    """A part as it arrived: readable from outside, and not yet believed."""

    did: Did
    part: PartName
    counter: int
    time: int
    """When it was sealed, in seconds since 1970."""
    reader: bytes
    """32 bytes: verifies who may fetch it."""
    device: DeviceCertificate
    box: bytes = field(repr=False)
    signature: bytes
    identity_signature: bytes | None
    data: bytes = field(repr=False)
    """Verbatim, as it is stored and relayed."""


class _KeysOfDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ed25519: Short
    x25519: Short


class _DeviceJson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Short
    keys: _KeysOfDevice
    not_after: Integer
    record_seq: Integer
    cert: Short


class HeadJson(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Associated data of the box: a box belongs under no other head."""

    v: int
    did: Short
    part: PartName
    counter: Integer
    time: Integer
    reader: Short
    device: _DeviceJson


class SaidJson(HeadJson, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is signed."""

    box: Annotated[str, msgspec.Meta(max_length=MAX_PART_SIZE)]


class PartJson(SaidJson, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What travels."""

    signature: Short
    identity_signature: Short | None


def decode_part(data: bytes) -> KitPartIn:
    """Read a part without believing it, to learn whose record must be looked up.

    Raises:
        KitError: ``malformedKit``, ``kitVersion`` or ``kitTooLarge``.
    """
    if len(data) > MAX_PART_SIZE:
        raise KitError("kitTooLarge", "the part of a kit is too large")
    try:
        value = decode(data, PartJson, limit=MAX_PART_SIZE)
        if value.v != KIT_VERSION:
            raise KitError("kitVersion", "the kit is of a version that is not known here")
        return _from_json(value, data)
    except (GateError, RemoteIdentityError, ValueError):
        raise KitError("malformedKit", "the part of a kit is malformed") from None


def _from_json(value: PartJson, data: bytes) -> KitPartIn:
    did = parse_did(value.did)
    device = DevicePublic(
        base64url.decode(value.device.id, DEVICE_ID_SIZE),
        base64url.decode(value.device.keys.ed25519, KEY_SIZE),
        base64url.decode(value.device.keys.x25519, KEY_SIZE),
    )
    cert = base64url.decode(value.device.cert, SIGNATURE_SIZE)
    by_identity = value.identity_signature
    if (by_identity is None) != (value.part == GRAPH):
        raise ValueError("the identity key signs the keys, and nothing else")
    return KitPartIn(
        did,
        value.part,
        value.counter,
        value.time,
        base64url.decode(value.reader, KEY_SIZE),
        DeviceCertificate(did, value.device.record_seq, device, value.device.not_after, cert),
        base64url.decode(value.box),
        base64url.decode(value.signature, SIGNATURE_SIZE),
        None if by_identity is None else base64url.decode(by_identity, SIGNATURE_SIZE),
        data,
    )


def head_of(said: KitPartIn) -> HeadJson:
    """Give the head of a part: associated data of its box."""
    return HeadJson(
        v=KIT_VERSION,
        did=said.did,
        part=said.part,
        counter=said.counter,
        time=said.time,
        reader=base64url.encode(said.reader),
        device=device_json(said.device),
    )


def signed_bytes(said: KitPartIn) -> bytes:
    """Give what device and identity key sign."""
    fields = msgspec.structs.asdict(head_of(said))
    return encode(SaidJson(**fields, box=base64url.encode(said.box)))


def device_json(certificate: DeviceCertificate) -> _DeviceJson:
    """Write a certificate as a person record writes it."""
    device = certificate.device
    return _DeviceJson(
        id=base64url.encode(device.device_id),
        keys=_KeysOfDevice(base64url.encode(device.ed25519), base64url.encode(device.x25519)),
        not_after=certificate.not_after,
        record_seq=certificate.record_seq,
        cert=base64url.encode(certificate.signature),
    )

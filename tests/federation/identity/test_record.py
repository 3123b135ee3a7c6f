"""A person record is a link of a chain that only the person can lengthen."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from yurt.identity.device import DeviceKeys
from yurt.identity.errors import (
    IdentityError,
    LocalIdentityError,
    RecordError,
    RemoteIdentityError,
    WrongSignature,
)
from yurt.identity.identity_key import IdentityKey
from yurt.identity.record import PersonRecord
from yurt.identity.signed_record import (
    Frozen,
    SignedRecord,
    VerifiedRecord,
    decode_records,
    encode_records,
    first_record,
    next_record,
    verify_chain,
    verify_first,
    verify_next,
    verify_record,
)
from yurt.wire.registry import LABEL_RECORD

NOW = 1_795_000_000
YEAR = 365 * 86_400
HARBOUR = "https://harbour.example/users/ana"
HILLTOP = "https://hilltop.example/users/ana"


@pytest.fixture
def first(ana: IdentityKey, ana_phone: DeviceKeys) -> VerifiedRecord:
    return verify_first(first_record(ana, HARBOUR, ana_phone.public, not_after=NOW + YEAR, time=NOW))


def resign(identity: IdentityKey, record: PersonRecord) -> SignedRecord:
    """Sign whatever a person with the right key might claim."""
    data = record.encode()
    return SignedRecord(data, identity.sign(LABEL_RECORD, data))


def test_first_record(first: VerifiedRecord, ana: IdentityKey, golden: Callable[[str, bytes], None]) -> None:
    """One device, one actor, number one; its wire form never changes."""
    wire = first.signed.encode()

    assert (first.did, first.record.seq, first.record.actor) == (ana.did, 1, HARBOUR)
    assert verify_first(SignedRecord.decode(wire)) == first
    golden("first_record.json", wire)


def test_second_record(
    first: VerifiedRecord, ana: IdentityKey, ana_laptop: DeviceKeys, golden: Callable[[str, bytes], None]
) -> None:
    """A move and a second device: the old actor is remembered, the old certificate stays."""
    signed = next_record(first, ana, time=NOW + 60, actor=HILLTOP, add=[(ana_laptop.public, NOW + YEAR)])

    second = verify_next(first, signed)

    assert isinstance(second, VerifiedRecord)
    assert second.record.previous_actors == (HARBOUR,)
    assert [c.record_seq for c in second.record.devices] == [1, 2]
    golden("second_record.json", signed.encode())


def test_revocation_issues_the_others_anew(
    first: VerifiedRecord, ana: IdentityKey, ana_phone: DeviceKeys, ana_laptop: DeviceKeys
) -> None:
    """After the phone is lost the laptop has a certificate from the new record, and the phone none."""
    second = verify_next(first, next_record(first, ana, time=NOW, add=[(ana_laptop.public, NOW + YEAR)]))
    assert isinstance(second, VerifiedRecord)

    third = verify_next(second, next_record(second, ana, time=NOW, revoke=[ana_phone.device_id]))

    assert isinstance(third, VerifiedRecord)
    assert third.device(ana_phone.device_id) is None
    assert [c.record_seq for c in third.record.devices] == [3]
    kept = replace(third.record, devices=second.record.devices[1:])
    with pytest.raises(RecordError) as caught:
        verify_next(second, resign(ana, kept))
    assert caught.value.rule == "recordReissue"


def test_revoked_device_never_comes_back(
    first: VerifiedRecord, ana: IdentityKey, ana_phone: DeviceKeys
) -> None:
    """Neither beside its revocation nor in a later record."""
    second = verify_next(first, next_record(first, ana, time=NOW, revoke=[ana_phone.device_id]))
    assert isinstance(second, VerifiedRecord)

    with pytest.raises(RecordError) as caught:
        next_record(second, ana, time=NOW, add=[(ana_phone.public, NOW + YEAR)])
    assert caught.value.rule == "recordRevoked"
    forgetful = replace(second.record, seq=3, prev=second.hash, devices=first.record.devices, revoked=())
    with pytest.raises(RecordError) as caught:
        verify_next(second, resign(ana, forgetful))
    assert caught.value.rule == "recordRevoked"


def test_two_records_at_one_number_freeze(first: VerifiedRecord, ana: IdentityKey) -> None:
    """Both are kept for the human; the same record twice is nothing new."""
    one = verify_next(first, next_record(first, ana, time=NOW + 1))
    assert isinstance(one, VerifiedRecord)
    other = next_record(first, ana, time=NOW + 2)

    assert verify_next(one, one.signed) is one
    assert verify_next(one, other) == Frozen(one, verify_record(other))


def test_chain_is_followed_in_order(first: VerifiedRecord, ana: IdentityKey) -> None:
    """Gaps, old ones and strangers are named; a whole list brings one up to date."""
    records = [first]
    for minute in range(1, 4):
        after = verify_next(records[-1], next_record(records[-1], ana, time=NOW + 60 * minute))
        assert isinstance(after, VerifiedRecord)
        records.append(after)
    wire = encode_records(record.signed.encode() for record in records)

    assert verify_chain(decode_records(wire)) == records[-1]
    assert verify_chain(decode_records(wire)[2:], records[1]) == records[-1]
    for known, arrived, rule in ((0, 2, "recordGap"), (2, 1, "recordOld")):
        with pytest.raises(RecordError) as caught:
            verify_next(records[known], records[arrived].signed)
        assert caught.value.rule == rule


def test_only_the_person_goes_on(
    first: VerifiedRecord, ana: IdentityKey, bo: IdentityKey, ana_phone: DeviceKeys
) -> None:
    """Bo can neither sign ana's next record nor slip his own in."""
    his = first_record(bo, HARBOUR, ana_phone.public, not_after=NOW, time=NOW)
    second = next_record(first, ana, time=NOW)

    with pytest.raises(LocalIdentityError):
        next_record(first, bo, time=NOW)
    with pytest.raises(RecordError):
        verify_next(first, his)
    with pytest.raises(WrongSignature):
        verify_next(first, SignedRecord(second.record, bo.sign(LABEL_RECORD, second.record)))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"seq": 3}, "recordGap"),
        ({"prev": bytes(32)}, "recordPrev"),
        ({"time": NOW - 1, "devices": ()}, "recordTime"),
        ({"seq": 0, "prev": b""}, "recordSeq"),
        ({"prev": b""}, "recordSeq"),
        ({"actor": "http://harbour.example/users/ana"}, "malformedRecord"),
        ({"actor": "https://harbour.example:8443/users/ana"}, "malformedRecord"),
        ({"actor": "https://user@harbour.example/users/ana"}, "malformedRecord"),
        ({"previous_actors": ("nowhere",)}, "malformedRecord"),
        ({"buddies": ("b" * 600,)}, "malformedRecord"),
    ],
)
def test_links_that_do_not_hold(
    first: VerifiedRecord, ana: IdentityKey, change: dict[str, object], rule: str
) -> None:
    """Even the right key cannot make a record that breaks the chain or its form."""
    good = PersonRecord.decode(next_record(first, ana, time=NOW).record)

    with pytest.raises(RecordError) as caught:
        verify_next(first, resign(ana, replace(good, **change)))  # type: ignore[arg-type]  # names vary

    assert caught.value.rule == rule


def test_device_limits(first: VerifiedRecord, ana: IdentityKey, ana_phone: DeviceKeys) -> None:
    """Ten devices, a year each, no device twice."""
    devices = [DeviceKeys.generate().public for _ in range(10)]

    with pytest.raises(RecordError):
        next_record(first, ana, time=NOW, add=[(device, NOW + YEAR) for device in devices])
    with pytest.raises(RecordError):
        next_record(first, ana, time=NOW, add=[(devices[0], NOW + YEAR + 1)])
    with pytest.raises(RecordError):
        next_record(first, ana, time=NOW, add=[(ana_phone.public, NOW + YEAR)])
    next_record(first, ana, time=NOW, add=[(device, NOW + YEAR) for device in devices[:9]])


def test_certificates_in_a_record_are_checked(
    first: VerifiedRecord, ana: IdentityKey, bo: IdentityKey
) -> None:
    """A device that the identity key did not certify is no device, whoever signs the record."""
    stolen = replace(first.record.devices[0], signature=bo.sign(LABEL_RECORD, b"x"))

    with pytest.raises(WrongSignature) as caught:
        verify_record(resign(ana, replace(first.record, devices=(stolen,))))

    assert caught.value.rule == "deviceCertificate"


def test_newer_keys_are_kept_and_ignored(first: VerifiedRecord, ana: IdentityKey) -> None:
    """A record with a key from the future is believed for what is known of it."""
    tree = json.loads(first.signed.record) | {"a_new_key": [1]}
    data = json.dumps(tree, sort_keys=True, separators=(",", ":")).encode()

    verified = verify_record(SignedRecord(data, ana.sign(LABEL_RECORD, data)))

    assert verified.record == first.record
    assert verified.signed.record == data


def test_one_record_has_one_text(first: VerifiedRecord, ana: IdentityKey) -> None:
    """Spaces, another order, a key twice: refused, though signed."""
    data = first.signed.record
    for other in (
        data.replace(b'"seq":1', b'"seq": 1'),
        data.replace(b'"seq":1', b'"seq":1,"seq":1'),
        data.replace(b'"seq":1', b'"seq":1.0'),
        json.dumps(dict(reversed(json.loads(data).items())), separators=(",", ":")).encode(),
    ):
        with pytest.raises(RecordError) as caught:
            verify_record(SignedRecord(other, ana.sign(LABEL_RECORD, other)))
        assert caught.value.rule in ("recordNotCanonical", "malformedRecord")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"\xff"',
        b"[" * 20_000,
        b'{"record":1,"signature":""}',
        b'{"record":"{}","signature":"AAAA"}',
        b'{"record":"{}","signature":"' + b"A" * 86 + b'"}',
        b'{"record":"{\\"v\\":2}","signature":"' + b"A" * 86 + b'"}',
        b'{"record":"' + b"[" * 9000 + b'","signature":"' + b"A" * 86 + b'"}',
        b'{"record":"\\ud800","signature":"' + b"A" * 86 + b'"}',
        b'{"record": "{}","signature":"' + b"A" * 86 + b'"}',
        b"x" * 40_000,
    ],
)
def test_hostile_record(data: bytes) -> None:
    """Whatever is served as a record is answered with a rule, never a traceback."""
    with pytest.raises(RemoteIdentityError) as caught:
        verify_record(SignedRecord.decode(data))

    assert caught.value.rule


def test_every_broken_byte_is_refused(first: VerifiedRecord) -> None:
    """No single changed byte of the wire form passes."""
    wire = first.signed.encode()
    for at in range(0, len(wire), 7):
        broken = wire[:at] + bytes((wire[at] ^ 1,)) + wire[at + 1 :]
        with pytest.raises(IdentityError):
            verify_record(SignedRecord.decode(broken))


def test_too_many_records_at_once() -> None:
    """A node cannot fill our memory with a list."""
    with pytest.raises(RecordError):
        decode_records(b"[" + b",".join([b"{}"] * 300) + b"]")
    with pytest.raises(RecordError):
        verify_chain([])

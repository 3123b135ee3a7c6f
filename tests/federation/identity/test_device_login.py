"""A proof of a device's key is for one node, now, by a device that the record lists."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from yurt.identity.device import DeviceKeys
from yurt.identity.device_login import decode_device_login, make_device_login, verify_device_login
from yurt.identity.errors import ClaimError, WrongSignature
from yurt.identity.identity_key import IdentityKey
from yurt.identity.signed_record import VerifiedRecord, first_record, next_record, verify_first, verify_record

NOW = 1_795_000_000
ACTOR = "https://harbour.example/users/ana"
NODE = "harbour.example"


@pytest.fixture
def record(ana: IdentityKey, ana_phone: DeviceKeys) -> VerifiedRecord:
    return verify_first(first_record(ana, ACTOR, ana_phone.public, not_after=NOW + 1000, time=NOW))


@pytest.fixture
def proof(ana: IdentityKey, ana_phone: DeviceKeys) -> bytes:
    return make_device_login(ana_phone, did=ana.did, node=NODE, time=NOW, random=bytes)


def test_a_listed_device_proves_itself(
    proof: bytes, record: VerifiedRecord, golden: Callable[[str, bytes], None]
) -> None:
    """The node learns which device asks, and a nonce to remember."""
    login = decode_device_login(proof)
    verify_device_login(login, record, node=NODE, now=NOW + 300)
    assert (login.did, login.device_id, login.nonce) == (record.did, bytes([1]) * 16, bytes(16))
    golden("device_login.hex", proof)


@pytest.mark.parametrize(
    ("node", "now", "rule"),
    [
        ("hilltop.example", NOW, "loginNode"),
        (NODE, NOW + 301, "loginTime"),
        (NODE, NOW - 301, "loginTime"),
        (NODE, NOW + 1001, "loginTime"),
    ],
)
def test_it_is_for_one_node_and_for_now(
    proof: bytes, record: VerifiedRecord, node: str, now: int, rule: str
) -> None:
    """A node cannot use it elsewhere, and nobody can later."""
    with pytest.raises(ClaimError) as caught:
        verify_device_login(decode_device_login(proof), record, node=node, now=now)
    assert caught.value.rule == rule


def test_only_listed_devices_count(
    ana: IdentityKey, bo: IdentityKey, ana_phone: DeviceKeys, ana_laptop: DeviceKeys, record: VerifiedRecord
) -> None:
    """A device that is not listed, was revoked, has ended, or is another person's, proves nothing."""
    stranger = decode_device_login(make_device_login(ana_laptop, did=ana.did, node=NODE, time=NOW))
    with pytest.raises(ClaimError, match="not in the person's newest record"):
        verify_device_login(stranger, record, node=NODE, now=NOW)
    linked = next_record(record, ana, time=NOW, add=[(ana_laptop.public, NOW + 1000)])
    verify_device_login(stranger, verify_record(linked), node=NODE, now=NOW)
    revoked = next_record(verify_record(linked), ana, time=NOW, revoke=[ana_laptop.device_id])
    with pytest.raises(ClaimError):
        verify_device_login(stranger, verify_record(revoked), node=NODE, now=NOW)
    late = decode_device_login(make_device_login(ana_phone, did=ana.did, node=NODE, time=NOW + 1001))
    with pytest.raises(ClaimError):
        verify_device_login(late, record, node=NODE, now=NOW + 1001)
    other = decode_device_login(make_device_login(ana_phone, did=bo.did, node=NODE, time=NOW))
    with pytest.raises(ClaimError, match="another person's"):
        verify_device_login(other, record, node=NODE, now=NOW)


def test_a_changed_or_cut_proof_is_refused(proof: bytes, record: VerifiedRecord) -> None:
    """Every byte counts."""
    login = decode_device_login(proof)
    with pytest.raises(WrongSignature):
        verify_device_login(replace(login, signature=bytes(64)), record, node=NODE, now=NOW)
    for bad in (b"", proof[:-1], proof + b"\0", b"\x02" + proof[1:], bytes(513)):
        with pytest.raises(ClaimError):
            decode_device_login(bad)

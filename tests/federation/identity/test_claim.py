"""A claim is one device's, about one person, now."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from yurt.identity.claim import decode_claim, make_claim, verify_claim
from yurt.identity.device import DeviceKeys
from yurt.identity.errors import ClaimError, RemoteIdentityError, WrongSignature
from yurt.identity.identity_key import IdentityKey
from yurt.identity.signed_record import VerifiedRecord, first_record, verify_first

NOW = 1_795_000_000
ACTOR = "https://harbour.example/users/ana"


@pytest.fixture
def record(ana: IdentityKey, ana_phone: DeviceKeys) -> VerifiedRecord:
    return verify_first(first_record(ana, ACTOR, ana_phone.public, not_after=NOW + 1000, time=NOW))


@pytest.fixture
def claim(ana: IdentityKey, bo: IdentityKey, ana_phone: DeviceKeys) -> bytes:
    return make_claim(ana_phone, claimer=ana.did, target=bo.did, time=NOW, random=bytes)


def test_claim_holds(
    claim: bytes, record: VerifiedRecord, bo: IdentityKey, golden: Callable[[str, bytes], None]
) -> None:
    """Bo's node learns who asks, for what, and a nonce to remember."""
    assert decode_claim(claim).claimer == record.did

    verified = verify_claim(claim, record, target=bo.did, now=NOW + 300)

    assert (verified.claimer, verified.purpose, verified.nonce) == (record.did, "room", bytes(16))
    golden("claim.hex", claim)


@pytest.mark.parametrize("now", [NOW - 301, NOW + 301])
def test_claim_is_for_now(claim: bytes, record: VerifiedRecord, bo: IdentityKey, now: int) -> None:
    """Outside five minutes it is stale, or from a wrong clock."""
    with pytest.raises(ClaimError) as caught:
        verify_claim(claim, record, target=bo.did, now=now)

    assert caught.value.rule == "claimTime"


def test_claim_is_about_one_person(claim: bytes, record: VerifiedRecord, ana: IdentityKey) -> None:
    """Carried to another target it gives nothing."""
    with pytest.raises(ClaimError) as caught:
        verify_claim(claim, record, target=ana.did, now=NOW)

    assert caught.value.rule == "claimTarget"


def test_claim_is_for_one_purpose(claim: bytes, record: VerifiedRecord, bo: IdentityKey) -> None:
    """What was asked for a room is not given for a conversation."""
    with pytest.raises(ClaimError) as caught:
        verify_claim(claim, record, target=bo.did, now=NOW, purpose="conversation")

    assert caught.value.rule == "claimPurpose"


def test_claim_needs_the_claimers_record(
    claim: bytes, bo: IdentityKey, ana_laptop: DeviceKeys, record: VerifiedRecord
) -> None:
    """Another person's record, or one without the device, does not do."""
    his = verify_first(first_record(bo, ACTOR, ana_laptop.public, not_after=NOW, time=NOW))
    without = replace(record, record=replace(record.record, devices=()))

    for other, rule in ((his, "claimClaimer"), (without, "claimDevice")):
        with pytest.raises(ClaimError) as caught:
            verify_claim(claim, other, target=bo.did, now=NOW)
        assert caught.value.rule == rule


def test_expired_device_cannot_claim(
    ana: IdentityKey, bo: IdentityKey, ana_phone: DeviceKeys, record: VerifiedRecord
) -> None:
    """The certificate's end is the device's end."""
    claim = make_claim(ana_phone, claimer=ana.did, target=bo.did, time=NOW + 1001)

    with pytest.raises(ClaimError) as caught:
        verify_claim(claim, record, target=bo.did, now=NOW + 1001)

    assert caught.value.rule == "claimDevice"


def test_forged_claim(
    ana: IdentityKey, bo: IdentityKey, ana_phone: DeviceKeys, ana_laptop: DeviceKeys, record: VerifiedRecord
) -> None:
    """Signed by another device under the listed one's id."""
    thief = replace(ana_laptop, device_id=ana_phone.device_id)
    claim = make_claim(thief, claimer=ana.did, target=bo.did, time=NOW)

    with pytest.raises(WrongSignature) as caught:
        verify_claim(claim, record, target=bo.did, now=NOW)

    assert caught.value.rule == "claimSignature"


def test_broken_claim(claim: bytes, record: VerifiedRecord, bo: IdentityKey) -> None:
    """Cut or changed anywhere, it is refused by name."""
    for at in range(len(claim)):
        for broken in (claim[:at], claim[:at] + bytes((claim[at] ^ 0x80,)) + claim[at + 1 :]):
            with pytest.raises(RemoteIdentityError):
                verify_claim(broken, record, target=bo.did, now=NOW)
    with pytest.raises(ClaimError):
        decode_claim(claim + b"\0")
    with pytest.raises(ClaimError):
        decode_claim(bytes(600))

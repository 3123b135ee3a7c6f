"""A roster is one person's, from one of their devices, and every byte of it counts."""

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from yurt.identity.device import DeviceKeys
from yurt.identity.identity_key import IdentityKey
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import VerifiedRecord, first_record, next_record, verify_first, verify_next
from yurt.portability.canonical import encode
from yurt.portability.errors import LocalPortabilityError, RosterError
from yurt.portability.roster import Tie, sign_roster, verify_roster

NOW = 1_795_000_000
BO = Tie(
    actor="https://b.example/users/bo",
    address="bo@b.example",
    inbox="https://b.example/users/bo/inbox",
    shared_inbox="https://b.example/inbox",
    software="mastodon",
    version="4.5.1",
    follower=True,
    following=True,
    since=NOW - 1000,
)
CY = Tie(actor="https://c.example", following=True, locked=True)


@pytest.fixture
def signed(ana_phone: DeviceKeys, record: VerifiedRecord) -> bytes:
    return sign_roster([CY, BO], ana_phone, record, time=NOW)


def test_roster_holds(signed: bytes, record: VerifiedRecord, golden: Callable[[str, bytes], None]) -> None:
    """Signed on the phone, it is believed anywhere; its text is fixed."""
    roster = verify_roster(signed, record)

    assert roster.ties == (BO, CY)
    assert (roster.did, roster.time, BO.mutual, CY.mutual) == (record.did, NOW, True, False)
    golden("roster.jsonl", signed)


def test_every_byte_counts(signed: bytes, record: VerifiedRecord) -> None:
    """A changed, a missing and an additional byte are found anywhere."""
    for at in range(len(signed)):
        changed = signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :]
        for data in (changed, signed[:at], signed[:at] + signed[at + 1 :], signed[:at] + b" " + signed[at:]):
            with pytest.raises(RosterError):
                verify_roster(data, record)


def test_another_order_is_another_roster(signed: bytes, record: VerifiedRecord) -> None:
    """Lines cannot be moved, repeated or appended."""
    head, one, two, foot = signed.splitlines(keepends=True)

    for data in (head + two + one + foot, head + one + one + two + foot, signed + one, signed + b"\n"):
        with pytest.raises(RosterError):
            verify_roster(data, record)


def test_rosters_have_an_end(
    signed: bytes, ana_phone: DeviceKeys, record: VerifiedRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many ties, as many bytes as allowed are read; one more of either is refused before it is read."""
    monkeypatch.setattr("yurt.portability.roster.MAX_TIES", 2)
    monkeypatch.setattr("yurt.portability.roster.MAX_ROSTER_SIZE", len(signed))
    assert len(verify_roster(signed, record).ties) == 2

    for name, most in (("MAX_TIES", 1), ("MAX_ROSTER_SIZE", len(signed) - 1)):
        with monkeypatch.context() as smaller:
            smaller.setattr(f"yurt.portability.roster.{name}", most)
            with pytest.raises(RosterError) as caught:
                verify_roster(signed, record)
        assert caught.value.rule == "rosterTooLarge"
    with pytest.raises(LocalPortabilityError) as ours:
        sign_roster([CY, BO, Tie(actor="https://d.example")], ana_phone, record, time=NOW)
    assert ours.value.rule == "rosterTooLarge"


def test_roster_of_tomorrow(signed: bytes, record: VerifiedRecord) -> None:
    """A version that is not known is said to be that, not damage."""
    with pytest.raises(RosterError) as caught:
        verify_roster(signed.replace(b'"v":1', b'"v":2', 1), record)

    assert caught.value.rule == "rosterVersion"


def test_roster_of_somebody_else(signed: bytes, bo_words: RecoveryPhrase, ana_phone: DeviceKeys) -> None:
    """Under Bo's record Ana's roster is nothing, though it is the same device."""
    bo = bo_words.identity_key()
    his = verify_first(
        first_record(bo, "https://b.example/users/bo", ana_phone.public, not_after=NOW + 9, time=NOW)
    )

    with pytest.raises(RosterError) as caught:
        verify_roster(signed, his)

    assert caught.value.rule == "rosterDid"


def test_revoked_and_expired_devices_do_not_speak(
    signed: bytes, ana: IdentityKey, record: VerifiedRecord, ana_phone: DeviceKeys, ana_laptop: DeviceKeys
) -> None:
    """After a revocation the stolen phone's roster is nothing; nor after its certificate's end."""
    later = next_record(
        record, ana, time=NOW, add=[(ana_laptop.public, NOW + 99)], revoke=[ana_phone.device_id]
    )
    newer = verify_next(record, later)
    assert isinstance(newer, VerifiedRecord)

    for data, known in (
        (signed, newer),
        (sign_roster([], ana_phone, record, time=NOW + 86_401), record),
        (sign_roster([], ana_laptop, newer, time=NOW), record),
    ):
        with pytest.raises(RosterError) as caught:
            verify_roster(data, known)
        assert caught.value.rule == "rosterDevice"
    with pytest.raises(LocalPortabilityError):
        sign_roster([], ana_phone, newer, time=NOW)


def test_thief_with_a_device_s_id(
    record: VerifiedRecord, ana_phone: DeviceKeys, ana_laptop: DeviceKeys
) -> None:
    """The listed key must have signed."""
    thief = replace(ana_laptop, device_id=ana_phone.device_id)
    listed = record.record.devices[0]
    faked = replace(listed, device=thief.public)
    his_world = replace(record, record=replace(record.record, devices=(faked,)))

    with pytest.raises(RosterError) as caught:
        verify_roster(sign_roster([BO], thief, his_world, time=NOW), record)

    assert caught.value.rule == "rosterSignature"


@pytest.mark.parametrize(
    "tie",
    [
        Tie(actor=""),
        Tie(actor="javascript:1"),
        Tie(actor="https://b.example/\x1b[2J"),
        msgspec.structs.replace(BO, address="Bo @b.example"),
        msgspec.structs.replace(BO, address="bo@B.example"),
        msgspec.structs.replace(BO, did="did:web:b.example"),
        msgspec.structs.replace(BO, inbox="file:///etc/passwd"),
    ],
)
def test_tie_that_others_would_refuse_is_not_signed(
    tie: Tie, ana_phone: DeviceKeys, record: VerifiedRecord
) -> None:
    """Our own mistakes stay here."""
    with pytest.raises(LocalPortabilityError):
        sign_roster([tie], ana_phone, record, time=NOW)


def test_nobody_is_named_twice(ana_phone: DeviceKeys, record: VerifiedRecord) -> None:
    """One actor, one line."""
    with pytest.raises(LocalPortabilityError):
        sign_roster([BO, BO], ana_phone, record, time=NOW)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
INTEGERS = st.integers(0, 2**53 - 1)


@given(st.builds(Tie, actor=TEXTS, address=TEXTS, version=TEXTS, did=st.none() | TEXTS, since=INTEGERS))
def test_fast_encoder_is_rfc_8785(tie: Tie) -> None:
    """Whatever the texts are, the two encoders agree."""
    assert encode(tie) == rfc8785.dumps(msgspec.to_builtins(tie))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    """And with our own error."""
    words = RecoveryPhrase.generate(bytes).identity_key()
    phone = DeviceKeys(bytes([1]) * 16, bytes([2]) * 32, bytes([3]) * 32).public
    known = verify_first(first_record(words, "https://a.example/u", phone, not_after=1, time=1))

    with pytest.raises(RosterError):
        verify_roster(data, known)

"""Two devices meet in a mailbox that a hostile node keeps, and only the one with the code is linked."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yurt.identity.device import DeviceKeys
from yurt.identity.errors import IdentityError, LinkError, LocalIdentityError
from yurt.identity.identity_key import IdentityKey
from yurt.identity.link_code import CODE_LENGTH, LinkCode
from yurt.identity.linking import LINK_WINDOW_S, LinkState, NewDevice, OldDevice
from yurt.identity.signed_record import SignedRecord, VerifiedRecord, first_record, next_record, verify_first

NOW = 1_795_000_000
ANA = IdentityKey(bytes([1]) * 32)
EVE = IdentityKey(bytes([2]) * 32)
PHONE, LAPTOP, GHOST = (DeviceKeys(bytes([n]) * 16, bytes([n]) * 32, bytes([n + 9]) * 32) for n in (1, 2, 3))
CODE = LinkCode(bytes(range(16)))


def record_of(identity: IdentityKey = ANA) -> VerifiedRecord:
    """Give somebody's first record, with the phone."""
    actor = "https://harbour.example/users/ana"
    return verify_first(first_record(identity, actor, PHONE.public, not_after=NOW + 86_400, time=NOW))


def linked(device: DeviceKeys = LAPTOP, identity: IdentityKey = ANA) -> SignedRecord:
    """Give the record that lists a second device."""
    return next_record(record_of(identity), identity, time=NOW, add=[(device.public, NOW + 86_400)])


def begin(code: LinkCode = CODE) -> tuple[OldDevice, NewDevice]:
    """Show the code on the phone and type it on the laptop."""
    old = OldDevice.open(CODE, ANA.did, PHONE.public, NOW)
    return old, NewDevice.join(code, old.hello, LAPTOP.public, NOW + 5)


def test_linking(golden: Callable[[str, bytes], None]) -> None:
    """The phone lists exactly the laptop's keys, and the laptop knows whose it is."""
    old, new = begin()

    old, device = old.receive(new.offer, NOW + 10)
    assert (old.state, device, new.did) == (LinkState.MATCHED, LAPTOP.public, ANA.did)
    answer = old.answer(linked())
    record = new.receive(answer, NOW + 20)

    assert record.signed == linked()
    for name, data in (("hello", old.hello), ("offer", new.offer), ("answer", answer)):
        golden(f"link_{name}.hex", data)
    golden("link_mailbox.hex", CODE.mailbox_id)


def flipped(data: bytes) -> Iterator[bytes]:
    """Change one bit here and there, cut, and lengthen."""
    yield from (data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :] for at in range(0, len(data), 3))
    yield from (b"", data[:-1], data + b"\0", data[:20])


def test_node_cannot_put_its_own_device_in() -> None:
    """Whatever a mailbox changes of an offer, the one attempt is over and nothing was listed."""
    old, new = begin()
    ghost = NewDevice.join(CODE, old.hello, GHOST.public, NOW).offer[:-32] + new.offer[-32:]

    for forged in (*flipped(new.offer), ghost, old.hello):
        after, device = old.receive(forged, NOW + 10)
        assert (after.state, device) == (LinkState.FAILED, None)
        with pytest.raises(LocalIdentityError):
            after.receive(new.offer, NOW + 11)
        with pytest.raises(LocalIdentityError):
            after.answer(linked())


def test_laptop_believes_no_other_hello_and_no_other_answer() -> None:
    """Nor a right answer to another offer, nor a record that is somebody else's or without it."""
    old, new = begin()
    old, _ = old.receive(new.offer, NOW)
    other = NewDevice.join(CODE, old.hello, GHOST.public, NOW)

    for forged in flipped(old.hello):
        with pytest.raises(LinkError):
            NewDevice.join(CODE, forged, LAPTOP.public, NOW)
    for forged in flipped(old.answer(linked())):
        with pytest.raises(LinkError):
            new.receive(forged, NOW + 20)
    with pytest.raises(LinkError):
        other.receive(old.answer(linked()), NOW + 20)
    for record in (linked(GHOST), linked(identity=EVE), record_of().signed):
        with pytest.raises(LinkError) as caught:
            new.receive(old.answer(record), NOW + 20)
        assert caught.value.rule == "linkRecord"


def test_two_minutes() -> None:
    """Neither side waits longer, and a clock that goes back does not help."""
    old, new = begin()
    for late in (NOW + LINK_WINDOW_S + 1, NOW - 1):
        after, device = old.receive(new.offer, late)
        assert (after.state, device) == (LinkState.EXPIRED, None)
    matched, _ = old.receive(new.offer, NOW + LINK_WINDOW_S)

    with pytest.raises(LinkError) as caught:
        new.receive(matched.answer(linked()), NOW + 5 + LINK_WINDOW_S + 1)
    assert caught.value.rule == "linkExpired"


def test_wrong_code() -> None:
    """Somebody who typed another code hears nothing; the code itself shows in no repr."""
    with pytest.raises(LinkError) as caught:
        begin(LinkCode(bytes(16)))

    assert caught.value.rule == "linkMac"
    assert LinkCode(bytes(16)).mailbox_id != CODE.mailbox_id
    assert CODE.text not in repr(begin())
    assert repr(CODE.secret) not in repr(begin())


@given(st.binary(min_size=16, max_size=16))
def test_codes_are_typed_as_they_are_read(secret: bytes) -> None:
    """In either case, with or without hyphens, with the letters that people take for digits."""
    code = LinkCode(secret)
    plain = code.text.replace("-", "")

    assert len(plain) == CODE_LENGTH
    for typed in (code.text, plain, plain.lower(), plain.replace("0", "o").replace("1", "l"), f" {plain} "):
        assert LinkCode.parse(typed) == code


@pytest.mark.parametrize("typed", ["", "A" * 25, "A" * 27, "U" + "0" * 25, "Z" * 26, "é" + "0" * 25])
def test_mistyped_codes(typed: str) -> None:
    """A code that cannot be one is refused before anything is sent."""
    with pytest.raises(LinkError) as caught:
        LinkCode.parse(typed)

    assert caught.value.rule == "linkCode"


def test_other_release() -> None:
    """A message of another version says so."""
    old = OldDevice.open(CODE, ANA.did, PHONE.public, NOW)
    newer = replace(old, hello=b"\2" + old.hello[1:-32])

    with pytest.raises(IdentityError):
        NewDevice.join(CODE, newer.hello, LAPTOP.public, NOW)

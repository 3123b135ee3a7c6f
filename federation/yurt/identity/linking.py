"""Linking a second device: three messages through a mailbox, each under the code's key (TRUST 1).

::

    old device                        mailbox                        new device
    shows the code       ── hello: did, its keys ──>       the person types or scans the code
    phrase typed         <── offer: its keys, MAC over both ──
    record seq n + 1     ── answer: that record, MAC over all ──>    verifies, and is linked

The life of a code on the old device; all of it within two minutes:

======== ===================================== ========
state    what happens                          then
======== ===================================== ========
OPEN     an offer under the code's key         MATCHED
OPEN     any other offer: one attempt          FAILED
OPEN     two minutes are over                  EXPIRED
MATCHED  the record is made and sent           MATCHED
======== ===================================== ========

A node that keeps the mailbox can drop messages, and cannot put a device of its own in: without the code it
makes no MAC, and it has one try. The phrase is asked for before the code is shown, so that two minutes are
enough.

    old = OldDevice.open(code, did, keys.public, now_s);      post(code.mailbox_id, old.hello)
    new = NewDevice.join(code, hello, new_keys.public, now_s); post(code.mailbox_id, new.offer)
    old, device = old.receive(offer, now_s)                    # device: DevicePublic, or None
    post(code.mailbox_id, old.answer(next_record(..., add=[(device, not_after)])))
    record = new.receive(answer, now_s)                        # VerifiedRecord that lists this device
"""

import hmac
from dataclasses import dataclass, replace
from enum import Enum, auto
from hashlib import sha256
from typing import Final, Self

from yurt.identity.device import DevicePublic
from yurt.identity.did import DID_SIZE, Did, did_of, public_of
from yurt.identity.errors import LinkError, LocalIdentityError, MalformedDid
from yurt.identity.labels import LABEL_LINK_ANSWER, LABEL_LINK_HELLO, LABEL_LINK_OFFER
from yurt.identity.link_code import LinkCode
from yurt.identity.signed_record import SignedRecord, VerifiedRecord, verify_record
from yurt.mls.codec import Reader, Writer
from yurt.mls.errors import DecodeError

LINK_WINDOW_S: Final = 120
MAX_LINK_SIZE: Final = 64 * 1024
"""Bytes of any of the three messages; what a mailbox takes."""
_VERSION: Final = 1
_MAC_SIZE: Final = 32


class LinkState(Enum):
    """Where the old device stands; see the table above."""

    OPEN = auto()
    MATCHED = auto()
    FAILED = auto()
    EXPIRED = auto()


@dataclass(frozen=True, slots=True)
class OldDevice:
    """The side that has the phrase."""

    code: LinkCode
    hello: bytes
    """What goes into the mailbox first."""
    opened_at: int
    state: LinkState = LinkState.OPEN
    offer: bytes = b""

    @classmethod
    def open(cls, code: LinkCode, did: str, device: DevicePublic, now: int) -> Self:
        """Begin, with a new code.

        Args:
            code: Just generated, used for nothing else.
            did: Whose devices they are.
            device: This device.
            now: Seconds since 1970.
        """
        w = Writer().u8(_VERSION).raw(public_of(did))
        device.encode_to(w)
        return cls(code, _sealed(code, LABEL_LINK_HELLO, w.bytes()), now)

    def receive(self, offer: bytes, now: int) -> tuple[Self, DevicePublic | None]:
        """Take what came into the mailbox.

        Returns:
            The next state, and the device to be listed; None if it is not to be.

        Raises:
            LocalIdentityError: The code was used already; show a new one.
        """
        if self.state is not LinkState.OPEN:
            raise LocalIdentityError("linkUsed", "a linking code works once: make a new one")
        if not 0 <= now - self.opened_at <= LINK_WINDOW_S:
            return replace(self, state=LinkState.EXPIRED), None
        try:
            device = _read_offer(_opened(self.code, LABEL_LINK_OFFER, offer, self.hello))
        except (LinkError, DecodeError):
            return replace(self, state=LinkState.FAILED), None
        return replace(self, state=LinkState.MATCHED, offer=offer), device

    def answer(self, record: SignedRecord) -> bytes:
        """Say which record lists the new device.

        Raises:
            LocalIdentityError: No offer was accepted.
        """
        if self.state is not LinkState.MATCHED:
            raise LocalIdentityError("linkUsed", "there is no offer to answer")
        said = Writer().u8(_VERSION).opaque(record.encode()).bytes()
        return _sealed(self.code, LABEL_LINK_ANSWER, said, self.hello + self.offer)


@dataclass(frozen=True, slots=True)
class NewDevice:
    """The side that is to be linked."""

    code: LinkCode
    did: Did
    """Whose device it becomes: the person pinned from the start."""
    old: DevicePublic
    device: DevicePublic
    hello: bytes
    offer: bytes
    """What goes into the mailbox."""
    begun_at: int

    @classmethod
    def join(cls, code: LinkCode, hello: bytes, device: DevicePublic, now: int) -> Self:
        """Answer the old device's hello.

        Args:
            code: As it was typed or scanned.
            hello: From the mailbox.
            device: This device's public keys.
            now: Seconds since 1970.

        Raises:
            LinkError: ``malformedLink``, or not made with this code (``linkMac``).
        """
        try:
            did, old = _read_hello(_opened(code, LABEL_LINK_HELLO, hello))
        except (DecodeError, MalformedDid):
            raise LinkError("malformedLink", "what the other device said is malformed") from None
        w = Writer().u8(_VERSION)
        device.encode_to(w)
        offer = _sealed(code, LABEL_LINK_OFFER, w.bytes(), hello)
        return cls(code, did, old, device, hello, offer, now)

    def receive(self, answer: bytes, now: int) -> VerifiedRecord:
        """Take the record that links this device.

        Raises:
            LinkError: Too late (``linkExpired``), not made with this code (``linkMac``), malformed, or the
                record is another person's or does not list both devices (``linkRecord``).
            RecordError: The record itself is not valid.
            WrongSignature: Likewise.
        """
        if not 0 <= now - self.begun_at <= LINK_WINDOW_S:
            raise LinkError("linkExpired", "the code is over: make a new one on the other device")
        said = _opened(self.code, LABEL_LINK_ANSWER, answer, self.hello + self.offer)
        record = verify_record(SignedRecord.decode(_read_answer(said)))
        listed = {certificate.device for certificate in record.record.devices}
        if record.did != self.did or not {self.old, self.device} <= listed:
            raise LinkError("linkRecord", "the record does not list both devices")
        return record


def _mac(code: LinkCode, label: bytes, said: bytes, before: bytes) -> bytes:
    """Authenticate a message together with all that was said before it."""
    return hmac.digest(code.key, label + b"\0" + sha256(before).digest() + said, "sha256")


def _sealed(code: LinkCode, label: bytes, said: bytes, before: bytes = b"") -> bytes:
    return said + _mac(code, label, said, before)


def _opened(code: LinkCode, label: bytes, data: bytes, before: bytes = b"") -> bytes:
    said, mac = data[:-_MAC_SIZE], data[-_MAC_SIZE:]
    if len(data) > MAX_LINK_SIZE or not hmac.compare_digest(mac, _mac(code, label, said, before)):
        raise LinkError("linkMac", "this was not made with the code that was shown")
    return said


def _read_hello(said: bytes) -> tuple[Did, DevicePublic]:
    r = _begin(said)
    did, device = did_of(r.raw(DID_SIZE)), DevicePublic.decode_from(r)
    r.finish()
    return did, device


def _read_offer(said: bytes) -> DevicePublic:
    r = _begin(said)
    device = DevicePublic.decode_from(r)
    r.finish()
    return device


def _read_answer(said: bytes) -> bytes:
    try:
        r = _begin(said)
        record = r.opaque()
        r.finish()
    except DecodeError:
        raise LinkError("malformedLink", "what the other device said is malformed") from None
    return record


def _begin(said: bytes) -> Reader:
    r = Reader(said)
    if r.u8() != _VERSION:
        raise LinkError("linkVersion", "the other device runs another release")
    return r

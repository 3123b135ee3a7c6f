"""A person's devices: linking by a mailbox, person records, signing in by a device's key (TRUST 1).

The open commands need no account on the asking side: what they carry proves itself (a record is signed by
the identity key, a login by the device's key, a link's messages by the code), or says nothing (the mailbox
keeps bytes that the node cannot read).
"""

from typing import ClassVar, Final

from yurt.wire.account_commands import SignedIn
from yurt.wire.command import Answer, Command, Done
from yurt.wire.unshown import Unshown

LINK_STEPS: Final = 3
"""Messages in a mailbox: hello, offer, answer."""
MAX_OWN_KEY_PACKAGES: Final = 20
"""Most that one call hands out."""


class LinkPut(Command, frozen=True, kw_only=True):
    """Put a message into a mailbox; the first one, by an account of this node, makes it.

    The same bytes again change nothing; other bytes at a step that was said are refused.
    """

    name: ClassVar[str] = "link_put"
    answer: ClassVar[type[Answer]] = Done
    open: ClassVar[bool] = True

    mailbox: bytes
    """16 bytes."""
    step: int
    """0, 1 or 2."""
    body: bytes
    """At most 64 KiB."""


class LinkMail(Answer, frozen=True):
    """What is in a mailbox."""

    body: bytes = b""
    """Empty: nothing yet, or no such mailbox."""


class LinkGet(Command, frozen=True, kw_only=True):
    """Read a message of a mailbox; waits a few seconds for one."""

    name: ClassVar[str] = "link_get"
    answer: ClassVar[type[Answer]] = LinkMail
    open: ClassVar[bool] = True

    mailbox: bytes
    step: int


class PublishedRecord(Answer, frozen=True):
    """The newest person record of somebody who lives here, or is known."""

    record: bytes
    """Signed, verbatim."""


class PublishRecord(Command, frozen=True):
    """Take in the next person record of an account of this node."""

    name: ClassVar[str] = "publish_record"
    answer: ClassVar[type[Answer]] = PublishedRecord
    open: ClassVar[bool] = True

    record: bytes


class OwnRecord(Command, frozen=True):
    """Ask for the newest person record that this node has of somebody, by did."""

    name: ClassVar[str] = "own_record"
    answer: ClassVar[type[Answer]] = PublishedRecord
    open: ClassVar[bool] = True

    did: str


class DeviceSignedIn(SignedIn, frozen=True, kw_only=True):
    """A device's access, and the newest record of its person."""

    record: bytes


class LoginDevice(Unshown, Command, frozen=True):
    """Sign a device in by its own key (`yurt.identity.device_login`)."""

    name: ClassVar[str] = "login_device"
    answer: ClassVar[type[Answer]] = DeviceSignedIn
    open: ClassVar[bool] = True

    proof: bytes


class DeviceSeen(Answer, frozen=True):
    """What the node knows of one device of the account."""

    device_id: bytes
    signed_in: bool = False
    key_packages: int = 0
    """One-time ones that are left."""
    first_seen: int = 0
    """Seconds since 1970; 0: never."""
    last_seen: int = 0


class DevicesSeen(Answer, frozen=True):
    """The account's devices."""

    devices: tuple[DeviceSeen, ...] = ()
    rooms: tuple[bytes, ...] = ()
    """Rooms in which any device of this person has a leaf, as far as this node knows."""


class Devices(Command, frozen=True):
    """Which devices of this account the node has seen."""

    name: ClassVar[str] = "devices"
    answer: ClassVar[type[Answer]] = DevicesSeen


class OwnKeyPackages(Answer, frozen=True):
    """Key packages of one own device, never handed out again (the last resort one excepted)."""

    key_packages: tuple[bytes, ...] = ()


class TakeOwnKeyPackages(Command, frozen=True, kw_only=True):
    """Take key packages of another device of one's own, to add it to one's rooms."""

    name: ClassVar[str] = "take_own_key_packages"
    answer: ClassVar[type[Answer]] = OwnKeyPackages

    device_id: bytes
    count: int = 1

"""What a front end may ask about a person's devices."""

from typing import ClassVar, Literal

import msgspec

from yurt.client.calls import EngineCall
from yurt.wire.unshown import Unshown

LinkOutcome = Literal["none", "waiting", "linked", "failed", "expired"]
KeyStanding = Literal["new", "waiting", "other", "unchanged"]


class ListDevices(EngineCall, frozen=True):
    """Ask which devices this person has; answered by `DeviceViews`."""

    name: ClassVar[str] = "list_devices"


class DeviceView(msgspec.Struct, frozen=True, kw_only=True):
    """One device of this person."""

    device_id: bytes
    own: bool
    """Whether it is this one."""
    since: int = 0
    """When the node first saw it, in seconds since 1970; 0 if that is not known."""
    last_seen: int = 0
    not_after: int = 0
    """Until when its certificate is good."""
    signed_in: bool = False
    key_packages: int = 0
    rooms: int = 0
    """In how many of the active rooms of this device it has a leaf."""


class DeviceViews(msgspec.Struct, frozen=True, kw_only=True):
    """All of them, this one first."""

    devices: tuple[DeviceView, ...]
    rooms: int
    """Active rooms of this device."""
    asked: bool
    """Whether the node could be asked when they were last seen."""


class BeginLink(Unshown, EngineCall, frozen=True, kw_only=True):
    """Make a code for a new device; answered by `LinkCodeView`."""

    name: ClassVar[str] = "begin_link"
    phrase: str
    """The 24 words: the next person record is signed by the identity key."""


class LinkCodeView(Unshown, msgspec.Struct, frozen=True, kw_only=True):
    """What the new device must be told within two minutes."""

    code: str
    node: str
    until: int
    """Seconds since 1970."""


class AwaitLink(EngineCall, frozen=True, kw_only=True):
    """Wait a while for the new device; answered by `LinkView`."""

    name: ClassVar[str] = "await_link"
    within: float = 5.0


class LinkView(msgspec.Struct, frozen=True, kw_only=True):
    """How far linking is."""

    outcome: LinkOutcome
    device_id: bytes = b""
    problem: str = ""
    """Why not, for people."""


class SettleRooms(EngineCall, frozen=True):
    """Bring every room in line with the own record, now; answered by `RoomsSettled`."""

    name: ClassVar[str] = "settle_rooms"
    within: float = 0.0
    """Try again for so many seconds: a device that was just linked is still making its key packages."""


class RoomsSettled(msgspec.Struct, frozen=True, kw_only=True):
    """In how many rooms the devices are what the record says."""

    done: int
    left: int
    """Not yet: they are tried again when they can be reached."""
    problem: str = ""
    """Why one is left."""


class DeviceRevoked(RoomsSettled, frozen=True, kw_only=True):
    """A device is shut out by the node, and in so many rooms."""

    actor_key: KeyStanding = "waiting"
    """Whether the node signs with the new actor key, which is in the kit then; ``other``: one that another
    device of the person made still later; ``unchanged``: the device had been revoked before."""


class JudgeDevice(EngineCall, frozen=True, kw_only=True):
    """Ask whether a device could be revoked, before anybody types 24 words; answered by `Nothing`."""

    name: ClassVar[str] = "judge_device"
    device: str
    """As in `RevokeDevice`."""


class RevokeDevice(Unshown, EngineCall, frozen=True, kw_only=True):
    """Shut a device out, and make a new actor key; answered by `DeviceRevoked`. Again is no error."""

    name: ClassVar[str] = "revoke_device"
    device: str
    """Its id in hexadecimal, or the beginning of it."""
    phrase: str


class AwaitRooms(EngineCall, frozen=True, kw_only=True):
    """Wait until this device is in every room of its person; answered by `RoomsSettled`."""

    name: ClassVar[str] = "await_rooms"
    within: float = 5.0

"""Joining a room by link: the blob behind a link, requests to join, and who answers them (TRUST 6).

A room's hub may be another node: the own node then asks it in an exchange (`yurt.wire.exchange.Ask`), with
the same structs. What is unknown, over, used up, forged or for somebody else gets one and the same answer.
"""

from typing import ClassVar, Final

import msgspec

from yurt.wire.command import Answer, Command, Done

JOINED: Final = "joined"
WAITING: Final = "waiting"


class KeepLink(Command, frozen=True, kw_only=True):
    """Keep the sealed blob of a link that the room's policy lists already."""

    name: ClassVar[str] = "keep_link"
    answer: ClassVar[type[Answer]] = Done

    room: bytes
    invite_pub: bytes
    """32 bytes; the link's code is made of it."""
    blob: bytes
    proof: bytes
    """64 bytes: signed with the link's key (`yurt.rooms.common.invite_link.prove_blob`)."""
    account: bytes = b""
    """SHA-256 of the derived account secret, if the link also brings an account on the own node; then the
    blob lies here too, whoever the hub is."""


class EndLink(Command, frozen=True, kw_only=True):
    """Forget what was kept for a link of one's own; ending it in the room is a commit."""

    name: ClassVar[str] = "end_link"
    answer: ClassVar[type[Answer]] = Done

    room: bytes
    invite_pub: bytes


class LinkContent(Answer, frozen=True):
    """What lies behind a link."""

    blob: bytes
    """Sealed: only the link opens it."""


class FetchLink(Command, frozen=True):
    """Give the blob that a node keeps under a code."""

    name: ClassVar[str] = "fetch_link"
    answer: ClassVar[type[Answer]] = LinkContent

    node: str
    """The node that the link names."""
    code: str


class Asked(Answer, frozen=True):
    """What became of a request to join."""

    state: str
    """``waiting`` for somebody in the room, or ``joined``."""
    until: int = 0
    """Milliseconds since 1970: the hub forgets it then."""


class AskToJoin(Command, frozen=True):
    """Ask to be added to a room; the same request again only tells how it stands."""

    name: ClassVar[str] = "ask_to_join"
    answer: ClassVar[type[Answer]] = Asked

    hub: str
    room: bytes
    request: bytes
    """`yurt.rooms.common.join_request.JoinRequest`."""


class LentRequests(Answer, frozen=True):
    """Requests that this device has to answer, by a commit."""

    requests: tuple[bytes, ...] = ()
    """None: nobody waits, or somebody else is adding them."""
    until: int = 0
    """Milliseconds since 1970: then they go to the next device."""


class TakeRequests(Command, frozen=True):
    """Lend this device the requests that wait for a room; up to a hundred."""

    name: ClassVar[str] = "take_requests"
    answer: ClassVar[type[Answer]] = LentRequests

    room: bytes


# --- between nodes only ---------------------------------------------------------------------------------
class TakeForDevice(msgspec.Struct, frozen=True):
    """`TakeRequests` of a device of the asking node's account."""

    room: bytes
    device_id: bytes


class RingDevices(msgspec.Struct, frozen=True, omit_defaults=True):
    """The hub asks a node to wake somebody: one device in the room, or the person who asked to join."""

    room: bytes
    person: str = ""
    """The did of whoever asked to join; empty: any device in the room that is online may add people."""
    actor: str = ""
    """Where that person is."""
    first: tuple[str, ...] = ()
    """Dids to be preferred: those whose links they are."""

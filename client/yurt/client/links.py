"""What a person types or pastes: account invites, links to rooms and addresses.

parse_invite("https://harbour.example/i/ABCDEFGHIJ#c2VjcmV0")
parse_room_link("https://harbour.example/j/abcdefghijklmnop#c2VjcmV0c2VjcmV0c2VjcQ")
parse_address("@bo@hilltop.example")    # "bo@hilltop.example"
"""

import binascii
import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from typing import Final

from yurt.client.errors import UsageError
from yurt.identity.location import MalformedLocation, check_node
from yurt.rooms.common.errors import LinkRefused
from yurt.rooms.common.invite_link import InviteLink
from yurt.wire.problems import refuse

_INVITE: Final = re.compile(r"https://([^/#?@:]+)/i/([A-Za-z0-9]{4,64})#([A-Za-z0-9_-]{16,64}={0,2})")
_ROOM: Final = re.compile(r"https://[^/#?]+/j/")
_NAME: Final = re.compile(r"[a-z0-9_]{1,30}")
_REMOTE_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
SECRET_SIZE: Final = 16


@dataclass(frozen=True, slots=True)
class AccountInvite:
    """An invitation to have an account on a node."""

    node: str
    code: str
    secret: bytes = field(repr=False)


def parse_invite(link: str) -> AccountInvite:
    """Read an account invite, ``https://NODE/i/CODE#SECRET``, or the one that a link to a room carries.

    Raises:
        UsageError: It is none.
    """
    if is_room_link(link):
        room = parse_room_link(link)
        return AccountInvite(room.node, room.code, room.keys.account)
    match = _INVITE.fullmatch(link.strip())
    if match is None:
        raise UsageError("this is no account invite: it should look like https://NODE/i/CODE#SECRET, whole")
    node, code, text = match.groups()
    try:
        secret = urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
        check_node(node)
    except (binascii.Error, MalformedLocation):
        raise UsageError("this account invite was cut or changed: copy the whole link again") from None
    if len(secret) != SECRET_SIZE:
        raise UsageError("this account invite was cut: copy the whole link again")
    return AccountInvite(node, code, secret)


def is_room_link(link: str) -> bool:
    """Tell whether a link means to lead to a room."""
    return _ROOM.match(link.strip()) is not None


def parse_room_link(link: str) -> InviteLink:
    """Read a link to a room, ``https://NODE/j/CODE#SECRET``, and notice one that was not copied whole.

    Raises:
        UsageError: It is none, or a part of it is missing.
    """
    try:
        found = InviteLink.parse(link)
    except LinkRefused as error:
        raise UsageError(str(error)) from None
    if not found.is_whole:
        raise UsageError("this link was cut or changed: copy all of it again, also after the #")
    return found


def parse_address(text: str) -> str:
    """Read an address, ``name@node``, with or without a leading ``@``.

    Raises:
        ProblemError: ``badRequest``: it is none.
    """
    name, _, node = text.strip().removeprefix("@").partition("@")
    try:
        node = check_node(node.lower())
    except MalformedLocation:
        node = ""
    if not node or not _REMOTE_NAME.fullmatch(name):
        raise refuse("badRequest", f"{text!r} is no address: it should look like name@node")
    return f"{name}@{node}"


def check_name(name: str) -> str:
    """Take the name of a new account.

    Raises:
        UsageError: The node would not take it.
    """
    if not _NAME.fullmatch(name):
        raise UsageError("a name has 1 to 30 of the characters a to z, 0 to 9 and _")
    return name

"""The roster: a person's signed list of ties, so that nobody else has to remember them.

Lines of RFC 8785 JSON: a head, one line for each tie in the order of their actors, and the signature of
a device key over all lines before it. One roster has one text::

    {"count": 2, "device": "...", "did": "did:key:...", "time": 1795000000, "v": 1}
    {"actor": "https://...", "address": "bo@b.example", "did": null, ...}
    {"signature": "..."}

    data = sign_roster(ties, keys, record, time=now)
    roster = verify_roster(data, record)
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import msgspec

from yurt.identity import base64url
from yurt.identity.device import DeviceKeys
from yurt.identity.did import Did, parse_did
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.signed_record import VerifiedRecord
from yurt.identity.signing import SIGNATURE_SIZE
from yurt.portability.address import is_web_address, parse_address
from yurt.portability.canonical import MAX_JSON_LINE, Integer, Short, decode, encode, lines
from yurt.portability.device_signature import check_speaks_for, is_signed_by
from yurt.portability.errors import LocalPortabilityError, MalformedAddress, RosterError
from yurt.portability.labels import LABEL_ROSTER
from yurt.wire.errors import GateError
from yurt.wire.registry import DEVICE_ID_SIZE

ROSTER_VERSION: Final = 1
MAX_TIES: Final = 40_000
"""20,000 followed and 20,000 followers who are not the same."""
MAX_ROSTER_SIZE: Final = 20 * 1024 * 1024


class Tie(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One tie, as far as it is known; what is unknown is empty, 0 or null."""

    actor: Short
    """Where they are: a hint, and what old peers know them by."""
    address: Short = ""
    """``user@domain``, or empty if nobody knows one."""
    inbox: Short = ""
    shared_inbox: Short = ""
    did: Short | None = None
    """Who they are, if they are on Yurt."""
    software: Short = ""
    """NodeInfo's name of their node's software."""
    version: Short = ""
    follower: bool = False
    """They follow the person."""
    following: bool = False
    """The person follows them."""
    locked: bool = False
    """They approve followers by hand."""
    since: Integer = 0
    """Seconds since 1970."""
    seen: Integer = 0
    """When their node was last reached, if it has been silent since; seconds since 1970."""
    gone: Literal[True] | msgspec.UnsetType = msgspec.UNSET
    """Their node says that the account is deleted; not written of others."""

    @property
    def mutual(self) -> bool:
        """Tell whether both follow."""
        return self.follower and self.following


@dataclass(frozen=True, slots=True)
class Roster:
    """A roster that a device of its person really signed."""

    did: Did
    device_id: bytes
    time: int
    """Seconds since 1970."""
    ties: tuple[Tie, ...]
    """In the order of their actors."""


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    did: Short
    device: Short
    time: Integer
    count: Integer


class _Foot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    signature: Short


def sign_roster(ties: Iterable[Tie], keys: DeviceKeys, record: VerifiedRecord, *, time: int) -> bytes:
    """Write and sign a roster.

    Args:
        ties: In any order.
        keys: A device of the person.
        record: The person's newest record, which lists it.
        time: Now, in seconds since 1970.

    Raises:
        LocalPortabilityError: The device is not listed, or a tie is one that others will refuse.
    """
    check_speaks_for(keys, record)
    ordered = sorted(ties, key=lambda tie: tie.actor)
    device = base64url.encode(keys.device_id)
    said = _said(_Head(ROSTER_VERSION, record.did, device, time, len(ordered)), ordered)
    try:
        _check_ties(ordered)
    except RosterError as error:
        raise LocalPortabilityError(error.rule, str(error)) from None
    foot = _Foot(base64url.encode(keys.sign(LABEL_ROSTER, said)))
    return said + encode(foot) + b"\n"


def verify_roster(data: bytes, record: VerifiedRecord) -> Roster:
    """Read a roster, and believe it.

    Args:
        data: As it arrived.
        record: The newest verified record of the person whose roster it should be.

    Raises:
        RosterError: Malformed (``malformedRoster``), of an unknown version (``rosterVersion``), too large
            (``rosterTooLarge``), another person's (``rosterDid``), by a device that is not in the record
            or was expired (``rosterDevice``), or not signed by it (``rosterSignature``).
    """
    if len(data) > MAX_ROSTER_SIZE:
        raise RosterError("rosterTooLarge", "the roster is too large")
    try:
        roster, said, signature = _read(data)
        _check_ties(roster.ties)
    except (GateError, RemoteIdentityError, ValueError) as error:
        raise RosterError("malformedRoster", f"the roster is malformed: {error}") from None
    if roster.did != record.did:
        raise RosterError("rosterDid", "the roster is another person's")
    match is_signed_by(record, roster.device_id, roster.time, LABEL_ROSTER, said, signature):
        case "":
            return roster
        case "device":
            raise RosterError("rosterDevice", "the roster's device is not in the person's newest record")
        case _:
            raise RosterError("rosterSignature", "the roster was not signed by its device, or was changed")


def _read(data: bytes) -> tuple[Roster, bytes, bytes]:
    rows = lines(data)
    head = decode(next(rows, b""), _Head, limit=MAX_JSON_LINE)
    if head.v != ROSTER_VERSION:
        raise RosterError("rosterVersion", "the roster is of a version that is not known here")
    if head.count > MAX_TIES:
        raise RosterError("rosterTooLarge", f"a roster has at most {MAX_TIES} ties")
    ties = tuple(decode(next(rows, b""), Tie, limit=MAX_JSON_LINE) for _ in range(head.count))
    last = next(rows, b"")
    foot = decode(last, _Foot, limit=MAX_JSON_LINE)
    if next(rows, None) is not None:
        raise GateError("trailingData", "lines after the signature")
    device_id = base64url.decode(head.device, DEVICE_ID_SIZE)
    signature = base64url.decode(foot.signature, SIGNATURE_SIZE)
    return Roster(parse_did(head.did), device_id, head.time, ties), data[: -len(last) - 1], signature


def _said(head: _Head, ties: Iterable[Tie]) -> bytes:
    return b"".join(encode(line) + b"\n" for line in (head, *ties))


def _check_ties(ties: Iterable[Tie]) -> None:
    ties = list(ties)
    if len(ties) > MAX_TIES:
        raise RosterError("rosterTooLarge", f"a roster has at most {MAX_TIES} ties")
    if any(one.actor >= other.actor for one, other in pairwise(ties)):
        raise RosterError("malformedRoster", "the roster names an actor twice, or is not in order")
    for tie in ties:
        _check_tie(tie)


def _check_tie(tie: Tie) -> None:
    urls = (tie.actor, *filter(None, (tie.inbox, tie.shared_inbox)))
    if not all(map(is_web_address, urls)) or not _is_address(tie.address) or not _is_did(tie.did):
        raise RosterError("malformedRoster", "a tie's actor, inbox, address or did is none")


def _is_address(text: str) -> bool:
    try:
        return not text or str(parse_address(text)) == text
    except MalformedAddress:
        return False


def _is_did(text: str | None) -> bool:
    try:
        return text is None or parse_did(text) == text
    except RemoteIdentityError:
        return False

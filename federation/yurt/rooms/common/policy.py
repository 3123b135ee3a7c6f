"""The room's policy: GroupContext extension 0xF0B2, agreed by every member with each epoch (TRUST 3).

Presentation language of RFC 9420 2.1; dids are 32 bytes; times are seconds. Lists for later rules
(fallbacks, invites) are there from the first room, and empty::

    struct {
        uint8  version = 1;
        opaque hub<V>;              // the hub's node name
        uint32 term;
        Base   base;                // {uint32 term; uint64 seq; opaque chain[32]}: where the term begins
        Fallback fallbacks<V>;      // <= 3: {opaque node<V>; opaque consent<V>}
        RoleEntry roles<V>;         // ordered: {opaque did[32]; uint8 role}, never role 0
        opaque bans<V>;             // <= 256 dids
        Floor  floors<V>;           // {opaque did[32]; uint64 record_seq}
        Invite invites<V>;          // <= 64: {opaque invite_pub[32]; opaque by[32]; uint32 uses_left;
                                    //         uint64 not_after; uint64 history}
        uint64 history;             // most that a joiner may be given, back in time; 0 = nothing
        Limits limits;              // {uint32 participants; uint8 may_invite (least role)}
        uint64 takeover_after;
    } RoomPolicy;

A policy that would not fit into 48 KiB is refused as ``policyFull``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from typing_extensions import override

from yurt.identity.did import DID_SIZE, Did, did_of, public_of
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.location import check_node
from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.errors import DecodeError
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.rules import Rule
from yurt.wire.position import START, Position
from yurt.wire.registry import HASH_SIZE, MAX_POLICY_SIZE

POLICY_VERSION: Final = 1
FIRST_TERM: Final = 1
MAX_FALLBACKS: Final = 3
MAX_BANS: Final = 256
MAX_INVITES: Final = 64
MAX_CONSENT_SIZE: Final = 512
DEFAULT_PARTICIPANTS: Final = 500
DEFAULT_TAKEOVER_S: Final = 24 * 3600


class Role(IntEnum):
    """What a participant may do; more may do all that less may."""

    MEMBER = 0
    MODERATOR = 1
    ADMIN = 2
    OWNER = 3


@dataclass(frozen=True, slots=True)
class Base(Structure):
    """The last entry before a term: its log goes on from there."""

    position: Position
    chain: bytes

    @override
    def encode_to(self, w: Writer) -> None:
        w.u32(self.position.term).u64(self.position.seq).raw(self.chain)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        return cls(Position(r.u32(), r.u64()), r.raw(HASH_SIZE))


@dataclass(frozen=True, slots=True)
class Fallback(Structure):
    """A node that may take over when the hub is dead, with its own signed consent (TRUST 8; later)."""

    node: str
    consent: bytes

    @override
    def encode_to(self, w: Writer) -> None:
        w.opaque(self.node.encode()).opaque(self.consent)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        return cls(_read_node(r), _bounded(r.opaque(), MAX_CONSENT_SIZE))


@dataclass(frozen=True, slots=True)
class RoleEntry(Structure):
    """A did with a role other than member."""

    did: Did
    role: Role

    @override
    def encode_to(self, w: Writer) -> None:
        w.raw(public_of(self.did)).u8(self.role)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        did, role = _read_did(r), _read_role(r)
        if role is Role.MEMBER:
            raise DecodeError("a member is not listed among the roles")
        return cls(did, role)


@dataclass(frozen=True, slots=True)
class Floor(Structure):
    """No leaf of `did` enters whose device certificate is from an earlier record; after a revocation."""

    did: Did
    record_seq: int

    @override
    def encode_to(self, w: Writer) -> None:
        w.raw(public_of(self.did)).u64(self.record_seq)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        return cls(_read_did(r), r.u64())


@dataclass(frozen=True, slots=True)
class Invite(Structure):
    """A link by which people may join (TRUST 6)."""

    invite_pub: bytes
    by: Did
    uses_left: int
    not_after: int
    history: int

    @override
    def encode_to(self, w: Writer) -> None:
        w.raw(self.invite_pub).raw(public_of(self.by)).u32(self.uses_left)
        w.u64(self.not_after).u64(self.history)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        return cls(r.raw(32), _read_did(r), r.u32(), r.u64(), r.u64())


@dataclass(frozen=True, slots=True)
class Limits(Structure):
    """How large the room may grow, and who may let people in."""

    participants: int = DEFAULT_PARTICIPANTS
    may_invite: Role = Role.ADMIN
    """The least role that may add people."""

    @override
    def encode_to(self, w: Writer) -> None:
        w.u32(self.participants).u8(self.may_invite)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        return cls(r.u32(), _read_role(r))


@dataclass(frozen=True, slots=True)
class RoomPolicy:
    """What the members of a room have agreed."""

    hub: str
    term: int
    base: Base
    roles: tuple[RoleEntry, ...]
    fallbacks: tuple[Fallback, ...] = ()
    bans: tuple[Did, ...] = ()
    floors: tuple[Floor, ...] = ()
    invites: tuple[Invite, ...] = ()
    history: int = 0
    """Most that a joiner may be given, in seconds back; 0 is nothing."""
    limits: Limits = Limits()
    takeover_after: int = DEFAULT_TAKEOVER_S
    """How long the hub must be dead, in seconds (later)."""

    @classmethod
    def first(cls, hub: str, room_id: bytes, owner: Did) -> Self:
        """Give the policy of a new room.

        Args:
            hub: The hub's node name.
            room_id: The MLS group id: the chain begins with it.
            owner: Who makes the room.
        """
        return cls(hub, FIRST_TERM, Base(START, room_id), (RoleEntry(owner, Role.OWNER),))

    def encode(self) -> bytes:
        """Write the extension data.

        Raises:
            Refused: ``policyFull``.
        """
        w = Writer().u8(POLICY_VERSION).opaque(self.hub.encode()).u32(self.term)
        self.base.encode_to(w)
        w.vector(self.fallbacks).vector(self.roles)
        w.opaque(b"".join(public_of(did) for did in self.bans))
        w.vector(self.floors).vector(self.invites).u64(self.history)
        self.limits.encode_to(w)
        data = w.u64(self.takeover_after).bytes()
        _check_full(len(data), self.fallbacks, self.bans, self.invites)
        return data

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read the extension data.

        Raises:
            Refused: ``policyFull``, ``policyVersion`` or ``policyMalformed``.
        """
        if len(data) > MAX_POLICY_SIZE:
            raise Refused(Rule.POLICY_FULL, "the room's policy is full")
        try:
            return cls._read(Reader(data))
        except (DecodeError, RemoteIdentityError, UnicodeDecodeError) as error:
            raise Refused(Rule.POLICY_MALFORMED, f"the room's policy is malformed: {error}") from None

    @classmethod
    def _read(cls, r: Reader) -> Self:
        if r.u8() != POLICY_VERSION:
            raise Refused(Rule.POLICY_VERSION, "the room's policy is of a version that is not known here")
        hub, term, base = _read_node(r), r.u32(), Base.decode_from(r)
        fallbacks, roles = r.vector(Fallback.decode_from), r.vector(RoleEntry.decode_from)
        bans = _read_dids(r.opaque())
        floors, invites = r.vector(Floor.decode_from), r.vector(Invite.decode_from)
        history, limits, takeover_after = r.u64(), Limits.decode_from(r), r.u64()
        r.finish()
        _check_full(0, fallbacks, bans, invites)
        for dids in ([e.did for e in roles], bans, [f.did for f in floors]):
            if len(set(dids)) != len(dids):
                raise DecodeError("a did is listed twice")
        if len({invite.invite_pub for invite in invites}) != len(invites):
            raise DecodeError("a link is listed twice")
        return cls(hub, term, base, roles, fallbacks, bans, floors, invites, history, limits, takeover_after)

    def listed_role(self, did: Did) -> Role:
        """Give the role that the policy lists; see `roles.Standing` for who acts as the owner."""
        return next((entry.role for entry in self.roles if entry.did == did), Role.MEMBER)

    def invite(self, invite_pub: bytes) -> Invite | None:
        """Give the entry of a link."""
        return next((invite for invite in self.invites if invite.invite_pub == invite_pub), None)

    def floor(self, did: Did) -> int:
        """Give the least ``record_seq`` with which a device of `did` may enter; 0 without a floor."""
        return next((floor.record_seq for floor in self.floors if floor.did == did), 0)


def _check_full(
    size: int, fallbacks: Sequence[Fallback], bans: Sequence[Did], invites: Sequence[Invite]
) -> None:
    """Refuse a policy that no room may have, by size or by any list."""
    full = (
        size > MAX_POLICY_SIZE
        or len(fallbacks) > MAX_FALLBACKS
        or len(bans) > MAX_BANS
        or len(invites) > MAX_INVITES
    )
    if full:
        raise Refused(Rule.POLICY_FULL, "the room's policy is full")


def _read_did(r: Reader) -> Did:
    return did_of(r.raw(DID_SIZE))


def _read_dids(data: bytes) -> tuple[Did, ...]:
    r, dids = Reader(data), list[Did]()
    while not r.at_end:
        dids.append(_read_did(r))
    return tuple(dids)


def _read_node(r: Reader) -> str:
    return check_node(r.opaque().decode("ascii"))


def _read_role(r: Reader) -> Role:
    value = r.u8()
    if value not in Role._value2member_map_:
        raise DecodeError("a role that is not known here")
    return Role(value)


def _bounded(data: bytes, size: int) -> bytes:
    if len(data) > size:
        raise DecodeError(f"more than {size} bytes")
    return data

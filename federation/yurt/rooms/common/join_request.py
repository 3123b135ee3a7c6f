"""A request to join by link: a key package and the proof that goes with it (TRUST 6).

::

    struct {
        uint8  version = 1;
        opaque key_package<V>;      // an MLSMessage
        opaque proof<V>;            // a JoinProof
    } JoinRequest;

The hub checks a request at its door, and whoever adds checks it again before committing: both ask the same
function, so a request that the hub took is one that a member can grant. The proof comes first: somebody
without the link learns nothing about the room, not even that there is one.

    applicant = JoinRequest.decode(data).check(standing, room_id, now_ms)      # or Refused
"""

from dataclasses import dataclass
from typing import Final, Self

from yurt.identity.errors import LeafError, RemoteIdentityError
from yurt.identity.leaf import LeafUse, VerifiedLeaf
from yurt.mls.cipher_suite import X25519_AES128GCM_SHA256_ED25519 as SUITE
from yurt.mls.codec import Reader, Writer
from yurt.mls.errors import RemoteMlsError
from yurt.mls.framing import MLSMessage
from yurt.mls.key_package import KeyPackage
from yurt.mls.validation.key_package import check_key_package
from yurt.mls.validation.leaf_node import check_lifetime
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.join_proof import JoinProof
from yurt.rooms.common.judge_links import check_proof
from yurt.rooms.common.participants import Standing, verified_leaf
from yurt.rooms.common.policy import Invite
from yurt.rooms.common.rules import Rule
from yurt.wire.registry import MAX_DEVICES

MAX_REQUEST_SIZE: Final = 16 * 1024
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """A request as it arrived."""

    key_package: bytes
    """The MLSMessage."""
    proof: bytes

    def encode(self) -> bytes:
        """Write the request."""
        return Writer().u8(_VERSION).opaque(self.key_package).opaque(self.proof).bytes()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a request.

        Raises:
            Refused: ``joinProof``.
        """
        try:
            r = Reader(data, limit=MAX_REQUEST_SIZE)
            version, request = r.u8(), cls(r.opaque(), r.opaque())
            r.finish()
        except RemoteMlsError:
            raise Refused(Rule.JOIN_PROOF, "the request to join is malformed") from None
        if version != _VERSION:
            raise Refused(Rule.JOIN_PROOF, "the request to join was made by a newer release")
        return request

    def check(self, standing: Standing, room_id: bytes, now_ms: int) -> "Applicant":
        """Check that this request could be granted now.

        Args:
            standing: The room, in the current epoch.
            room_id: The room's id.
            now_ms: Milliseconds since 1970.

        Raises:
            Refused: ``joinProof``, ``inviteUnknown``, ``inviteExpired``, ``banned``, ``badLeaf``,
                ``leafUse``, ``leafExpired``, ``belowFloor``, ``actorTaken``, ``duplicateDevice``,
                ``tooManyDevices`` or ``roomFull``.
        """
        proof = JoinProof.decode(self.proof)
        invite = check_proof(standing.policy, room_id, proof, now_ms // 1000)
        package = _package(self.key_package, now_ms)
        leaf, key = verified_leaf(package.leaf_node), package.leaf_node.signature_key
        if (*leaf.key, key) != (proof.did, proof.device_id, proof.leaf_key):
            raise Refused(Rule.JOIN_PROOF, "the proof is about another key package")
        _check_place(standing, leaf)
        return Applicant(self, package, leaf, invite)


@dataclass(frozen=True, slots=True)
class Applicant:
    """A request that could be granted."""

    request: JoinRequest
    package: KeyPackage
    leaf: VerifiedLeaf
    invite: Invite


def _package(message: bytes, now_ms: int) -> KeyPackage:
    try:
        package = MLSMessage.decode(message).expect(KeyPackage)
        # A package that MLS refuses would spoil the commit of whoever adds.
        check_key_package(SUITE, package)
        check_lifetime(package.leaf_node, now_ms)
        leaf = verified_leaf(package.leaf_node)
        leaf.check_time(now_ms // 1000)
    except LeafError as error:
        rule = Rule.LEAF_EXPIRED if error.rule == "leafExpired" else Rule.BAD_LEAF
        raise Refused(rule, f"the key package's leaf: {error}", detail=error.rule) from None
    except (RemoteMlsError, RemoteIdentityError) as error:
        raise Refused(Rule.BAD_LEAF, f"the key package: {error}", detail=error.rule) from None
    if leaf.use is not LeafUse.JOINING:
        raise Refused(Rule.LEAF_USE, "a leaf from a key package is a joining leaf")
    return package


def _check_place(standing: Standing, leaf: VerifiedLeaf) -> None:
    """Look whether the judge would take an Add of this leaf (`judge_leaves`)."""
    policy, people = standing.policy, standing.people
    if leaf.did in policy.bans:
        raise Refused(Rule.BANNED, "this person is banned from the room")
    if people.device(leaf.did, leaf.device_id) is not None:
        raise Refused(Rule.DUPLICATE_DEVICE, "the device is in the room already")
    if leaf.record_seq < policy.floor(leaf.did):
        raise Refused(Rule.BELOW_FLOOR, "the device's certificate is from before a revocation")
    if any(m.did != leaf.did and m.leaf.actor.lower() == leaf.actor.lower() for m in people.members):
        raise Refused(Rule.ACTOR_TAKEN, "somebody else in the room is at this actor")
    if len(people.of(leaf.did)) >= MAX_DEVICES:
        raise Refused(Rule.TOO_MANY_DEVICES, f"a person has at most {MAX_DEVICES} devices in a room")
    if leaf.did not in people and len(people) >= policy.limits.participants:
        raise Refused(Rule.ROOM_FULL, f"the room takes at most {policy.limits.participants} people")


def select(applicants: "list[Applicant]", standing: Standing, most: int) -> "list[Applicant]":
    """Choose whom one commit may add, in their order: no more than links, room and a commit take.

    Args:
        applicants: Each checked against the same epoch.
        standing: That epoch.
        most: Leaves that one commit adds.
    """
    left = {invite.invite_pub: invite.uses_left for invite in standing.policy.invites}
    room = standing.policy.limits.participants - len(standing.people)
    chosen: dict[tuple[str, bytes], Applicant] = {}
    actors: dict[str, str] = {}
    new: dict[str, int] = {}
    for each in applicants:
        did, pub = each.leaf.did, each.invite.invite_pub
        costs = did not in standing.people and did not in new
        fits = not costs or (left[pub] > 0 and len(new) < room)
        same_place = actors.setdefault(each.leaf.actor.lower(), did) == did
        devices = len(standing.people.of(did)) + new.get(did, 0)
        if not fits or not same_place or each.leaf.key in chosen or devices >= MAX_DEVICES:
            continue
        chosen[each.leaf.key] = each
        left[pub] -= costs
        if did not in standing.people:
            new[did] = new.get(did, 0) + 1
        if len(chosen) == most:
            break
    return list(chosen.values())


def uses_of(chosen: "list[Applicant]", standing: Standing) -> dict[bytes, int]:
    """Count what the chosen cost each link: one for each new person, at the first of their requests."""
    first: dict[str, bytes] = {}
    for each in chosen:
        if each.leaf.did not in standing.people:
            first.setdefault(each.leaf.did, each.invite.invite_pub)
    used: dict[bytes, int] = {}
    for pub in first.values():
        used[pub] = used.get(pub, 0) + 1
    return used

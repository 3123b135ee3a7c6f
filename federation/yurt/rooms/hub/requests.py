"""Requests to join by link: checked at the hub's door, kept seven days, lent to whoever may add (TRUST 6).

::

    struct {
        uint8  version = 1;
        opaque key_package<V>;      // an MLSMessage
        opaque proof<V>;            // a JoinProof
    } JoinRequest;

The hub can check a request before anybody sees it: the proof names a link of the policy, and the key package
is the one that it is about. One online device gets up to a hundred of them for 15 s, so that it adds many in
one commit; what it did not add in time goes to the next. Which devices are online the node knows.

    request = JoinRequest.decode(data).check(state, now_ms)      # or Refused
    lease = lend(waiting, lenders, now_ms)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from yurt.identity.did import Did
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
from yurt.rooms.common.room_change import Device
from yurt.rooms.common.rules import Rule
from yurt.rooms.hub.state import HubState

MAX_REQUEST_SIZE: Final = 16 * 1024
KEPT_MS: Final = 7 * 86_400_000
LEASE_MS: Final = 15_000
MAX_LENT: Final = 100
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

    def check(self, state: HubState, now_ms: int) -> "Waiting":
        """Check that this request could be granted now.

        Args:
            state: The room.
            now_ms: The hub's clock, milliseconds since 1970.

        Raises:
            Refused: ``joinProof``, ``inviteUnknown``, ``inviteExpired``, ``banned``, ``badLeaf``,
                ``leafUse``, ``leafExpired`` or ``duplicateDevice``.
        """
        proof, leaf = JoinProof.decode(self.proof), _leaf(self.key_package, now_ms)
        invite = check_proof(state.standing.policy, state.room_id, proof, now_ms // 1000)
        if (*leaf.verified.key, leaf.signature_key) != (proof.did, proof.device_id, proof.leaf_key):
            raise Refused(Rule.JOIN_PROOF, "the proof is about another key package")
        if proof.did in state.standing.policy.bans:
            raise Refused(Rule.BANNED, "this person is banned from the room")
        if state.standing.people.device(proof.did, proof.device_id) is not None:
            raise Refused(Rule.DUPLICATE_DEVICE, "the device is in the room already")
        return Waiting(self, Device(proof.did, proof.device_id), invite.invite_pub, invite.by, now_ms)


@dataclass(frozen=True, slots=True)
class _Leaf:
    verified: VerifiedLeaf
    signature_key: bytes


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that the hub keeps."""

    request: JoinRequest
    device: Device
    invite_pub: bytes
    inviter: Did
    since: int
    """Milliseconds since 1970."""
    lent_to: Device | None = None
    lent_until: int = 0

    def is_free(self, now_ms: int) -> bool:
        """Whether nobody holds it."""
        return now_ms >= self.lent_until


def still_waiting(waiting: Iterable[Waiting], standing: Standing, now_ms: int) -> tuple[Waiting, ...]:
    """Drop what was granted, is too old, or rests on a link that ended."""
    return tuple(
        each
        for each in waiting
        if now_ms - each.since < KEPT_MS
        and standing.people.device(each.device.did, each.device.device_id) is None
        and _is_open(standing.policy.invite(each.invite_pub), now_ms)
    )


def lend(waiting: Sequence[Waiting], online: Sequence[Device], now_ms: int) -> tuple[Waiting, ...]:
    """Lend free requests to one device that may add: an inviter's before another's, oldest first.

    Args:
        waiting: All requests of a room, oldest first.
        online: Devices in the room that are online, in the node's order; any member may add on a proof.
        now_ms: Milliseconds since 1970.

    Returns:
        The requests that are lent now, all to one device; none if nobody is online, or a lease runs.
    """
    if not online or any(not each.is_free(now_ms) for each in waiting):
        return ()
    inviters = {each.inviter for each in waiting}
    to = next((device for device in online if device.did in inviters), online[0])
    first = sorted(waiting, key=lambda each: (each.inviter != to.did, each.since))
    return tuple(replace(each, lent_to=to, lent_until=now_ms + LEASE_MS) for each in first[:MAX_LENT])


def _is_open(invite: Invite | None, now_ms: int) -> bool:
    return invite is not None and now_ms // 1000 <= invite.not_after


def _leaf(key_package: bytes, now_ms: int) -> _Leaf:
    try:
        package = MLSMessage.decode(key_package).expect(KeyPackage)
        # A package that MLS refuses would spoil the commit of whoever adds.
        check_key_package(SUITE, package)
        check_lifetime(package.leaf_node, now_ms)
        node = package.leaf_node
        leaf = verified_leaf(node)
        leaf.check_time(now_ms // 1000)
    except LeafError as error:
        rule = Rule.LEAF_EXPIRED if error.rule == "leafExpired" else Rule.BAD_LEAF
        raise Refused(rule, f"the key package's leaf: {error}", detail=error.rule) from None
    except (RemoteMlsError, RemoteIdentityError) as error:
        raise Refused(Rule.BAD_LEAF, f"the key package: {error}", detail=error.rule) from None
    if leaf.use is not LeafUse.JOINING:
        raise Refused(Rule.LEAF_USE, "a leaf from a key package is a joining leaf")
    return _Leaf(leaf, node.signature_key)

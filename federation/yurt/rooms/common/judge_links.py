"""The judge's rules about links: who may make one, and who may come in by it (TRUST 3, 6).

The entry in the policy is the law: a proof counts if its key stands there, in time, with uses left, in the
epoch which the commit ends. Any member may add on a valid proof; each new person costs one use, and the
same commit lowers the number, so that fifty people who race for one use cannot all come in.

    joins = read_joins(change, at, data, before)       # who is proven, and what that costs
    check_links(case)                                  # the policy says the same afterwards
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from yurt.identity.did import Did
from yurt.identity.errors import RemoteIdentityError
from yurt.mls.change import CommitChange
from yurt.mls.leaf_node import LeafNode
from yurt.mls.signatures import ED25519
from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.join_proof import JoinProof
from yurt.rooms.common.judged import Case, Joins, Judged
from yurt.rooms.common.participants import Standing, verified_leaf
from yurt.rooms.common.policy import Invite, Role, RoomPolicy
from yurt.rooms.common.rules import Rule

MAX_INVITE_LIFE_S: Final = 365 * 86_400


def check_proof(policy: RoomPolicy, group_id: bytes, proof: JoinProof, at_s: int) -> Invite:
    """Check a proof against the policy of one moment; the hub's door asks the same.

    Args:
        policy: The room's, in the current epoch.
        group_id: The room.
        proof: As it arrived.
        at_s: Seconds since 1970.

    Returns:
        The link's entry.

    Raises:
        Refused: ``inviteUnknown``, ``inviteExpired`` or ``joinProof``.
    """
    invite = policy.invite(proof.invite_pub)
    if invite is None:
        raise Refused(Rule.INVITE_UNKNOWN, "there is no such link, or it was revoked or used up")
    if at_s > invite.not_after:
        raise Refused(Rule.INVITE_EXPIRED, "the link has expired")
    proof.verify(group_id)
    return invite


def read_joins(change: CommitChange, at: Judged, data: CommitData, before: Standing) -> Joins:
    """Find out who comes in by which link, and how many uses that costs.

    Raises:
        Refused: ``joinProof`` (malformed, forged, twice, or of nobody whom the commit adds),
            ``inviteUnknown``, ``inviteExpired`` or ``inviteUsedUp``.
    """
    added = _added(change)
    proven: set[tuple[Did, bytes]] = set()
    new: dict[Did, Invite] = {}
    for wire in data.join_proofs:
        proof = JoinProof.decode(wire)
        key = (proof.did, proof.device_id)
        if key in proven or added.get(key) != proof.leaf_key:
            raise Refused(Rule.JOIN_PROOF, "a join proof is not about a leaf that the commit adds")
        invite = check_proof(before.policy, change.group_id, proof, at.accepted_at_s)
        proven.add(key)
        if proof.did not in before.people:
            new.setdefault(proof.did, invite)
    used = Counter(invite.invite_pub for invite in new.values())
    for invite in new.values():
        if used[invite.invite_pub] > invite.uses_left:
            raise Refused(Rule.INVITE_USED_UP, "the link has not that many uses left")
    return Joins(frozenset(proven), dict(used), tuple(new))


def check_links(case: Case) -> None:
    """Judge what becomes of the policy's links.

    Raises:
        Refused: ``inviteUses``, ``linkRight`` or ``badInvite``.
    """
    before, after = _links(case.before.policy), _links(case.after.policy)
    for pub, invite in before.items():
        expected = after_uses(invite, case.joins.used.get(pub, 0))
        if after.get(pub) == expected:
            continue
        if pub in after:
            raise Refused(Rule.INVITE_USES, "a link changes only by the number of people who came by it")
        if not _may_end(case, invite):
            raise Refused(Rule.LINK_RIGHT, "a link is revoked by its maker, or by owner and admins")
    for pub, invite in after.items():
        if pub not in before:
            _check_made(case, invite)


def after_uses(invite: Invite, used: int) -> Invite | None:
    """Give a link's entry after some new people came by it; None if it is used up."""
    return replace(invite, uses_left=invite.uses_left - used) if used < invite.uses_left else None


def _added(change: CommitChange) -> dict[tuple[Did, bytes], bytes]:
    """Whose leaves the commit adds, and with which signature key."""
    leaves = (entering.leaf for entering in change.entering if entering.how == "add")
    return {_key(leaf): leaf.signature_key for leaf in leaves}


def _key(leaf: LeafNode) -> tuple[Did, bytes]:
    try:
        return verified_leaf(leaf).key
    except RemoteIdentityError as error:
        raise Refused(Rule.BAD_LEAF, f"a leaf that enters: {error}", detail=error.rule) from None


def _links(policy: RoomPolicy) -> Mapping[bytes, Invite]:
    return {invite.invite_pub: invite for invite in policy.invites}


def _may_end(case: Case, invite: Invite) -> bool:
    return (
        invite.by == case.by.did
        or case.role >= Role.ADMIN
        or case.at.accepted_at_s > invite.not_after
        or invite.by not in case.after.people
    )


def _check_made(case: Case, invite: Invite) -> None:
    if invite.by != case.by.did or case.role < case.before.policy.limits.may_invite:
        raise Refused(Rule.LINK_RIGHT, "a link is made by somebody who may invite, in their own name")
    life = invite.not_after - case.at.accepted_at_s
    fits = (
        ED25519.accepts(invite.invite_pub)
        and invite.uses_left > 0
        and 0 < life <= MAX_INVITE_LIFE_S
        and invite.history <= case.after.policy.history
    )
    if not fits:
        raise Refused(
            Rule.BAD_INVITE, "a link has uses, ends within a year, and gives no more than the room does"
        )

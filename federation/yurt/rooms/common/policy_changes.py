"""How a policy is changed, so that a commit which does it right is written in one way (TRUST 3, 6).

Whoever makes a commit builds the next policy with these; whether they may is the judge's.

    policy = without(policy, gone)                  # beside the Removes, in the same commit
    policy = with_role(policy, did, Role.MODERATOR)
    policy = after_joins(policy, {invite_pub: 2})
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from yurt.identity.did import Did
from yurt.rooms.common.judge_links import after_uses
from yurt.rooms.common.policy import Invite, Role, RoleEntry, RoomPolicy


def with_role(policy: RoomPolicy, did: Did, role: Role) -> RoomPolicy:
    """Give somebody a role, or none; the order of all others stays."""
    if policy.listed_role(did) is role:
        return policy
    others = tuple(entry for entry in policy.roles if entry.did != did)
    return replace(policy, roles=others if role is Role.MEMBER else (*others, RoleEntry(did, role)))


def without(policy: RoomPolicy, gone: Collection[Did]) -> RoomPolicy:
    """Drop the roles of people who go, as the judge demands, and the links that they made."""
    return replace(
        policy,
        roles=tuple(entry for entry in policy.roles if entry.did not in gone),
        invites=tuple(invite for invite in policy.invites if invite.by not in gone),
    )


def with_ban(policy: RoomPolicy, did: Did) -> RoomPolicy:
    """Ban somebody, who goes in the same commit or is not there."""
    banned = without(policy, (did,))
    return banned if did in policy.bans else replace(banned, bans=(*policy.bans, did))


def without_ban(policy: RoomPolicy, did: Did) -> RoomPolicy:
    """Let somebody be invited again."""
    return replace(policy, bans=tuple(other for other in policy.bans if other != did))


def with_link(policy: RoomPolicy, invite: Invite) -> RoomPolicy:
    """Make a link."""
    return replace(policy, invites=(*policy.invites, invite))


def without_link(policy: RoomPolicy, invite_pub: bytes) -> RoomPolicy:
    """Revoke a link."""
    return replace(policy, invites=tuple(i for i in policy.invites if i.invite_pub != invite_pub))


def after_joins(policy: RoomPolicy, used: Mapping[bytes, int]) -> RoomPolicy:
    """Lower the links by the number of new people who came by them.

    Args:
        policy: Before the commit that adds them.
        used: By invite key.
    """
    left = (after_uses(invite, used.get(invite.invite_pub, 0)) for invite in policy.invites)
    return replace(policy, invites=tuple(invite for invite in left if invite is not None))

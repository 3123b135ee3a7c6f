"""The judge's rules about the policy: what may change in it, by whom (TRUST 3)."""

from yurt.identity.did import Did
from yurt.mls.change import CommitChange
from yurt.mls.extensions import Extension
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.judge_links import check_links
from yurt.rooms.common.judged import Case
from yurt.rooms.common.policy import Role, RoomPolicy
from yurt.rooms.common.rules import Rule
from yurt.wire.registry import ROOM_POLICY_EXTENSION


def check_extensions(change: CommitChange) -> None:
    """Only the policy changes among the GroupContext's extensions.

    So required_capabilities stays as it was, and external senders, cards and others never come in.

    Raises:
        Refused: ``extensionsChanged``.
    """
    if _others(change.extensions_before) != _others(change.extensions_after):
        raise Refused(Rule.EXTENSIONS_CHANGED, "only the room's policy may change")


def check_policy(case: Case) -> None:
    """Judge each part of the policy that differs.

    Raises:
        Refused: ``notYet``, ``roleRight``, ``roleOfNobody``, ``banRight``, ``floorWithoutRecord``,
            ``policyRight``, or a rule of links.
    """
    before, after = case.before.policy, case.after.policy
    _check_gone(case, after)
    if before == after and not case.joins.used:
        return
    if _later(before) != _later(after):
        raise Refused(Rule.NOT_YET, "hub, term and fallbacks cannot be changed yet")
    check_links(case)
    _check_roles(case, before, after)
    _check_bans(case, before, after)
    _check_floors(case, before, after)
    if _settings(before) != _settings(after) and case.role < Role.ADMIN:
        raise Refused(Rule.POLICY_RIGHT, "only owner and admins change the room's policy")


def _others(extensions: tuple[Extension, ...]) -> tuple[Extension, ...]:
    return tuple(e for e in extensions if e.extension_type != ROOM_POLICY_EXTENSION)


def _later(policy: RoomPolicy) -> tuple[object, ...]:
    """The fields whose rules come later (TRUST 8): handover and takeover."""
    return policy.hub, policy.term, policy.base, policy.fallbacks


def _settings(policy: RoomPolicy) -> tuple[object, ...]:
    return policy.history, policy.limits, policy.takeover_after


def _check_gone(case: Case, after: RoomPolicy) -> None:
    """Whoever goes leaves no role behind, so that nobody comes back with one (TRUST 3)."""
    if any(entry.did in case.gone for entry in after.roles):
        raise Refused(Rule.ROLE_OF_NOBODY, "the roles of people who go are dropped in the same commit")


def _check_roles(case: Case, before: RoomPolicy, after: RoomPolicy) -> None:
    dids = {entry.did for entry in (*before.roles, *after.roles)}
    changed = {did for did in dids if before.listed_role(did) != after.listed_role(did)}
    for did in changed - case.gone:
        if did not in case.after.people and after.listed_role(did) is not Role.MEMBER:
            raise Refused(Rule.ROLE_OF_NOBODY, "a role is given to somebody who is in the room")
        if not _may_give(case, did, before.listed_role(did), after.listed_role(did)):
            raise Refused(Rule.ROLE_RIGHT, "one gives and takes roles below one's own")
    # The order decides who acts as the owner, so nobody may move up in it.
    stay = [[e.did for e in policy.roles if e.did not in changed] for policy in (before, after)]
    if stay[0] != stay[1]:
        raise Refused(Rule.ROLE_RIGHT, "the order of roles may not be changed")


def _may_give(case: Case, did: Did, old: Role, new: Role) -> bool:
    if did == case.by.did:
        return new < old  # stepping down
    return case.role > old and case.role > new


def _check_bans(case: Case, before: RoomPolicy, after: RoomPolicy) -> None:
    for did in set(before.bans) ^ set(after.bans):
        if case.role < Role.MODERATOR or case.role <= case.before.role(did):
            raise Refused(Rule.BAN_RIGHT, "moderators and above ban and unban people of lower roles")


def _check_floors(case: Case, before: RoomPolicy, after: RoomPolicy) -> None:
    dids = {floor.did for floor in (*before.floors, *after.floors)}
    for did in dids:
        if before.floor(did) != after.floor(did) and not _raised(case, did, before, after):
            raise Refused(Rule.FLOOR_WITHOUT_RECORD, "a floor only rises, with the record that revokes")


def _raised(case: Case, did: Did, before: RoomPolicy, after: RoomPolicy) -> bool:
    """A floor rises to what a revocation issued anew, and never over a device that is still good."""
    record, floor = case.records.get(did), after.floor(did)
    return (
        floor > before.floor(did)
        and record is not None
        and bool(record.record.revoked)
        and floor <= record.record.seq
        and all(certificate.record_seq >= floor for certificate in record.record.devices)
    )

"""Who may invite, remove, ban and give roles: strictly by standing, and nobody gains by cunning."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.judged import Judged
from yurt.rooms.common.participants import Standing
from yurt.rooms.common.policy import Fallback, Limits, Role, RoleEntry
from yurt.rooms.common.policy_changes import with_role, without
from yurt.rooms.common.room import read_people
from yurt.rooms.common.room_change import RoleChange
from yurt.rooms.common.rules import Rule
from yurt.rooms.testing import (
    ANA,
    AT,
    BO,
    CY,
    DAY,
    DEE,
    EVE,
    NOW,
    Person,
    RoomBefore,
    policy_of,
    room,
)


def refusal(case: RoomBefore, at: Judged = AT) -> Rule:
    """Judge a commit that must be refused, and say by which rule."""
    with pytest.raises(Refused) as caught:
        case.judge(at)
    return caught.value.rule


@pytest.mark.parametrize(("by", "may"), [(ANA, True), (BO, True), (CY, False), (DEE, False)])
def test_who_may_invite(by: Person, may: bool) -> None:  # noqa: FBT001  # a column of the table
    """Admins at first; whom the policy names later."""
    case = room(by=by)
    case.adds.append(EVE.leaf())
    if may:
        case.judge()
    else:
        assert refusal(case) is Rule.INVITE_RIGHT
    case.policy = replace(case.policy, limits=Limits(may_invite=Role.MEMBER))
    case.judge()


@pytest.mark.parametrize("by", [ANA, BO, CY, DEE])
@pytest.mark.parametrize("target", [ANA, BO, CY, DEE])
def test_who_may_remove_whom(by: Person, target: Person) -> None:
    """Strictly lower roles, and nobody else."""
    people = [ANA, BO, CY, DEE]
    if by is target:
        return
    case = room(by=by)
    case.removes.append(people.index(target))
    case.after = without(case.policy, (target.did,))

    if people.index(by) < people.index(target):
        assert case.judge().removed == (target.did,)
    else:
        assert refusal(case) is Rule.REMOVE_RIGHT


def test_expired_leaf_goes_by_anybodys_hand() -> None:
    """Thirty days after its end, not before."""
    case = room(by=DEE)
    case.removes.append(0)
    case.after = without(case.policy, (ANA.did,))
    for days, may in ((110, False), (111, True)):
        late = Judged(1, 7, (NOW + days * DAY) * 1000)
        case.data = CommitData(late.accepted_at)
        if may:
            assert case.judge(late).removed == (ANA.did,)
        else:
            assert refusal(case, late) is Rule.REMOVE_RIGHT


@pytest.mark.parametrize(
    ("by", "roles"),
    [
        (BO, {"ana": Role.OWNER, "bo": Role.OWNER, "cy": Role.MODERATOR}),
        (BO, {"ana": Role.OWNER, "bo": Role.ADMIN, "cy": Role.ADMIN}),
        (BO, {"bo": Role.ADMIN, "cy": Role.MODERATOR}),
        (BO, {"bo": Role.ADMIN, "ana": Role.OWNER, "cy": Role.MODERATOR}),
        (ANA, {"ana": Role.OWNER, "bo": Role.OWNER, "cy": Role.MODERATOR}),
        (CY, {"ana": Role.OWNER, "bo": Role.ADMIN, "cy": Role.MODERATOR, "dee": Role.MODERATOR}),
        (DEE, {"ana": Role.OWNER, "bo": Role.ADMIN, "cy": Role.MODERATOR, "dee": Role.ADMIN}),
    ],
)
def test_roles_that_one_may_not_give(by: Person, roles: dict[str, Role]) -> None:
    """Not one's own, nor above, nor by taking somebody's place in the order."""
    case = room(by=by)
    case.after = policy_of(**roles)

    assert refusal(case) is Rule.ROLE_RIGHT


def test_whoever_goes_leaves_no_role_behind() -> None:
    """Removing an admin and keeping the entry, or giving a role to somebody outside, is refused."""
    case = room()
    case.removes.append(1)
    assert refusal(case) is Rule.ROLE_OF_NOBODY
    case.after = without(case.policy, (BO.did,))
    assert case.judge().roles == (RoleChange(BO.did, Role.ADMIN, Role.MEMBER),)

    case = room()
    case.after = with_role(case.policy, EVE.did, Role.MODERATOR)
    assert refusal(case) is Rule.ROLE_OF_NOBODY


def test_stepping_down() -> None:
    """Anybody may give back what they have."""
    case = room(by=CY)
    case.after = policy_of(ana=Role.OWNER, bo=Role.ADMIN)

    assert case.judge().roles == (RoleChange(CY.did, Role.MODERATOR, Role.MEMBER),)


@pytest.mark.parametrize(("by", "target", "may"), [(CY, EVE, True), (CY, BO, False), (DEE, EVE, False)])
def test_who_may_ban(by: Person, target: Person, may: bool) -> None:  # noqa: FBT001  # a column of the table
    """Moderators and above, over lower roles; unbanning alike."""
    case = room(CY, DEE, ANA, by=by)
    banned = replace(case.policy, bans=(target.did,))
    for before, after in ((case.policy, banned), (banned, case.policy)):
        change = replace(case, policy=before, after=after)
        if may:
            assert target.did in (*change.judge().banned, *change.judge().unbanned)
        else:
            assert refusal(change) is Rule.BAN_RIGHT


@pytest.mark.parametrize("by", [CY, DEE])
def test_settings_are_the_admins(by: Person) -> None:
    """History, limits and times are not everybody's."""
    case = room(by=by)
    for after in (
        replace(case.policy, history=1),
        replace(case.policy, limits=Limits(may_invite=Role.MEMBER)),
        replace(case.policy, takeover_after=1),
    ):
        assert refusal(replace(case, after=after)) is Rule.POLICY_RIGHT
        assert replace(case, after=after, by=1).judge().settings


def test_hub_term_and_links_stay() -> None:
    """Even the owner cannot change yet what has no rules yet."""
    case = room()
    for after in (
        replace(case.policy, hub="hilltop.example"),
        replace(case.policy, term=2),
        replace(case.policy, fallbacks=(Fallback("hilltop.example", b""),)),
    ):
        assert refusal(replace(case, after=after)) is Rule.NOT_YET


ROLE = st.tuples(st.integers(0, 4), st.sampled_from(Role))
ROLES = st.lists(ROLE, max_size=4, unique_by=lambda pair: pair[0])
CHANGES = st.lists(ROLE, max_size=2, unique_by=lambda pair: pair[0])


@settings(max_examples=150)
@given(
    ROLES,
    CHANGES,
    st.integers(0, 3),
    st.sets(st.integers(0, 3)),
    st.sets(st.integers(0, 3), max_size=2),
    st.sets(st.integers(0, 4), max_size=2),
)
def test_nobody_gains_by_cunning(
    before: list[tuple[int, Role]],
    changes: list[tuple[int, Role]],
    by: int,
    removes: set[int],
    leaves: set[int],
    bans: set[int],
) -> None:
    """Whatever a commit mixes: equals and betters keep seat and role, and nobody rises to the committer."""
    people = (ANA, BO, CY, DEE, EVE)

    def entries(pairs: list[tuple[int, Role]]) -> tuple[RoleEntry, ...]:
        return tuple(RoleEntry(people[n].did, role) for n, role in pairs if role is not Role.MEMBER)

    case = room(*people[:4], by=people[by])
    case.policy = replace(case.policy, roles=entries(before))
    case.removes = sorted(removes - leaves - {by})
    case.leaving = sorted(leaves - {by})
    gone = {*case.removes, *case.leaving}
    kept = [pair for pair in before if pair[0] not in dict(changes) and pair[0] not in gone]
    case.after = replace(
        case.policy, roles=entries([*kept, *changes]), bans=tuple(people[n].did for n in sorted(bans))
    )
    standing = Standing(case.policy, read_people(case.change().tree_before))
    mine = standing.role(people[by].did)
    try:
        change = case.judge()
    except Refused:
        return

    for did in (*change.removed, *change.banned):
        assert standing.role(did) < mine
    assert set(change.left) == {people[n].did for n in case.leaving}
    for role in change.roles:
        if role.did in change.left:
            assert role.after is Role.MEMBER
            continue
        assert role.did == people[by].did or standing.policy.listed_role(role.did) < mine
        assert role.after < mine or role.after < role.before

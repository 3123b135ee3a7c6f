"""A hub that only sees public messages, and members who hold the secrets, agree on every epoch."""

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from yurt.mls.public_group import PublicGroup
from yurt.mls.ratchet_tree import RatchetTree
from yurt.mls.receiving import ReceivedCommit
from yurt.mls.rehearsal import Member, everyone
from yurt.mls.validation.group_info import check_group


class Step(NamedTuple):
    """One commit: who makes it, how many come, who goes, and whether it renews the committer's keys."""

    committer: int
    joiners: int
    leaver: int
    force_path: bool


STEPS = st.lists(
    st.builds(Step, st.integers(0, 20), st.integers(0, 3), st.integers(0, 20), st.booleans()),
    min_size=1,
    max_size=12,
)


def _follow(
    hub: PublicGroup, members: list[Member], step: Step, name: str
) -> tuple[PublicGroup, list[Member]]:
    """Let a commit happen at the hub and at everybody's; give what the hub knows and who is there now."""
    committer = members[step.committer % len(members)]
    leaver = members[step.leaver % len(members)]
    leaves = step.leaver % 3 == 0 and leaver is not committer
    joiners = [Member(f"{name}-{number}") for number in range(step.joiners)]
    staged = committer.group.stage_commit(
        adds=[joiner.key_package().key_package for joiner in joiners],
        removes=[leaver.index] if leaves else [],
        force_path=step.force_path,
    )

    at_hub = hub.stage(staged.commit)

    watcher = next((member for member in members if member not in (committer, leaver)), None)
    if watcher is not None:
        received = watcher.group.process(staged.commit, at=0)
        assert isinstance(received, ReceivedCommit)
        assert received.change == at_hub.change == staged.change
    everyone(members, staged)
    for joiner in joiners:
        joiner.join(staged.welcome)
    hub = at_hub.apply()
    hub.check_group_info(staged.group_info)
    return hub, [member for member in members if not (leaves and member is leaver)] + joiners


@given(STEPS)
@settings(max_examples=12)
def test_hub_and_members_agree(steps: list[Step]) -> None:
    """Whatever members commit, the hub takes it, and stands where every member stands."""
    members = [Member("ana").found()]
    first = members[0].group.stage_commit()
    everyone(members, first)
    hub = PublicGroup.from_group_info(first.group_info, members[0].group.tree, now_ms=None)

    for number, step in enumerate(steps):
        hub, members = _follow(hub, members, step, f"p{number}")

        for member in members:
            assert member.group.context == hub.context
            assert member.group.tree == hub.tree
        fresh = RatchetTree.decode(hub.suite, hub.tree.encode())
        assert fresh.tree_hash() == hub.tree.tree_hash()
        check_group(hub.suite, hub.context, fresh, at_ms=None)

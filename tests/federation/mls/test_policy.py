"""The application's word on commits: asked at hub and members alike, before anything changes."""

import pytest

from yurt.mls.change import CommitChange
from yurt.mls.errors import CredentialChanged
from yurt.mls.policy import judged_by_caller
from yurt.mls.proposals import Remove
from yurt.mls.public_group import PublicGroup
from yurt.mls.receiving import ReceivedCommit
from yurt.mls.rehearsal import Member, own_leaf, room, tell


class NobodyLeaves(Exception):
    """This application removes nobody."""


def refuse_removals(change: CommitChange) -> None:
    """A policy that looks at proposals, their authors and the committer."""
    for proposal, author in change.proposals:
        if isinstance(proposal, Remove):
            name = change.committer_leaf.credential.identity.decode()
            raise NobodyLeaves(f"{author} as {change.committer}: {name}")


def hub_of(member: Member) -> PublicGroup:
    return PublicGroup.from_group_info(member.group.group_info(with_tree=True), None, now_ms=None)


def test_a_credential_stays_with_its_leaf() -> None:
    """Without a policy nobody can come to be called something else; hub and members say so alike."""
    ana, bo = room("ana", "bo")
    hub, epoch = hub_of(ana), ana.group.epoch
    commit = bo.group.stage_commit(leaf=own_leaf("mallory"), policy=judged_by_caller).commit

    with pytest.raises(CredentialChanged):
        ana.group.process(commit, at=0)
    with pytest.raises(CredentialChanged):
        hub.stage(commit)

    assert ana.group.epoch == epoch


def test_an_update_keeps_its_credential() -> None:
    """The rule holds for a leaf that somebody else commits, too."""
    ana, bo, cy = room("ana", "bo", "cy")
    wish = bo.group.propose_update(own_leaf("mallory"))
    reference = tell([ana, cy], wish)

    with pytest.raises(CredentialChanged):
        cy.group.stage_commit(references=[reference])


def test_nobody_makes_what_others_refuse() -> None:
    """An own commit is judged by the same word; refused, it leaves nothing pending."""
    ana, _ = room("ana", "bo")

    with pytest.raises(CredentialChanged):
        ana.group.stage_commit(leaf=own_leaf("mallory"))

    assert ana.group.pending is None


def test_an_application_may_allow_it() -> None:
    """A policy that takes the new name takes the commit."""
    ana, bo = room("ana", "bo")
    commit = bo.group.stage_commit(leaf=own_leaf("bo-at-home"), policy=judged_by_caller).commit

    received = ana.group.process(commit, at=0, policy=judged_by_caller)
    assert isinstance(received, ReceivedCommit)
    ana.group.merge_received(received)

    assert b"bo-at-home" in ana.group.tree.leaf(bo.index).credential.identity


def test_a_policy_sees_who_wants_what() -> None:
    """Proposals with their authors and the committer reach the policy, and its error the caller."""
    ana, bo, cy = room("ana", "bo", "cy")
    hub = hub_of(ana)
    commit = bo.group.stage_commit(removes=[cy.index]).commit

    with pytest.raises(NobodyLeaves, match=r"1 as 1: .*bo"):
        ana.group.process(commit, at=0, policy=refuse_removals)
    with pytest.raises(NobodyLeaves):
        hub.stage(commit, policy=refuse_removals)

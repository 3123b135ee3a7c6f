"""The application's word on a commit that the RFC allows (RFC 9420, 5.3.1 and 12.2).

A policy sees each commit once its signature and every public rule hold, and before anything changes: who
committed, each proposal with its author, each leaf that enters. It raises to refuse. Hub and members must
be given the same one: a commit that only some of them take splits the group.

    group.process(message, at=at, policy=my_policy)
    public_group.stage(message, policy=my_policy)

Without one, nobody may come to be called something else: a credential stays with its leaf.
"""

from collections.abc import Callable
from typing import TypeAlias

from yurt.mls.change import CommitChange
from yurt.mls.errors import CredentialChanged

Policy: TypeAlias = Callable[[CommitChange], None]
"""Looks at a valid commit; raises a RemoteMlsError (or an error of the application's own) to refuse it."""


def keep_credentials(change: CommitChange) -> None:
    """Refuse a commit in which a member's new leaf bears another credential than its old one.

    Raises:
        CredentialChanged: By an Update, the committer's path, or a return from outside.
    """
    for entering in change.entering:
        if entering.replaces is not None and entering.leaf.credential != entering.replaces.credential:
            raise CredentialChanged(entering.index)


def judged_by_caller(_change: CommitChange) -> None:
    """Refuse nothing: for a caller whose own rules judge `change` before anything is merged."""

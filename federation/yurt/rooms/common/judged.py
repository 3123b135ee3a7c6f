"""What the judge looks at: where a commit stands, and both sides of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Self

from yurt.identity.did import Did
from yurt.identity.signed_record import VerifiedRecord
from yurt.mls.change import CommitChange
from yurt.mls.proposals import SelfRemove
from yurt.rooms.common.participants import Member, Standing
from yurt.rooms.common.policy import Role
from yurt.wire.position import LogRow


@dataclass(frozen=True, slots=True)
class Judged:
    """The place in the log that a commit is judged by."""

    term: int
    seq: int
    accepted_at: int
    """Milliseconds since 1970, by the hub's clock."""

    @classmethod
    def of(cls, row: LogRow) -> Self:
        """Take the place of a row."""
        return cls(row.position.term, row.position.seq, row.accepted_at)

    @property
    def accepted_at_s(self) -> int:
        """Seconds since 1970, as certificates count."""
        return self.accepted_at // 1000


@dataclass(frozen=True, slots=True)
class Joins:
    """Who comes in by link with a commit, and what it costs."""

    proven: frozenset[tuple[Did, bytes]] = frozenset()
    """(did, device) of leaves with a valid proof."""
    used: Mapping[bytes, int] = field(default_factory=lambda: MappingProxyType({}))
    """By invite key: how many new people came by it."""
    new: tuple[Did, ...] = ()
    """Those people."""


@dataclass(frozen=True)  # no slots: `left` is computed once
class Case:
    """One commit with everything that its rules need."""

    change: CommitChange
    at: Judged
    records: dict[Did, VerifiedRecord]
    """The person records that the commit carries, verified."""
    before: Standing
    after: Standing
    by: Member
    """The committer, as it was before; somebody who comes back by a resync, with the new leaf."""
    joins: Joins = Joins()

    @property
    def is_resync(self) -> bool:
        """Whether the committer comes from outside."""
        return self.change.committer is None

    @cached_property
    def left(self) -> frozenset[int]:
        """Leaves that go by their own SelfRemove."""
        return frozenset(
            author
            for proposal, author in self.change.proposals
            if isinstance(proposal, SelfRemove) and author is not None
        )

    @property
    def gone(self) -> frozenset[Did]:
        """People who are in the room no more."""
        return frozenset(did for did in self.before.people.dids if did not in self.after.people)

    @property
    def role(self) -> Role:
        """The committer's role: as it was before, whatever the commit says."""
        return self.before.role(self.by.did)

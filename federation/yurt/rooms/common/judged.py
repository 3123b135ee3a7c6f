"""What the judge looks at: where a commit stands, and both sides of it."""

from dataclasses import dataclass
from typing import Self

from yurt.identity.did import Did
from yurt.identity.signed_record import VerifiedRecord
from yurt.mls.change import CommitChange
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
class Case:
    """One commit with everything that its rules need."""

    change: CommitChange
    at: Judged
    records: dict[Did, VerifiedRecord]
    """The person records that the commit carries, verified."""
    before: Standing
    after: Standing
    by: Member
    """The committer, as it was before."""

    @property
    def role(self) -> Role:
        """The committer's role: as it was before, whatever the commit says."""
        return self.before.role(self.by.did)

"""The own commit that waits for the hub's answer, in a row of its own.

A device may submit a commit, crash, and learn after its restart that the commit was accepted. Its secrets
exist nowhere else, so they wait here with everything that was submitted.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from yurt.mls.codec import Reader, Writer
from yurt.mls.errors import RowsIncomplete
from yurt.mls.group_store import EpochRows
from yurt.mls.member_epoch import EpochStart
from yurt.mls.policy import judged_by_caller
from yurt.mls.public_group import PublicGroup
from yurt.mls.staging import StagedCommit

_VERSION: Final = 2
_WITH_PUBLIC: Final = 1
"""Rows of the version before, which held the whole next epoch, tree and all."""
_SLOT: Final = "pending"


@dataclass(frozen=True, slots=True)
class PendingCommit:
    """A staged commit with the epoch that it would begin."""

    staged: StagedCommit
    start: EpochStart = field(repr=False)

    def write(self, rows: EpochRows) -> None:
        """Write the row."""
        staged = self.staged
        w = Writer().u8(_VERSION).opaque(staged.commit).u8(staged.welcome is not None)
        w.opaque(staged.welcome or b"").opaque(staged.group_info)
        self.start.encode_secrets(w)
        rows.put(_SLOT, w.bytes())

    @staticmethod
    def erase(rows: EpochRows) -> None:
        """Delete the row."""
        rows.delete(_SLOT)

    @classmethod
    def load(cls, value: bytes, public: PublicGroup) -> "PendingCommit":
        """Read the row back; what the commit makes of the group is computed again from `public`."""
        r = Reader(value)
        version = r.u8()
        if version not in (_VERSION, _WITH_PUBLIC):
            raise RowsIncomplete("the pending commit's row is of a newer version")
        commit, has_welcome, welcome, group_info = r.opaque(), r.flag(), r.opaque(), r.opaque()
        after = public.stage(commit, policy=judged_by_caller)  # judged when it was made
        staged = StagedCommit(
            commit=commit,
            welcome=welcome if has_welcome else None,
            group_info=group_info,
            change=after.change,
            hash=hashlib.sha256(commit).digest(),
        )
        if version == _WITH_PUBLIC:
            return cls(staged, EpochStart.decode_from(r))
        return cls(staged, EpochStart.decode_secrets(after.apply(), r))

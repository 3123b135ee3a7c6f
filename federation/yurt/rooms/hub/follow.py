"""A member node follows its hub: the same rules, applied to rows that are already in order (TRUST 6).

match follow_row(state, row, now_ms):
case Followed(state=state): ...   # keep row and state in one transaction
case Duplicate(): ...
# LogGap: pull from state.head; LogForked, Refused: the hub breaks the rules, stop and tell a human
"""

from dataclasses import dataclass

from yurt.rooms.common.errors import LogForked, Refused
from yurt.rooms.common.judged import Judged
from yurt.rooms.common.log_copy import Duplicate, LogCopy, follow
from yurt.rooms.common.room_change import RoomChange
from yurt.rooms.common.rules import Rule
from yurt.rooms.hub.commits import effects_of, judge_commit, judge_entry
from yurt.rooms.hub.effects import Effect
from yurt.rooms.hub.state import HubState
from yurt.wire.position import LogRow
from yurt.wire.registry import EntryKind


@dataclass(frozen=True, slots=True)
class Followed:
    """The row is taken in."""

    state: HubState
    row: LogRow
    change: RoomChange | None
    effects: tuple[Effect, ...]
    """Of a commit; a member node acts on what concerns its own accounts."""
    ahead: bool
    """The hub's clock is over ten minutes ahead of ours."""

    @property
    def keeps_state(self) -> bool:
        """Whether the public group changed: then the snapshot is stored with the row, not only the head."""
        return self.row.kind in (EntryKind.COMMIT, EntryKind.PROPOSAL)


def follow_row(state: HubState, row: LogRow, now_ms: int) -> Followed | Duplicate:
    """Take in the next row of a room that is here as a copy.

    Args:
        state: The copy right after its last row.
        row: What the hub sent.
        now_ms: This node's clock, milliseconds since 1970.

    Raises:
        LogGap: Rows between are missing.
        LogForked: The row contradicts the copy, or begins another term.
        Refused: A commit that no hub may accept.
    """
    outcome = follow(LogCopy(state.head, state.chain, state.accepted_at), row, now_ms)
    if isinstance(outcome, Duplicate):
        return outcome
    # TRUST 8, later: a new term begins with a takeover or handover that can be judged.
    if row.position.term != state.term:
        raise LogForked("term", row.position)
    if row.kind not in (EntryKind.COMMIT, EntryKind.PROPOSAL):
        return Followed(state.after_row(row), row, None, (), outcome.ahead)
    if not row.body:
        raise Refused(Rule.INVALID_COMMIT, "what was erased of the room's commits cannot be followed")
    if row.kind == EntryKind.PROPOSAL:
        public, _ = judge_entry(state.public, row.body, Judged.of(row))
        return Followed(state.after_proposal(row, public), row, None, (), outcome.ahead)
    commit = judge_commit(state.public, row.body, Judged.of(row))
    after = state.after_commit(row, commit.public, removes=commit.removes, resynced=commit.change.resynced)
    effects = effects_of(commit.change, state.standing, after.standing)
    return Followed(after, row, commit.change, effects, outcome.ahead)

"""What a hub decides of each entry: taken, at which place, or refused by which rule (TRUST 4).

Pure: state and submission in, next state and effects out. The shell holds the room's lock, answers
duplicates (SHA-256 of the entry) from its log, stores row, state and effects in one transaction, and
keeps the new state only then.

    after, accepted = accept(state, Submission(did, EntryKind.MESSAGE, entry), now_ms)

The epochs of one room::

    current            messages, SelfRemoves, and the one commit that ends it
    current - 1, - 2   messages, for 12 h after their end; none from before a removal
    others             wrongEpoch (ahead), epochTooOld (behind)
"""

from dataclasses import dataclass
from typing import Final

from yurt.mls.errors import DecodeError
from yurt.mls.framing import ContentType, Envelope, WireFormat, peek
from yurt.rooms.common.chain import entry_hash, next_chain
from yurt.rooms.common.errors import EpochTooOld, Refused, WrongEpoch
from yurt.rooms.common.judged import Judged
from yurt.rooms.common.rules import Rule
from yurt.rooms.hub.bundle import check_group_info, check_welcome
from yurt.rooms.hub.commits import effects_of, judge_commit, judge_entry
from yurt.rooms.hub.effects import Accepted
from yurt.rooms.hub.state import OPEN_EPOCHS, HubState
from yurt.wire.position import LogRow, Position
from yurt.wire.registry import MAX_COMMIT_SIZE, MAX_ENTRY_SIZE, MAX_WELCOME_SIZE, EntryKind

EPOCH_OPEN_MS: Final = 12 * 3600 * 1000
"""How long after its end messages of an epoch are still taken."""

_FRAMING: Final[dict[int, tuple[WireFormat, ContentType]]] = {
    EntryKind.MESSAGE: (WireFormat.PRIVATE_MESSAGE, ContentType.APPLICATION),
    EntryKind.COMMIT: (WireFormat.PUBLIC_MESSAGE, ContentType.COMMIT),
    EntryKind.PROPOSAL: (WireFormat.PUBLIC_MESSAGE, ContentType.PROPOSAL),
}
"""Each kind has one framing; everything else is refused (TRUST 4)."""


@dataclass(frozen=True, slots=True)
class Submission:
    """An entry that somebody wants appended."""

    did: str
    """Who submits: the account's did, of which the submitting node is sure."""
    kind: int
    entry: bytes
    """The MLSMessage."""
    group_info: bytes = b""
    welcome: bytes = b""


def accept(state: HubState, submission: Submission, now_ms: int) -> tuple[HubState, Accepted]:
    """Decide on one entry.

    Args:
        state: The room right after its last row.
        submission: What arrived.
        now_ms: The hub's clock, milliseconds since 1970.

    Returns:
        The room right after the new row, and what follows.

    Raises:
        WrongEpoch: The room is in another epoch.
        EpochTooOld: The message's epoch is over.
        Refused: Another rule says no; nothing has changed.
    """
    if submission.did not in state.standing.people:
        raise Refused(Rule.NOT_PARTICIPANT, "only participants write into a room")
    envelope = _check_form(state, submission)
    # accepted_at never decreases within a term, even if the hub's clock does.
    at = max(now_ms, state.accepted_at)
    if submission.kind == EntryKind.COMMIT:
        return _accept_commit(state, submission, envelope, at)
    if submission.kind == EntryKind.PROPOSAL:
        return _accept_proposal(state, submission, envelope, at)
    _check_age(state, envelope.epoch, at)
    row = next_row(state, EntryKind.MESSAGE, submission.entry, at)
    return state.after_row(row), Accepted(row)


def next_row(state: HubState, kind: EntryKind, entry: bytes, accepted_at: int) -> LogRow:
    """Give an entry the next place."""
    position = Position(state.term, state.head.seq + 1)
    digest = entry_hash(entry)
    chain = next_chain(state.chain, position, kind, accepted_at, digest)
    return LogRow(position, int(kind), accepted_at, digest, entry, chain)


def _check_form(state: HubState, submission: Submission) -> Envelope:
    limit = MAX_COMMIT_SIZE if submission.kind == EntryKind.COMMIT else MAX_ENTRY_SIZE
    if max(len(submission.entry), len(submission.group_info)) > limit:
        raise Refused(Rule.ENTRY_TOO_LARGE, f"an entry of this kind has at most {limit} bytes")
    if len(submission.welcome) > MAX_WELCOME_SIZE:
        raise Refused(Rule.ENTRY_TOO_LARGE, f"a Welcome has at most {MAX_WELCOME_SIZE} bytes")
    try:
        envelope = peek(submission.entry)
    except DecodeError as error:
        raise Refused(Rule.WRONG_FRAMING, f"the entry is no MLS message: {error}") from None
    if _FRAMING.get(submission.kind) != (envelope.wire_format, envelope.content_type):
        raise Refused(Rule.WRONG_FRAMING, "commits are PublicMessages, content is PrivateMessages")
    if envelope.group_id != state.room_id:
        raise Refused(Rule.WRONG_ROOM, "the entry belongs to another room")
    return envelope


def _check_age(state: HubState, epoch: int, at: int) -> None:
    """Hold the table of the module docstring."""
    current = state.epoch
    if epoch > current:
        raise WrongEpoch(current, epoch)
    if epoch == current:
        return
    ended_at = next((ended.ended_at for ended in state.ended if ended.epoch == epoch), None)
    is_open = (
        epoch >= current - OPEN_EPOCHS
        and epoch >= state.removal_epoch
        and ended_at is not None
        and at - ended_at <= EPOCH_OPEN_MS
    )
    if not is_open:
        raise EpochTooOld(current, epoch)


def _accept_commit(
    state: HubState, submission: Submission, envelope: Envelope, at: int
) -> tuple[HubState, Accepted]:
    # RFC 9420, 14: the first commit in an epoch ends it.
    if envelope.epoch != state.epoch:
        raise WrongEpoch(state.epoch, envelope.epoch)
    row = next_row(state, EntryKind.COMMIT, submission.entry, at)
    commit = judge_commit(state.public, submission.entry, Judged.of(row))
    if commit.by != submission.did:
        raise Refused(Rule.NOT_YOURS, "the commit is another person's")
    check_group_info(commit, submission.group_info)
    check_welcome(commit, submission.welcome)
    resynced = commit.change.resynced
    if resynced is not None:
        state.check_resync(resynced, at)
    after = state.after_commit(row, commit.public, removes=commit.removes, resynced=resynced)
    effects = effects_of(commit.change, state.standing, after.standing)
    return after, Accepted(row, commit.change, effects, submission.group_info, submission.welcome)


def _accept_proposal(
    state: HubState, submission: Submission, envelope: Envelope, at: int
) -> tuple[HubState, Accepted]:
    """A member wants to leave; the next commit takes the leaf out."""
    if envelope.epoch != state.epoch:
        raise WrongEpoch(state.epoch, envelope.epoch)
    row = next_row(state, EntryKind.PROPOSAL, submission.entry, at)
    public, leaving = judge_entry(state.public, submission.entry, Judged.of(row))
    if leaving.did != submission.did:
        raise Refused(Rule.NOT_YOURS, "the proposal is another person's")
    return state.after_proposal(row, public), Accepted(row)

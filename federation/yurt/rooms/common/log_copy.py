"""A copy of a room's log checks each row that arrives (TRUST 3, 4); the same for nodes and clients.

match follow(copy, row, now_ms):
    case Continued(copy): ...   # keep the row and this state, in one transaction
    case Duplicate(): ...       # had it already
# LogGap: pull from copy.head; LogForked: stop and tell a human
"""

from dataclasses import dataclass
from typing import Final

from yurt.rooms.common.chain import chain_of, entry_hash
from yurt.rooms.common.errors import LogForked, LogGap
from yurt.wire.position import LogRow, Position
from yurt.wire.registry import CLOCK_SKEW_MS, HASH_SIZE, MAX_COMMIT_SIZE, MAX_ENTRY_SIZE, EntryKind

_MAX_KIND: Final = 2**8 - 1
_MAX_TERM: Final = 2**32 - 1
_MAX_NUMBER: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class LogCopy:
    """Up to where a copy has a log."""

    head: Position
    """The last row that is here; where the copy begins, if it begins later than the log."""
    chain: bytes
    """The chain hash at `head`; the room id at the start."""
    accepted_at: int = 0
    """``accepted_at`` of the row at `head`, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Continued:
    """The row is the next one."""

    copy: LogCopy
    ahead: bool
    """The hub's clock is over ten minutes ahead of ours: take rows in, but stop sending (TRUST 3)."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The row is here already."""


def follow(copy: LogCopy, row: LogRow, now_ms: int) -> Continued | Duplicate:
    """Check a row against the copy.

    Args:
        copy: What is here.
        row: What arrived.
        now_ms: Our own clock, milliseconds since 1970.

    Raises:
        LogGap: Rows between are missing.
        LogForked: Its hash or chain is wrong, it is too large, its term or time goes back, or it rewrites
            the head.
    """
    _check_numbers(row)
    _check_sizes(row)
    if row.position <= copy.head:
        return _duplicate(copy, row)
    if row.position.seq <= copy.head.seq:
        raise LogForked("rewritten", row.position)
    if row.position.seq > copy.head.seq + 1:
        raise LogGap(copy.head, row.position)
    # accepted_at never decreases within a term; a new term is another hub's clock.
    if row.position.term == copy.head.term and row.accepted_at < copy.accepted_at:
        raise LogForked("time", row.position)
    # An erased row has no body; its hash still carries the chain.
    if row.body and entry_hash(row.body) != row.hash:
        raise LogForked("hash", row.position)
    if chain_of(copy.chain, row) != row.chain:
        raise LogForked("chain", row.position)
    ahead = row.accepted_at > now_ms + CLOCK_SKEW_MS
    return Continued(LogCopy(row.position, row.chain, row.accepted_at), ahead)


def _check_numbers(row: LogRow) -> None:
    """Refuse numbers that the chain's fields cannot hold."""
    position = row.position
    fits = (
        0 <= position.term <= _MAX_TERM
        and 0 < position.seq <= _MAX_NUMBER
        and 0 <= row.kind <= _MAX_KIND
        and 0 <= row.accepted_at <= _MAX_NUMBER
    )
    if not fits:
        raise LogForked("hash", position)


def _check_sizes(row: LogRow) -> None:
    """Refuse a row larger than any hub may accept: it would fit into no frame of whoever reads the copy."""
    message = row.kind in (EntryKind.MESSAGE, EntryKind.PROPOSAL)
    limit = MAX_ENTRY_SIZE if message else MAX_COMMIT_SIZE
    if len(row.body) > limit or len(row.hash) != HASH_SIZE or len(row.chain) != HASH_SIZE:
        raise LogForked("size", row.position)


def _duplicate(copy: LogCopy, row: LogRow) -> Duplicate:
    """Take a row that is not new as a duplicate, unless it contradicts the head."""
    if row.position.term < copy.head.term and row.position.seq > copy.head.seq:
        # TRUST 8: nobody returns to a lower term.
        raise LogForked("term", row.position)
    if row.position == copy.head and row.chain != copy.chain:
        raise LogForked("rewritten", row.position)
    return Duplicate()

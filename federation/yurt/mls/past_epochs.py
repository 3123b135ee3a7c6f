"""How long a member can still read messages of epochs that ended.

Time is the log's, never a clock's: a member who was away for a month and reads a month of log at once
keeps and drops the same epochs as one who was there.

    expired({3: 1_000, 4: None}, current=9, now_ms=90_000_000)
    past.open(message)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from yurt.mls.codec import Reader, Writer
from yurt.mls.errors import RowsIncomplete, UnknownEpoch
from yurt.mls.framing import PrivateMessage
from yurt.mls.group_context import GroupContext
from yurt.mls.group_store import EpochRows, GroupStore
from yurt.mls.message_epoch import ApplicationMessage, MessageEpoch, ended_at
from yurt.mls.past_leaves import Leaves, LeavesSince, PastLeaves
from yurt.mls.public_group import PublicGroup
from yurt.mls.ratchet_tree import RatchetTree

KEEP_EPOCHS: Final = 3
"""An epoch this close below the current one is kept, however old."""
KEEP_MS: Final = 24 * 60 * 60 * 1000
"""An epoch that ended within this time is kept, however many epochs followed."""
MAX_PAST: Final = 64
"""But never more epochs than this; the oldest go first."""

_VERSION: Final = 1
_RECORD: Final = "past"
_RESUMPTION: Final = "resumption"


def expired(ended_at: Mapping[int, int | None], *, current: int, now_ms: int) -> list[int]:
    """List the past epochs whose secrets must go.

    Args:
        ended_at: Log time in ms at which each kept past epoch ended; None where it is not known yet.
        current: The epoch that the group is in.
        now_ms: Log time of the newest entry.
    """

    def is_kept(epoch: int) -> bool:
        ended = ended_at[epoch]
        return current - epoch <= KEEP_EPOCHS or ended is None or now_ms - ended <= KEEP_MS

    newest_gone = max((epoch for epoch in ended_at if not is_kept(epoch)), default=-1)
    # An epoch is told by what changed since (`past_leaves`), so none outlives a later one.
    kept = sorted(epoch for epoch in ended_at if epoch > newest_gone)
    return sorted(ended_at.keys() - set(kept[-MAX_PAST:]))


@dataclass(slots=True)
class _Past:
    """A kept epoch, decoded as far as anybody asked."""

    slots: Mapping[str, bytes] = field(repr=False)
    ended_at: int | None
    messages: MessageEpoch | None = None
    record: tuple[GroupContext, PastLeaves] | None = None

    def read_record(self, epoch: int) -> tuple[GroupContext, PastLeaves]:
        """Give the epoch's context and leaves."""
        if self.record is None:
            self.record = _read_record(epoch, self.slots)
        return self.record


def _read_record(epoch: int, slots: Mapping[str, bytes]) -> tuple[GroupContext, PastLeaves]:
    if "public" in slots:
        # Written before there were records, or the power went while this epoch ended.
        public = PublicGroup.decode(slots["public"])
        return public.context, PastLeaves.whole(public.tree)
    if _RECORD not in slots:
        raise RowsIncomplete(f"epoch {epoch} has no {_RECORD!r}")
    r = Reader(slots[_RECORD])
    if r.u8() != _VERSION:
        raise RowsIncomplete("the epoch's rows are of a newer version")
    return GroupContext.decode_from(r), PastLeaves.decode_from(r)


class PastEpochs:
    """The epochs of a group that ended and are still kept, over their rows."""

    def __init__(
        self, store: GroupStore, group_id: bytes, current: Leaves, slots: Mapping[int, Mapping[str, bytes]]
    ) -> None:
        self._store = store
        self._group_id = group_id
        self._current = current
        # Decoded when a message of one arrives, which for most never happens.
        self._kept = {epoch: _Past(rows, ended_at(rows)) for epoch, rows in slots.items()}

    def open(self, message: PrivateMessage) -> ApplicationMessage:
        """Decrypt and verify a message of a kept epoch, then consume its key.

        Raises:
            UnknownEpoch: The epoch is not kept, or never was.
            RemoteMlsError: As `MessageEpoch.open`.
        """
        if message.epoch not in self._kept:
            raise UnknownEpoch(message.epoch)
        return self._messages(message.epoch).open(message, self._leaves_of(message.epoch))

    def _messages(self, epoch: int) -> MessageEpoch:
        past = self._kept[epoch]
        if past.messages is None:
            context, record = past.read_record(epoch)
            past.messages = MessageEpoch.load(context, record.size, self._rows(epoch), past.slots)
            past.slots = {}
        return past.messages

    def _leaves_of(self, epoch: int) -> Leaves:
        later = sorted(number for number in self._kept if number >= epoch)
        return LeavesSince(tuple(self._kept[n].read_record(n)[1] for n in later), self._current)

    def resumption_psks(self) -> dict[tuple[bytes, int], bytes]:
        """Give the resumption keys of the kept epochs, by group id and epoch (RFC 9420, 8.6)."""
        rows = self._store.rows(self._group_id)
        return {
            (self._group_id, epoch): value
            for epoch, slot, value in rows
            if slot == _RESUMPTION and epoch in self._kept
        }

    def add(
        self,
        ending: MessageEpoch,
        before: RatchetTree,
        after: RatchetTree,
        resumption_psk: bytes,
        ended_at: int | None,
    ) -> None:
        """Take over an epoch that just ended, and write what it is told by from now on.

        Args:
            ending: The epoch.
            before: Its tree.
            after: The tree of the next one.
            resumption_psk: Its key for epochs that resume from it.
            ended_at: Log time in ms of the commit that ended it; None if it is not known yet.
        """
        number, record = ending.context.epoch, PastLeaves.between(before, after)
        rows = self._rows(number)
        w = Writer().u8(_VERSION)
        ending.context.encode_to(w)
        record.encode_to(w)
        rows.put(_RECORD, w.bytes())
        rows.put(_RESUMPTION, resumption_psk)
        ending.write(rows, ended_at)
        rows.delete("public")
        self._kept[number] = _Past({}, ended_at, ending, (ending.context, record))
        self._current = after

    def advance(self, current: int, now_ms: int) -> None:
        """Note the log time: date what ended without one, and drop what expired."""
        for number, past in self._kept.items():
            if past.ended_at is None:
                self._messages(number).write(self._rows(number), now_ms)
                past.ended_at = now_ms
        times = {number: past.ended_at for number, past in self._kept.items()}
        for number in expired(times, current=current, now_ms=now_ms):
            self._rows(number).delete_all()
            del self._kept[number]

    def _rows(self, epoch: int) -> EpochRows:
        return EpochRows(self._store, self._group_id, epoch)

"""How much each account and each room may use of a node: rates, bytes a day, bytes that stay.

Asked by the hub before it takes an entry in, whoever carries it: an account of this node, or a peer for one
of its own. A refusal is `tooMany` with the seconds to wait and a rule for the line that waits: nothing is
lost by it, because the outbox of a client keeps what was said, in order, until it is taken. A copy of a room
whose hub is elsewhere may keep as much (docs/decisions/005-copies-have-a-size.md).
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from yurt.node.config import NodeConfig
from yurt.node.limiter import Limiter, Rate
from yurt.node.store import logs
from yurt.node.store.types import Store
from yurt.wire.frames import room_log
from yurt.wire.position import LogRow
from yurt.wire.problems import refuse
from yurt.wire.registry import EntryKind

MIB: Final = 1024 * 1024
DAY_S: Final = 86_400.0
FULL_RETRY_S: Final = 300.0
"""How long a client waits before it asks a full room again: an operator may have raised the limit."""
LOOK_S: Final = 60.0
"""A room that seems full is counted anew at most this often: what was erased makes room."""
ROOM_FULL: Final = "roomFull"
COMMITS_MORE: Final = 4
_MAX_ROOMS: Final = 2_000


@dataclass(slots=True)
class _Used:
    """What a room keeps."""

    bytes: int
    counted_at: float
    """Monotonic seconds of the last count in the database; added up since."""


class Allowances:
    """What may still come in."""

    def __init__(
        self,
        config: NodeConfig,
        store: Store,
        limiter: Limiter,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._limiter = limiter
        self._monotonic = monotonic
        a_day = config.account_mib_per_day * MIB
        per_s = config.messages_per_s
        self._messages = Rate(config.messages_burst, 1 / per_s) if per_s else None
        self._bytes = Rate(a_day, DAY_S / a_day) if a_day else None
        self._room_bytes = config.room_mib * MIB
        self._used: OrderedDict[bytes, _Used] = OrderedDict()

    async def admit(self, room: bytes, did: str, kind: int, size: int) -> None:
        """Let an entry of somebody come to a room, or say when to try again.

        Commits are never held up by a full room: people can still be removed from it.

        Raises:
            ProblemError: `tooMany`, with the rule `tooOften`, `accountDay` or `roomFull`.
        """
        if self._room_bytes and kind == EntryKind.MESSAGE:
            await self.check_room(room, size)
        if self._messages:
            self._limiter.take("entries", did, self._messages, rule="tooOften")
        if self._bytes:
            self._limiter.take("bytes", did, self._bytes, cost=size, rule="accountDay")

    def taken(self, room: bytes, size: int) -> None:
        """Count what was appended."""
        if used := self._used.get(room):
            used.bytes += size

    async def fitting(self, room: bytes, rows: Sequence[LogRow]) -> int:
        """Say how many of the rows that a hub sends for a copy fit, from the first one on.

        Commits have a quarter more, so that people can still be removed from a room that is full.
        """
        if not self._room_bytes or not rows:
            return len(rows)
        used = await self._used_by(room, sum(len(row.body) for row in rows))
        for number, row in enumerate(rows):
            used += len(row.body)
            limit = self._room_bytes
            if row.kind != EntryKind.MESSAGE:
                limit += limit // COMMITS_MORE
            if used > limit:
                return number
        return len(rows)

    async def check_room(self, room: bytes, size: int) -> None:
        """Let a message come to a room, or say that it is full.

        Raises:
            ProblemError: `tooMany` with the rule `roomFull`.
        """
        if self._room_bytes and await self._used_by(room, size) + size > self._room_bytes:
            mib = self._room_bytes // MIB
            raise refuse(
                "tooMany",
                f"this room keeps {mib} MiB already, and its node lets it keep no more",
                retry_after=FULL_RETRY_S,
                rule=ROOM_FULL,
            )

    async def _used_by(self, room: bytes, size: int) -> int:
        """Bytes that a room keeps; counted anew, now and then, if `size` more would be too much."""
        used, now = self._used.get(room), self._monotonic()
        if used is None or (used.bytes + size > self._room_bytes and now - used.counted_at > LOOK_S):
            counted = await self._store.read(lambda tx: logs.stored_bytes(tx, room_log(room)))
            used = self._used[room] = _Used(counted, now)
            while len(self._used) > _MAX_ROOMS:
                self._used.popitem(last=False)
        return used.bytes

"""How much each account and each room may use of a node: rates, bytes a day, bytes that stay.

Asked by the hub before it takes an entry in, whoever carries it: an account of this node, or a peer for one
of its own. A refusal is `tooMany` with the seconds to wait and a rule for the line that waits: nothing is
lost by it, because the outbox of a client keeps what was said, in order, until it is taken.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from yurt.node.config import NodeConfig
from yurt.node.limiter import Limiter, Rate
from yurt.node.store import logs
from yurt.node.store.types import Store
from yurt.wire.frames import room_log
from yurt.wire.problems import refuse
from yurt.wire.registry import EntryKind

MIB: Final = 1024 * 1024
DAY_S: Final = 86_400.0
FULL_RETRY_S: Final = 300.0
"""How long a client waits before it asks a full room again: an operator may have raised the limit."""
LOOK_S: Final = 60.0
"""A room that seems full is counted anew at most this often: what was erased makes room."""
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
            await self._check_room(room, size)
        if self._messages:
            self._limiter.take("entries", did, self._messages, rule="tooOften")
        if self._bytes:
            self._limiter.take("bytes", did, self._bytes, cost=size, rule="accountDay")

    def taken(self, room: bytes, size: int) -> None:
        """Count what was appended."""
        if used := self._used.get(room):
            used.bytes += size

    async def _check_room(self, room: bytes, size: int) -> None:
        used, now = self._used.get(room), self._monotonic()
        if used is None or (used.bytes + size > self._room_bytes and now - used.counted_at > LOOK_S):
            counted = await self._store.read(lambda tx: logs.stored_bytes(tx, room_log(room)))
            used = self._used[room] = _Used(counted, now)
            while len(self._used) > _MAX_ROOMS:
                self._used.popitem(last=False)
        if used.bytes + size > self._room_bytes:
            mib = self._room_bytes // MIB
            raise refuse(
                "tooMany",
                f"this room keeps {mib} MiB already, and its node lets it keep no more",
                retry_after=FULL_RETRY_S,
                rule="roomFull",
            )

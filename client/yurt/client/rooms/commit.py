"""Own commits: stage, persist, submit, then merge when the log brings it back, or discard.

Merging waits for the row: only the log says what the room has become, and everybody judges it there the
same way. A commit that lost its epoch is discarded; its *intent* is tried again in the new one. A commit
whose answer was lost stays in the vault and is submitted again, byte for byte (the hub knows it by hash).
"""

import asyncio
import random
from collections.abc import Callable
from math import inf
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.vault import cursors, outbox, rooms
from yurt.client.vault.outbox import PendingCommit
from yurt.mls.framing import peek
from yurt.mls.group import Group
from yurt.mls.staging import StagedCommit
from yurt.wire.frames import room_log
from yurt.wire.position import Position
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.registry import EntryKind
from yurt.wire.room_commands import Append, Appended

Stage = Callable[[Connection, Group], StagedCommit | None]
"""Stages the intent on the group as it is now; None if there is nothing left to do."""

TRIES: Final = 16
"""How often an intent that lost its epoch is tried again ..."""
FIRST_PAUSE_S: Final = 0.05
LAST_PAUSE_S: Final = 2.0
"""... after a random while, at most so long: of many who commit at once each soon finds an epoch."""
PATIENCE_S: Final = 20.0
"""How long to wait for the log: to be live, or to bring an accepted commit back."""
LOST_RACE: Final = frozenset({"wrongEpoch", "epochTooOld"})


class Committer:
    """Commits into rooms; the caller holds the room's lock (`Core.lock`)."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def commit(self, room: bytes, intent: str, stage: Stage) -> None:
        """Bring an intent into the room; when this returns, this device has merged it.

        Raises:
            ProblemError: The hub or a rule refuses; or the hub cannot be reached, then the staged commit
                waits in the vault and goes out later.
        """
        for lost in range(TRIES):
            await self.settle(room)
            pending = await self._stage(room, intent, stage)
            if pending is None or await self._submit(pending):
                return
            await asyncio.sleep(_pause_s(lost))
        raise refuse("overloaded", "others change this room all the time: try again", retry_after=1.0)

    async def settle(self, room: bytes) -> None:
        """Bring an earlier commit, whose answer never came, to its end; a lost race is an end."""
        await self._live(room)
        pending = await self._core.vault.read(lambda tx: outbox.pending_commit(tx, room))
        if pending is None:
            return
        try:
            await self._submit(pending)
        except ProblemError as error:
            if error.problem.kind.retry:
                raise
            # Refused for good, and discarded: what it was for is tried anew, or shown, by whoever wants it.

    async def passed(self, room: bytes, epoch: int) -> bool:
        """Wait until this device has left an epoch behind; whether it has."""
        return await self._core.until(lambda tx: _epoch_of(tx, room) > epoch, PATIENCE_S)

    async def _stage(self, room: bytes, intent: str, stage: Stage) -> PendingCommit | None:
        def unit(tx: Connection) -> PendingCommit | None:
            found = rooms.find(tx, room)
            if found is None or found.state != "active":
                raise refuse("notAllowed", "nothing can be changed in this room any more")
            staged = stage(tx, self._core.groups.load(tx, room))
            if staged is None:
                return None
            pending = PendingCommit(
                room, staged.hash, staged.commit, staged.welcome or b"", staged.group_info, intent
            )
            outbox.keep_commit(tx, pending)
            return pending

        return await self._core.write(unit)

    async def _submit(self, pending: PendingCommit) -> bool:
        """Submit a staged commit; False if another one took the epoch."""
        core, room = self._core, pending.room
        request = Append(
            room=room,
            kind=EntryKind.COMMIT,
            entry=pending.entry,
            group_info=pending.group_info,
            welcome=pending.welcome,
        )
        try:
            receipt = await core.session.call(request, Appended)
        except ProblemError as error:
            if error.problem.code in LOST_RACE:
                await self.passed(room, peek(pending.entry).epoch)
                await self._discard(room, pending.hash)
                return False
            if not error.problem.kind.retry:
                await self._discard(room, pending.hash)
            raise
        await self._wait_taken(room, receipt.position)
        return True

    async def _discard(self, room: bytes, commit_hash: bytes) -> None:
        """Forget a staged commit, unless the log decided meanwhile."""

        def unit(tx: Connection) -> None:
            pending = outbox.pending_commit(tx, room)
            if pending is not None and pending.hash == commit_hash:
                self._core.groups.load(tx, room).discard()
                outbox.drop_commit(tx, room)

        await self._core.write(unit)

    async def _live(self, room: bytes) -> None:
        if not await self._core.session.wait_live(room_log(room), PATIENCE_S):
            problem = self._core.session.problem or "the room has not been read to its end yet"
            raise refuse("peerUnreachable", problem, retry_after=1.0)

    async def _wait_taken(self, room: bytes, position: Position) -> None:
        """Wait until the log has brought an entry back."""
        log = room_log(room)
        if not await self._core.until(lambda tx: cursors.load(tx, log).head >= position, PATIENCE_S):
            raise refuse("hubUnreachable", "the hub has it, but the room's log does not arrive: wait")


def _pause_s(lost: int) -> float:
    longest = min(FIRST_PAUSE_S * 2.0**lost, LAST_PAUSE_S)
    return random.uniform(0.0, longest)  # noqa: S311  # spreads commits, keeps no secret


def _epoch_of(tx: Connection, room: bytes) -> float:
    """Give the epoch of a room; a room that ended has left every epoch behind."""
    found = rooms.find(tx, room)
    return inf if found is None or found.state != "active" else found.epoch

"""The hub's append: one queue per room, decided in order, committed in groups, kept, answered.

The lock of a room is its one worker: while a commit waits for the disk, submissions pile up; the worker
then decides all of them, one after the other, against the state that each leaves behind, and stores what
was accepted in one transaction that is conditional on the head it began with. A stale head makes it load
and decide again. So a busy room needs few commits, and its order is the order of arrival::

    lock (the worker) -> decide (yurt.rooms.hub.order) -> commit -> keep -> answer; the bell rings by itself

The same entry twice is accepted once, whether its first receipt was lost or both came at once: an entry
that is already in the log is answered with its receipt from then (SHA-256 of the entry, 30 days).
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from yurt.identity.did import Did
from yurt.node.allowances import Allowances
from yurt.node.clock import Clock
from yurt.node.dispatcher import problem_error
from yurt.node.hub.keep import Decision, keep
from yurt.node.hub.problems import no_room, room_problem
from yurt.node.hub.refusals import Refusals
from yurt.node.hub.states import RoomStates
from yurt.node.store import logs
from yurt.node.store.types import ReadTx, StaleHead, Store, Tx
from yurt.rooms.common.chain import entry_hash
from yurt.rooms.common.errors import Refused, RemoteRoomError
from yurt.rooms.common.rules import Rule
from yurt.rooms.hub.order import Submission, accept
from yurt.rooms.hub.state import HubState
from yurt.wire import exchange
from yurt.wire.frames import room_log
from yurt.wire.position import LogRow
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.registry import EntryKind
from yurt.wire.room_commands import Appended

SpeaksFor = Callable[[HubState, str, str], Awaitable[bool]]
_log = logging.getLogger(__name__)
MAX_WAITING: Final = 1024
"""Submissions that may wait for one room; above this they are refused at once."""
MAX_BATCH: Final = 256
TRIES: Final = 5
"""How often a batch is decided again on a stale head, before it is given up as overload."""
DEDUPE_MS: Final = 30 * 86_400_000
_LARGE_COMMIT: Final = 16 * 1024
"""Judging a commit of this size takes milliseconds: not on the event loop."""


class _Twice(Exception):
    """Some of the batch is in the log already; the transaction is undone."""

    def __init__(self, rows: dict[bytes, LogRow]) -> None:
        super().__init__("entries are in the log already")
        self.rows = rows


@dataclass(slots=True, eq=False)
class _Waiting:
    """One submission on its way."""

    submission: Submission
    hash: bytes
    answer: "asyncio.Future[Appended]"

    def accepted(self, row: LogRow) -> None:
        if not self.answer.done():
            self.answer.set_result(receipt(row))

    def refused(self, error: ProblemError) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


@dataclass(slots=True)
class _Queue:
    waiting: deque[_Waiting] = field(default_factory=deque[_Waiting])
    worker: "asyncio.Task[None] | None" = None


@dataclass(slots=True)
class _Round:
    """What became of a batch when it was decided on one state."""

    before: HubState
    after: HubState
    decided: list[tuple[_Waiting, Decision]] = field(default_factory=list[tuple[_Waiting, Decision]])
    refused: list[tuple[_Waiting, RemoteRoomError]] = field(
        default_factory=list[tuple[_Waiting, RemoteRoomError]]
    )


class RoomHub:
    """Orders the rooms whose hub is this node."""

    def __init__(self, domain: str, store: Store, states: RoomStates, clock: Clock) -> None:
        self._domain = domain
        self._store = store
        self._states = states
        self._clock = clock
        self._queues: dict[bytes, _Queue] = {}
        self._refusals = Refusals()
        self.speaks_for: SpeaksFor = _nobody
        """Tells whether an actor that no leaf names is a participant's new one."""
        self.allowances: Allowances | None = None
        """What accounts and rooms may use; None: as much as they like."""

    async def append(self, room: bytes, submission: Submission) -> Appended:
        """Append an entry; returns when it is durable.

        Raises:
            ProblemError: refused by a rule, `notFound`, `overloaded`, or what the store reports.
        """
        size = len(submission.entry)
        if self.allowances is not None:
            await self.allowances.admit(room, submission.did, submission.kind, size)
        queue = self._queues.setdefault(room, _Queue())
        if len(queue.waiting) >= MAX_WAITING:
            raise refuse("overloaded", "too much waits for this room", retry_after=1.0)
        if submission.kind == EntryKind.COMMIT:
            waiting = sum(_is_commit_of(one, submission.did) for one in queue.waiting)
            self._refusals.check(submission.did, waiting)
        answer: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        queue.waiting.append(_Waiting(submission, entry_hash(submission.entry), answer))
        if queue.worker is None:
            queue.worker = asyncio.create_task(self._work(room, queue), name="hub of a room")
        receipt_ = await answer
        if self.allowances is not None:
            self.allowances.taken(room, size)
        return receipt_

    async def append_submitted(self, peer: str, submission: exchange.Submission) -> Appended:
        """Append what an account of a peer submits; that the peer speaks for it was checked by the caller.

        Raises:
            ProblemError: as `append`; `notFound` also if no leaf names this actor.
        """
        state = await self._states.get(submission.room)
        if state is None or state.standing.policy.hub != self._domain:
            raise no_room()
        people = state.standing.people.by_actor(submission.actor)
        if not people and await self.speaks_for(state, submission.actor, submission.did):
            people = (Did(submission.did),)  # who moved: their leaves name the old actor still
        if not people:
            _log.info("%s submits for an actor without a leaf", peer)
            raise no_room()
        return await self.append(
            submission.room,
            Submission(
                people[0], submission.kind, submission.entry, submission.group_info, submission.welcome
            ),
        )

    # --- the worker of one room ---------------------------------------------------------------------
    async def _work(self, room: bytes, queue: _Queue) -> None:
        while queue.waiting:
            batch = _take(queue.waiting)
            try:
                await self._append(room, batch)
            except Exception as error:  # noqa: BLE001  # whatever it is, those who wait are told
                self._states.drop(room)
                problem = problem_error(error, "append")
                for waiting in batch:
                    waiting.refused(problem)
        del self._queues[room]

    async def _append(self, room: bytes, batch: list[_Waiting]) -> None:
        for _ in range(TRIES):
            state = await self._states.get(room)
            if state is None or state.standing.policy.hub != self._domain:
                raise no_room()
            found = await self._decide(state, batch)
            try:
                await self._commit(found)
            except StaleHead:
                self._states.drop(room)
                continue
            except _Twice as twice:
                batch = _answer_again(batch, twice.rows)
                continue
            await self._refuse(room, found.refused)
            return
        raise refuse("overloaded", "the room is too busy; try again", retry_after=1.0)

    async def _decide(self, state: HubState, batch: Sequence[_Waiting]) -> _Round:
        now_ms = self._clock.now_ms()
        commits = sum(waiting.submission.kind == EntryKind.COMMIT for waiting in batch)
        if commits > 1 or any(_is_large(waiting.submission) for waiting in batch):
            return await asyncio.to_thread(_decide, state, batch, now_ms)
        return _decide(state, batch, now_ms)

    async def _commit(self, found: _Round) -> None:
        """Store what was accepted, keep the new state, answer.

        Raises:
            StaleHead: the log stands elsewhere.
            _Twice: some entries are in it already.
        """
        if not found.decided:
            return
        decisions = [decision for _, decision in found.decided]
        hashes = [waiting.hash for waiting, _ in found.decided]
        log, since = room_log(found.before.room_id), self._clock.now_ms() - DEDUPE_MS

        def unit(tx: Tx) -> None:
            if rows := logs.find_any(tx, log, hashes, since):
                raise _Twice(rows)
            keep(tx, self._domain, found.before, decisions)

        await self._store.write(unit)
        self._states.keep(found.after)
        for waiting, decision in found.decided:
            waiting.accepted(decision.accepted.row)

    async def _refuse(self, room: bytes, refused: Sequence[tuple[_Waiting, RemoteRoomError]]) -> None:
        """Answer what the rules refuse; an entry that was accepted before gets its receipt instead.

        A commit that is sent again finds its own epoch over: without this look it would be told so.
        """
        if not refused:
            return
        hashes = [waiting.hash for waiting, error in refused if not _is_stranger(error)]
        since = self._clock.now_ms() - DEDUPE_MS

        def query(tx: ReadTx) -> dict[bytes, LogRow]:
            return logs.find_any(tx, room_log(room), hashes, since)

        rows = await self._store.read(query) if hashes else {}
        for waiting, error in refused:
            if waiting.submission.kind == EntryKind.COMMIT and isinstance(error, Refused):
                self._refusals.note(waiting.submission.did)
            row = None if _is_stranger(error) else rows.get(waiting.hash)
            if row is None:
                waiting.refused(room_problem(error))
            else:
                waiting.accepted(row)


async def _nobody(_state: HubState, _actor: str, _did: str) -> bool:
    return False


def receipt(row: LogRow) -> Appended:
    """The receipt of a row."""
    return Appended(row.position, row.accepted_at, row.hash, row.chain)


def _take(queue: deque[_Waiting]) -> list[_Waiting]:
    """Take the next batch; the twin of an entry in it waits for the next one, and finds it in the log."""
    batch: dict[bytes, _Waiting] = {}
    twins: list[_Waiting] = []
    while queue and len(batch) < MAX_BATCH:
        waiting = queue.popleft()
        if batch.setdefault(waiting.hash, waiting) is not waiting:
            twins.append(waiting)
    queue.extendleft(reversed(twins))
    return list(batch.values())


def _decide(state: HubState, batch: Sequence[_Waiting], now_ms: int) -> _Round:
    found = _Round(state, state)
    for waiting in batch:
        try:
            found.after, accepted = accept(found.after, waiting.submission, now_ms)
        except RemoteRoomError as error:
            found.refused.append((waiting, error))
        else:
            found.decided.append((waiting, Decision(accepted, found.after)))
    return found


def _answer_again(batch: Sequence[_Waiting], rows: dict[bytes, LogRow]) -> list[_Waiting]:
    """Answer the entries that are in the log already; return the others."""
    rest: list[_Waiting] = []
    for waiting in batch:
        row = rows.get(waiting.hash)
        if row is None:
            rest.append(waiting)
        else:
            waiting.accepted(row)
    return rest


def _is_large(submission: Submission) -> bool:
    return submission.kind == EntryKind.COMMIT and len(submission.entry) >= _LARGE_COMMIT


def _is_commit_of(waiting: _Waiting, did: str) -> bool:
    return waiting.submission.kind == EntryKind.COMMIT and waiting.submission.did == did


def _is_stranger(error: RemoteRoomError) -> bool:
    return isinstance(error, Refused) and error.rule is Rule.NOT_PARTICIPANT

"""The one line to one other node: everything that waits for it in one request, one request in flight.

::

    quiet --wake--> sending --answer--> quiet (or sending again, if more waits)
                       |
                       +--failure--> down --after 1 to 60 s, or when somebody asks--> sending

What waits in the store (rows, starts, Welcomes) is sent again until the peer has it. What a person waits for
(submissions, claims) fails at once when the peer is down: ciphertext never waits in a node (DESIGN 3).
"""

import asyncio
import contextlib
import logging
import math
import random
import time
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from yurt.node.peers import batch
from yurt.node.peers.errors import PeerDown, PeerError
from yurt.node.peers.ports import Copies
from yurt.node.store.types import Store, StoreError
from yurt.wire.exchange import (
    Ask,
    AskAnswer,
    Claim,
    ClaimAnswer,
    ExchangeAnswer,
    ExchangeRequest,
    Pull,
    Submission,
    SubmissionAnswer,
)
from yurt.wire.problems import Problem, ProblemError, refuse

FIRST_RETRY_S: Final = 1.0
LAST_RETRY_S: Final = 60.0
PROBE_S: Final = 0.5
"""A peer that is down is asked again at most this often because somebody wants something of it."""
MAX_WAITING: Final = 1_000
"""Submissions and claims that may wait for the request in flight."""
MAX_BYTES: Final = 4 * 1024 * 1024
PROBES: Final = 8
"""Failures, some three minutes, after which a peer for which nothing waits is left alone."""
STUCK_S: Final = 0.05
"""How long a peer is sent nothing that waits after it took nothing; twice as long each further time, up to
`LAST_RETRY_S`. Whoever answers at once and takes nothing must not keep this node busy."""
RESETS: Final = 3
"""So often an hour a peer may say of a room that it has less than before; then it waits ..."""
LAST_RESET_S: Final = 300.0
"""... up to so long each time: beginning a copy anew costs this node more than the peer."""
_HOUR_S: Final = 3600.0
_NOTHING: Final = batch.Waiting((), (), ())
_JITTER: Final = 0.2
_MAX_DOUBLINGS: Final = 10
_MAX_STUCK: Final = 12

_log = logging.getLogger(__name__)
A = TypeVar("A")


class Exchanges(Protocol):
    """Sends one request to a node."""

    async def exchange(self, node: str, request: ExchangeRequest) -> ExchangeAnswer:
        """Send a request.

        Raises:
            PeerError: nothing is known about what became of the items.
        """
        ...


@dataclass(slots=True)
class _Asked:
    """Items of persons, each with the future that its answer settles."""

    submissions: dict[bytes, tuple[Submission, "asyncio.Future[SubmissionAnswer]"]] = field(
        default_factory=dict[bytes, "tuple[Submission, asyncio.Future[SubmissionAnswer]]"]
    )
    claims: dict[bytes, tuple[Claim, "asyncio.Future[ClaimAnswer]"]] = field(
        default_factory=dict[bytes, "tuple[Claim, asyncio.Future[ClaimAnswer]]"]
    )
    asks: dict[bytes, tuple[Ask, "asyncio.Future[AskAnswer]"]] = field(
        default_factory=dict[bytes, "tuple[Ask, asyncio.Future[AskAnswer]]"]
    )
    pulls: dict[bytes, Pull] = field(default_factory=dict[bytes, Pull])

    @property
    def count(self) -> int:
        return len(self.submissions) + len(self.claims) + len(self.asks) + len(self.pulls)


class Link:
    """Talks to one peer."""

    def __init__(self, node: str, store: Store, exchanges: Exchanges, copies: Copies) -> None:
        self.node = node
        self._store = store
        self._exchanges = exchanges
        self._copies = copies
        self._asked = _Asked()
        self._stopped: dict[bytes, float] = {}
        """Rooms that the peer cannot take now, and until when, by the monotonic clock."""
        self._wake = asyncio.Event()
        self._probe = False
        self._busy = False
        self._failures = 0
        self._tried_at = self._next_at = self._quiet_until = float("-inf")
        self._stuck = 0
        """How often in a row the peer took nothing of what waits."""
        self._resets: dict[bytes, tuple[int, float]] = {}
        """How often it said of a room that it has less, and since when that is counted."""

    @property
    def is_down(self) -> bool:
        """Whether the last exchange failed."""
        return self._failures > 0

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for anything; such a link can be ended and made again."""
        return not self._asked.count and not self._busy and not self._wake.is_set()

    def wake(self) -> None:
        """Something waits in the store."""
        self._wake.set()

    def heard(self) -> None:
        """The peer spoke: it lives."""
        if self.is_down:
            self._probe = True
            self._wake.set()

    async def submit(self, submission: Submission) -> SubmissionAnswer:
        """Have the peer, which is the hub, append an entry.

        Raises:
            ProblemError: `hubUnreachable` or `overloaded`.
        """
        self._admit("hubUnreachable")
        answer: asyncio.Future[SubmissionAnswer] = asyncio.get_running_loop().create_future()
        self._asked.submissions[submission.id] = (submission, answer)
        self._wake.set()
        return await answer

    async def claim(self, claim: Claim) -> ClaimAnswer:
        """Have the peer answer a claim.

        Raises:
            ProblemError: `peerUnreachable` or `overloaded`.
        """
        self._admit("peerUnreachable")
        answer: asyncio.Future[ClaimAnswer] = asyncio.get_running_loop().create_future()
        self._asked.claims[claim.id] = (claim, answer)
        self._wake.set()
        return await answer

    async def ask(self, ask: Ask) -> AskAnswer:
        """Have the peer answer an ask.

        Raises:
            ProblemError: `peerUnreachable` or `overloaded`.
        """
        self._admit("peerUnreachable")
        answer: asyncio.Future[AskAnswer] = asyncio.get_running_loop().create_future()
        self._asked.asks[ask.id] = (ask, answer)
        self._wake.set()
        return await answer

    def pull(self, pull: Pull) -> None:
        """Ask the peer for rows of a room."""
        self._asked.pulls[pull.room] = pull
        self._wake.set()

    async def run(self) -> None:
        """Exchange until cancelled."""
        try:
            while True:
                await self._pause()
                self._busy = True
                await self._once()
                self._busy = False
        finally:
            self._fail(self._asked)

    def _admit(self, code: str) -> None:
        if self._asked.count >= MAX_WAITING:
            raise refuse("overloaded", f"too much waits for {self.node}", retry_after=1.0)
        if self.is_down and not self._probe:
            if time.monotonic() - self._tried_at < PROBE_S:
                raise _unreachable(code, self.node)
            self._probe = True

    async def _pause(self) -> None:
        """Wait for something to do; while the peer is down, for the next try."""
        if not self.is_down:
            await self._wake.wait()
        elif not self._probe:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self._next_at - time.monotonic())):
                    await self._probed()
        self._wake.clear()
        self._probe = False

    async def _probed(self) -> None:
        """Wait until somebody wants something of a peer that is down."""
        while not self._probe:
            self._wake.clear()
            await self._wake.wait()

    async def _once(self) -> None:
        asked, self._asked = _take(self._asked)
        if self._asked.count:
            self._wake.set()
        try:
            waiting = await self._gather()
            if waiting.is_empty and not asked.count and (not self.is_down or self._failures >= PROBES):
                self._failures = 0  # nothing waits: the next one who wants something finds out
                return
            self._tried_at = time.monotonic()
            answer = await self._exchanges.exchange(self.node, _request(waiting, asked))
            self._answered(asked, answer)
            outcome = await batch.settle(self._store, self.node, waiting, answer)
            self._leave_out(outcome.rests | self._reset_rests(outcome.resets))
            await self._pulled(answer)
        except asyncio.CancelledError:
            self._fail(asked)
            raise
        except (PeerError, StoreError) as error:
            self._failed(asked, error)
        except Exception:  # noqa: BLE001  # a mistake of ours must not end the link for ever
            _log.exception("the exchange with %s failed on a mistake of ours", self.node)
            self._failed(asked, PeerDown("internal"))
        else:
            self._failures = 0
            self._go_on(outcome)

    async def _gather(self) -> batch.Waiting:
        if time.monotonic() < self._quiet_until:
            return _NOTHING
        return await batch.gather(self._store, self.node, self._left_out())

    def _go_on(self, outcome: batch.Outcome) -> None:
        """Send more if one request did not hold everything; after a while, if nothing was taken."""
        if outcome.is_whole:
            return
        if outcome.moved:
            self._stuck = 0
            self._wake.set()
            return
        self._stuck += 1
        rest_s = min(LAST_RETRY_S, STUCK_S * 2.0 ** min(self._stuck, _MAX_STUCK))
        self._quiet_until = time.monotonic() + rest_s
        asyncio.get_running_loop().call_later(rest_s + STUCK_S, self.wake)

    def _reset_rests(self, rooms: tuple[bytes, ...]) -> dict[bytes, float]:
        """For how long to leave rooms out of which the peer says again and again that it has less."""
        now, rests = time.monotonic(), dict[bytes, float]()
        for room in rooms:
            count, since = self._resets.get(room, (0, now))
            if now - since > _HOUR_S:
                count, since = 0, now
            self._resets[room] = (count + 1, since)
            if count >= RESETS:
                rests[room] = min(LAST_RESET_S, 2.0 ** min(count - RESETS, _MAX_DOUBLINGS))
        return rests

    def _left_out(self) -> frozenset[bytes]:
        now = time.monotonic()
        self._stopped = {room: until for room, until in self._stopped.items() if until > now}
        return frozenset(self._stopped)

    def _leave_out(self, rests: dict[bytes, float]) -> None:
        now, loop = time.monotonic(), asyncio.get_running_loop()
        for room, rest_s in rests.items():
            self._stopped[room] = now + rest_s
            if math.isfinite(rest_s):
                loop.call_later(rest_s + _JITTER, self.wake)

    def _answered(self, asked: _Asked, answer: ExchangeAnswer) -> None:
        for submission in answer.submissions:
            if (pair := asked.submissions.pop(submission.id, None)) is not None:
                _settle(pair[1], submission)
        for claim in answer.claims:
            if (waiting := asked.claims.pop(claim.id, None)) is not None:
                _settle(waiting[1], claim)
        for answered in answer.asks:
            if (one := asked.asks.pop(answered.id, None)) is not None:
                _settle(one[1], answered)
        self._fail(asked)  # what the peer left unanswered

    async def _pulled(self, answer: ExchangeAnswer) -> None:
        for rows in answer.pulls:
            await self._copies.take(self.node, rows)

    def _failed(self, asked: _Asked, error: Exception) -> None:
        self._failures += 1
        retry_s = min(LAST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(self._failures - 1, _MAX_DOUBLINGS))
        # Retries of many nodes must not meet.
        self._next_at = time.monotonic() + retry_s * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  # no secret
        if self._failures == 1:
            _log.warning("%s is down: %s", self.node, error)
        self._fail(asked)
        self._fail(self._asked)

    def _fail(self, asked: _Asked) -> None:
        """Tell everybody who waits that nothing is known about what became of it."""
        for submission, future in asked.submissions.values():
            problem = _unreachable("hubUnreachable", self.node).problem
            _settle(future, SubmissionAnswer(submission.id, problem=problem))
        for claim, claimed in asked.claims.values():
            problem = _unreachable("peerUnreachable", self.node).problem
            _settle(claimed, ClaimAnswer(claim.id, problem=problem))
        for ask, answered in asked.asks.values():
            problem = _unreachable("peerUnreachable", self.node).problem
            _settle(answered, AskAnswer(ask.id, problem=problem))
        asked.submissions.clear()
        asked.claims.clear()
        asked.asks.clear()


def _take(asked: _Asked) -> tuple[_Asked, _Asked]:
    """Split what was asked into what fits into one request, and the rest."""
    now, later, size = _Asked(claims=asked.claims, asks=asked.asks, pulls=asked.pulls), _Asked(), 0
    for key, pair in asked.submissions.items():
        item = pair[0]
        size += len(item.entry) + len(item.group_info) + len(item.welcome)
        if later.submissions or (now.submissions and size > MAX_BYTES):
            later.submissions[key] = pair
        else:
            now.submissions[key] = pair
    return now, later


def _request(waiting: batch.Waiting, asked: _Asked) -> ExchangeRequest:
    return ExchangeRequest(
        starts=waiting.starts,
        rooms=waiting.rooms,
        welcomes=waiting.welcomes,
        submissions=tuple(item for item, _ in asked.submissions.values()),
        claims=tuple(item for item, _ in asked.claims.values()),
        pulls=tuple(asked.pulls.values()),
        asks=tuple(item for item, _ in asked.asks.values()),
        records=tuple(item.body for item in waiting.records),
    )


def _settle(future: "asyncio.Future[A]", answer: A) -> None:
    if not future.done():
        future.set_result(answer)


def _unreachable(code: str, node: str) -> ProblemError:
    return ProblemError(Problem(code, f"{node} cannot be reached now", retry_after=FIRST_RETRY_S))

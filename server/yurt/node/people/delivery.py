"""The queue of activities to other nodes: one host never delays another, and nothing is lost by a restart.

A worker for each host while something is due there, one request at a time to each host. Hosts that answered
lately come first (`yurt.node.people.delivery_turns`); those that failed last time share a few slots of their
own: a hundred tar pits hold up each other and nobody else.

| what comes of it | the host | the activity |
|---|---|---|
| delivered | lives: what waited because it was down is due | gone |
| busy (429, 503) and says until when | rests until then, then is served slower | stays the first |
| no answer, overload | rests, longer each time | postponed, longer each time |
| another refusal | | postponed, or set aside if it stays one |

The rules are those of `yurt.activitypub.delivery`: 1 s to 6 h for 14 days, dead marks after seven days,
which Follows pass.
"""

import asyncio
import logging
import random
from dataclasses import dataclass, replace
from typing import Final

from yurt.activitypub.delivery import (
    Answer,
    Attempt,
    Delivered,
    GivenUp,
    HostBusy,
    Outcome,
    TryAgain,
    failed,
    judge,
    next_delay,
    read_retry_after,
)
from yurt.activitypub.http_signatures.knock import KnownScheme
from yurt.activitypub.moves import TieEvent
from yurt.activitypub.references import text_of
from yurt.node.clock import Clock
from yurt.node.fetch import SafeFetch
from yurt.node.host_workers import IDLE_S, Due, HostWorkers
from yurt.node.people.delivery_attempt import Attempts, CannotSend, Prepared, Tried, prepare
from yurt.node.people.delivery_pace import Paces
from yurt.node.people.delivery_turns import Turns
from yurt.node.people.gathered import Gathered
from yurt.node.people.move_ends import MoveEnds
from yurt.node.store import deliveries
from yurt.node.store.deliveries import DeliveryRow
from yurt.node.store.delivery_hosts import host_named, pause, put_host
from yurt.node.store.types import ReadTx, Store, StoreError, Tx
from yurt.node.work_pool import WorkPool
from yurt.wire.errors import GateError
from yurt.wire.gate import parse_object
from yurt.wire.problems import ProblemError

HOSTS_AT_ONCE: Final = 48
FAILING_AT_ONCE: Final = 8
PAGE: Final = 20
TIDY_S: Final = 3600.0
_BUSY_S: Final = 1.0
_TOO_MANY: Final = 429
_BAD_GATEWAY: Final = 502

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Visit:
    """One page of what is due at one host, on its way."""

    known: KnownScheme
    """What is known of the host's signatures."""
    rows: list[Prepared]
    is_all: bool
    """Whether nothing waits there beyond this page, now or later."""
    goes_on: bool = True
    """Whether the host may be sent the next one."""


class Delivery:
    """Sends what waits."""

    def __init__(self, domain: str, store: Store, clock: Clock, fetch: SafeFetch, work: WorkPool) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._gathered = Gathered(store)
        self._attempts = Attempts(domain, clock, fetch, work)
        self._workers = HostWorkers("delivery", self._look, self._serve)
        self._healthy = asyncio.Semaphore(HOSTS_AT_ONCE)
        self._failing = asyncio.Semaphore(FAILING_AT_ONCE)
        self._paces = Paces()
        self._turns = Turns()
        self._tidy_at = 0.0

    async def start(self) -> None:
        """Begin with what an earlier run left."""
        self._workers.start()

    async def stop(self) -> None:
        """End; what was not delivered waits in the store."""
        await self._workers.stop()

    def wake(self) -> None:
        """Something new waits."""
        self._workers.wake()

    async def _look(self) -> Due:
        """Which hosts something is due at."""
        await self._tidy()
        now = self._clock.now_ms()
        hosts, due = await self._store.read(
            lambda tx: (deliveries.waiting_hosts(tx, now), deliveries.next_due(tx, now))
        )
        failing = dict(hosts)
        turn = self._turns.next(failing, self._workers.under_way, asyncio.get_running_loop().time())
        wait_s = IDLE_S if due is None else (due - now) / 1000
        return Due(
            {host: self._failing if failing[host] else self._healthy for host in turn.hosts},
            min(IDLE_S, wait_s, turn.wait_s),
        )

    async def _tidy(self) -> None:
        loop_now = asyncio.get_running_loop().time()
        if loop_now < self._tidy_at:
            return
        self._tidy_at, now = loop_now + TIDY_S, self._clock.now_ms()
        if count := await self._store.write(lambda tx: deliveries.tidy(tx, now)):
            _log.warning("%d activities for dead hosts are set aside: tooOld", count)

    async def _serve(self, host: str) -> bool:
        """Deliver one page of what is due at one host, or until the host is to be left alone."""
        try:
            visit = await self._store.read(lambda tx: self._due(tx, host))
            for due in visit.rows:
                await self._deliver(due, visit)
                if not visit.goes_on:
                    break
        finally:
            others_wait = self._turns.ended(host)
        return others_wait or not visit.is_all

    def _due(self, tx: ReadTx, host: str) -> _Visit:
        """One page of what is due at a host."""
        rows, now_s = deliveries.due_for(tx, host, self._clock.now_ms(), PAGE), self._clock.now_s()
        return _Visit(
            host_named(tx, host).scheme,
            [prepare(tx, row, self._domain, now_s) for row in rows],
            is_all=deliveries.count_waiting(tx, host) == len(rows),
        )

    async def _deliver(self, due: Prepared, visit: _Visit) -> None:
        """Try one."""
        row = due.row
        try:
            tried = await self._attempts.attempt(due, visit.known)
        except CannotSend as error:
            await self._set_aside(row, visit, str(error))
        except ProblemError:
            await asyncio.sleep(_BUSY_S)  # this node has too much to do: no fault of the host
            visit.goes_on = visit.is_all = False
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever is wrong with one must not hold up the others
            _log.exception("an activity for %s cannot be sent", row.host)
            await self._set_aside(row, visit, f"poisoned{type(error).__name__}")
        else:
            visit.known = tried.scheme
            await self._came(row, visit, tried)

    async def _set_aside(self, row: DeliveryRow, visit: _Visit, reason: str) -> None:
        _log.warning("an activity for %s is set aside: %s", row.host, reason)
        visit.is_all = False
        await self._gathered.write(lambda tx: deliveries.set_aside(tx, row, reason))

    async def _came(self, row: DeliveryRow, visit: _Visit, tried: Tried) -> None:
        """Keep what came of one."""
        now = self._clock.now_ms()
        attempt = Attempt(row.queued_at / 1000, row.tries, now / 1000)
        outcome = judge(attempt, tried.answer, random.random())  # noqa: S311  # spreads load, no secret
        if isinstance(outcome, Delivered):
            self._turns.answered(row.host)
            rests = self._paces.took(row.host, now)
            frees = await self._gathered.write(lambda tx: self._delivered(tx, row, tried.scheme, rests))
            visit.goes_on = not rests
            visit.is_all = visit.is_all and not rests and not frees
            return
        visit.is_all = False
        if isinstance(outcome, HostBusy):
            until = self._paces.busy(row.host, outcome.wait_s, now)
            visit.goes_on = False
            await self._gathered.write(lambda tx: deliveries.busy(tx, row.host, now, until))
            return
        visit.goes_on = not is_hosts_fault(tried.answer)
        if not visit.goes_on:
            self._turns.failed(row.host)
        await self._gathered.write(lambda tx: self._not_delivered(tx, row, outcome, tried.answer))

    def _delivered(self, tx: Tx, row: DeliveryRow, scheme: KnownScheme, rests: int) -> bool:
        """Note that one arrived; whether something else waited for that."""
        deliveries.delivered(tx, row)
        self._follow_ended(tx, row, TieEvent.DELIVERED)
        self._learned(tx, row.host, scheme)
        if rests:
            pause(tx, row.host, rests)
        return deliveries.frees_another(tx, row)

    def _not_delivered(self, tx: Tx, row: DeliveryRow, outcome: Outcome, answer: Answer) -> None:
        now = self._clock.now_ms()
        if isinstance(outcome, TryAgain):
            deliveries.try_again(tx, row, int(outcome.at * 1000))
            self._failed(tx, row.host, answer, now)
        elif isinstance(outcome, GivenUp):
            _log.warning("an activity for %s is set aside: %s", row.host, outcome.reason)
            deliveries.set_aside(tx, row, outcome.reason)
            self._follow_ended(tx, row, TieEvent.FAILED)
            if answer.status is None:
                self._failed(tx, row.host, answer, now)

    def _follow_ended(self, tx: Tx, row: DeliveryRow, event: TieEvent) -> None:
        """A Follow with which somebody goes along in a move has come to an end."""
        if not row.is_follow:
            return
        try:
            follow = text_of(parse_object(row.body, limit=len(row.body)), "id")
        except GateError:
            return  # nobody goes along with what is no activity
        MoveEnds(tx, self._domain, self._clock.now_ms()).follow_answered(follow, event)

    def _learned(self, tx: Tx, host: str, scheme: KnownScheme) -> None:
        known = host_named(tx, host)
        if known.scheme.scheme is not scheme.scheme or scheme.at - known.scheme.at > TIDY_S:
            put_host(tx, replace(known, scheme=scheme))
        if known.failures or known.health.failed_days:
            deliveries.alive(tx, host, self._clock.now_ms())

    def _failed(self, tx: Tx, host: str, answer: Answer, now: int) -> None:
        """Note a failed day, and pause the host if it was the host's fault."""
        known = host_named(tx, host)
        after = replace(known, health=failed(known.health, now // 1000))
        if is_hosts_fault(answer):
            delay = next_delay(known.failures, random.random())  # noqa: S311  # spreads load, no secret
            delay = max(delay, read_retry_after(answer.retry_after, now / 1000))
            after = replace(after, failures=known.failures + 1, paused_until=now + int(delay * 1000))
        if after.health.is_dead and not known.health.is_dead:
            _log.warning("%s failed on seven days and is taken to be dead", host)
        put_host(tx, after)


def is_hosts_fault(answer: Answer) -> bool:
    """Tell whether an answer is about the host, which is down or has too much to do, not the activity."""
    return answer.status is None or answer.status == _TOO_MANY or answer.status >= _BAD_GATEWAY

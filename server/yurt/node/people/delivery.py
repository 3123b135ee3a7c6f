"""The queue of activities to other nodes: one host never delays another, and nothing is lost by a restart.

Spine of the delivery engine: a worker per host while something is due there, one request at a time to each
host; a failure is tried again after 1 s to 6 h for 14 days; a final refusal, or too many tries, sets the
activity aside with its reason.
"""

import asyncio
import logging
import random
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from yurt.activitypub.http_signatures import cavage
from yurt.activitypub.locations import PersonLocations
from yurt.node.clock import Clock
from yurt.node.fetch import FetchError, SafeFetch
from yurt.node.store import accounts, deliveries
from yurt.node.store.deliveries import DeliveryRow
from yurt.node.store.types import Store, StoreError, Tx
from yurt.node.work_pool import WorkPool
from yurt.wire.problems import ProblemError

DELAYS_S: Final = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 21600)
LAST_TRY: Final = 64
"""Tries within about 14 days."""
HOSTS_AT_ONCE: Final = 32
PAGE: Final = 20
IDLE_S: Final = 60.0
_JITTER: Final = 0.2
_MAX_DIGITS: Final = 10
_TRY_AGAIN: Final = frozenset({401, 408, 425, 429})

_log = logging.getLogger(__name__)


class Delivery:
    """Sends what waits."""

    def __init__(self, domain: str, store: Store, clock: Clock, fetch: SafeFetch, work: WorkPool) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._fetch = fetch
        self._work = work
        self._bell = asyncio.Event()
        self._hosts: dict[str, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(HOSTS_AT_ONCE)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin with what an earlier run left."""
        self._task = asyncio.create_task(self._run(), name="delivery")

    async def stop(self) -> None:
        """End; what was not delivered waits in the store."""
        tasks = [task for task in (self._task, *self._hosts.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self) -> None:
        """Something new waits."""
        self._bell.set()

    async def _run(self) -> None:
        while True:
            self._bell.clear()
            try:
                wait_s = await self._look()
            except StoreError:
                _log.warning("the delivery queue could not be read; it is tried again")
                wait_s = 1.0
            try:
                async with asyncio.timeout(wait_s):
                    await self._bell.wait()
            except TimeoutError:
                continue

    async def _look(self) -> float:
        """Start a worker for each host that needs one; return how long nothing else is due."""
        now = self._clock.now_ms()
        hosts, due = await self._store.read(
            lambda tx: (deliveries.waiting_hosts(tx, now), deliveries.next_due(tx, now))
        )
        for host in hosts:
            if host not in self._hosts:
                task = asyncio.create_task(self._host(host), name=f"delivery to {host}")
                self._hosts[host] = task
        return IDLE_S if due is None else min(IDLE_S, max(0.01, (due - now) / 1000))

    async def _host(self, host: str) -> None:
        """Deliver everything that is due at one host."""
        try:
            async with self._slots:
                now = self._clock.now_ms()
                rows = await self._store.read(lambda tx: deliveries.due_for(tx, host, now, PAGE))
                for row in rows:
                    await self._deliver(row)
        except StoreError:
            _log.warning("the delivery to %s stopped: the store is not available", host)
            await asyncio.sleep(1.0)
        finally:
            self._hosts.pop(host, None)
            self.wake()

    async def _deliver(self, row: DeliveryRow) -> None:
        reason, wait_s = await self._try(row)
        await self._store.write(lambda tx: self._note(tx, row, reason, wait_s))

    async def _try(self, row: DeliveryRow) -> tuple[str, float | None]:
        """Send it once: ("", None) if it arrived, else why not and how long to wait (None: final)."""
        delay = DELAYS_S[min(row.tries, len(DELAYS_S) - 1)] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  # no secret
        try:
            headers = await self._signed(row)
            if headers is None:
                return "the sender is gone", None
            answer = await self._fetch.post(row.inbox, row.body, headers)
        except (FetchError, ProblemError) as error:
            return str(error), delay
        if 200 <= answer.status < 300:
            return "", None
        if 400 <= answer.status < 500 and answer.status not in _TRY_AGAIN:
            return f"refused with {answer.status}", None
        return f"answered {answer.status}", max(delay, _retry_after(answer.headers.get("retry-after", "")))

    async def _signed(self, row: DeliveryRow) -> dict[str, str] | None:
        der = await self._store.read(lambda tx: accounts.actor_key_of(tx, row.sender))
        if der is None:
            return None
        key_id, now = PersonLocations(self._domain, row.sender).key_id, self._clock.now_s()
        return await self._work.run(
            lambda: cavage.sign("POST", row.inbox, row.body, key_id=key_id, key=_load(der), now=now)
        )

    def _note(self, tx: Tx, row: DeliveryRow, reason: str, wait_s: float | None) -> None:
        if not reason:
            deliveries.delivered(tx, row.id)
        elif wait_s is None or row.tries + 1 >= LAST_TRY:
            _log.warning("an activity for %s is set aside: %s", row.host, reason)
            deliveries.set_aside(tx, row.id, reason)
        else:
            deliveries.try_again(tx, row.id, self._clock.now_ms() + int(wait_s * 1000))


def _retry_after(header: str) -> float:
    """Seconds of a Retry-After header, at most a day; dates are not used by anybody who answers 429."""
    return (
        float(min(int(header), 86_400)) if header.isascii() and header.isdigit() and len(header) < 10 else 0.0
    )


@lru_cache(maxsize=64)
def _load(der: bytes) -> RSAPrivateKey:
    key = load_der_private_key(der, None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("an actor key is RSA; it was checked when it came")
    return key

"""The runner of jobs: a worker for each host, at that host's pace; whatever kills the node, it goes on there.

| a row is | what moves it | to |
|---|---|---|
| queued | done at home; the Follow is in the queue of deliveries | accepted; sent |
| queued | nobody there; the host silent for a week | dead |
| queued | refused by their node; blocked here, or oneself | refused; skipped |
| queued | they moved: another row goes on with who they are now | successor |
| queued | no answer, 429, overload | queued, later |
| sent | delivered; set aside for good | pending; dead |
| sent, pending | Accept; Reject | accepted; refused |

The state and the deed are one transaction (`deeds`). Rows of one host are done one after another, strong ties
first; hosts do not wait for each other.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Final, Protocol

from yurt.activitypub.actors import ActorGone
from yurt.activitypub.delivery import next_delay
from yurt.activitypub.errors import RemoteActivityPubError
from yurt.node.clock import Clock
from yurt.node.fetch import FetchError
from yurt.node.host_workers import IDLE_S, Due, HostWorkers
from yurt.node.people.signed_fetch import Gone, NotNow
from yurt.node.portability.deeds import Deed, open_deed
from yurt.node.portability.refusals import refuses_address
from yurt.node.portability.rows import STAGES, row_of
from yurt.node.store import accounts, job_turns, people
from yurt.node.store.job_turns import RowToDo
from yurt.node.store.people import KnownPerson
from yurt.node.store.types import ReadTx, Store, StoreError, Tx
from yurt.portability.csv_rows import BlockRow, CsvKind, FollowRow, MuteRow, Row
from yurt.portability.successor import MAX_HOPS
from yurt.wire.errors import GateError
from yurt.wire.problems import ProblemError

HOSTS_AT_ONCE: Final = 48
PAGE: Final = 20
PACE_S: Final = 0.2
"""Between two people of one host: five a second, as Mastodon's own clients."""
GIVE_UP_MS: Final = 7 * 86_400 * 1000
"""After a week without an answer a host is taken to be dead."""
OPEN_S: Final = 1.0
"""How often it is looked what became of what was sent."""
_BUSY_S: Final = 1.0
_OURS_MS: Final = 2_000

_log = logging.getLogger(__name__)

Wake = Callable[[], None]
Act = Callable[[Deed], None]


class Finder(Protocol):
    """Finds people (`yurt.node.people.directory`)."""

    async def find(self, text: str) -> KnownPerson:
        """Find somebody by address; raises ProblemError."""
        ...

    async def at(self, actor: str) -> KnownPerson:
        """Find who is at an actor URL."""
        ...


class BrokenMove(Exception):
    """A chain of moves leads nowhere; the message is a code."""


class JobRunner:
    """Does what waits."""

    def __init__(
        self,
        domain: str,
        store: Store,
        clock: Clock,
        finder: Finder,
        wake_delivery: Wake,
        pace_s: float = PACE_S,
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._finder = finder
        self._wake_delivery = wake_delivery
        self._pace_s = pace_s
        self._workers = HostWorkers("jobs", self._look, self._serve)
        self._slots = asyncio.Semaphore(HOSTS_AT_ONCE)

    def start(self) -> None:
        """Begin with what an earlier run left."""
        self._workers.start()

    async def stop(self) -> None:
        """End; what was not done waits in the store."""
        await self._workers.stop()

    def wake(self) -> None:
        """Something new waits."""
        self._workers.wake()

    async def _look(self) -> Due:
        """Which hosts something is due at."""
        now = self._clock.now_ms()
        hosts, due, is_open = await self._store.read(
            lambda tx: (job_turns.waiting_hosts(tx, now), job_turns.next_due(tx, now), job_turns.has_open(tx))
        )
        await self._store.write(job_turns.settle)
        wait_s = IDLE_S
        if is_open or due is not None:
            # Clocks jump (sleep, tests): what is due is looked for, not waited for.
            wait_s = OPEN_S if is_open or due is None else min(OPEN_S, (due - now) / 1000)
        return Due(dict.fromkeys(hosts, self._slots), wait_s)

    async def _serve(self, host: str) -> bool:
        """Do one page of what is due at one host, or until it is to be left alone."""
        now = self._clock.now_ms()
        for todo in await self._store.read(lambda tx: job_turns.due_for(tx, host, now, PAGE)):
            if not await self._do(todo):
                break
            await asyncio.sleep(self._pace_s if host else 0)
        return True

    async def _do(self, todo: RowToDo) -> bool:
        """Do one row; False if its host should be left alone now."""
        try:
            return await self._try(todo, row_of(todo.said))
        except ProblemError as error:
            return await self._failed(todo, error)
        except BrokenMove as error:
            code = str(error)
            await self._store.write(lambda tx: job_turns.came_to(tx, todo.id, "dead", code))
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever is wrong with one must not hold up the others
            _log.exception("a row of a job at %s cannot be done", todo.host)
            code = f"poisoned{type(error).__name__}"
            await self._store.write(lambda tx: job_turns.came_to(tx, todo.id, "refused", code))
        return True

    async def _try(self, todo: RowToDo, row: Row) -> bool:
        if todo.said.removal or not isinstance(row, FollowRow | MuteRow | BlockRow):
            await self._write(todo, lambda deed: deed.at_home(row))
            return True
        stage = STAGES[CsvKind(todo.said.kind)]
        if await self._store.read(lambda tx: job_turns.earlier_waits(tx, todo.account, stage)):
            await asyncio.sleep(self._pace_s)  # blocks come before follows
            return False
        if isinstance(row, FollowRow) and await self._is_blocked(todo, str(row.address)):
            await self._came_to(todo, "skipped", "blocked")
            return True
        person = await self._find(row)
        end = await self._end(person) if isinstance(row, FollowRow) else person
        if end.actor != person.actor:
            await self._write(todo, lambda deed: deed.moved(str(row.address), person, end))
        else:
            await self._write(todo, lambda deed: deed.with_person(row, person))
        self._wake_delivery()
        return True

    async def _write(self, todo: RowToDo, act: Act) -> None:
        now = self._clock.now_ms()

        def unit(tx: Tx) -> None:
            deed = open_deed(tx, self._domain, now, todo)
            if deed is not None:
                act(deed)

        await self._store.write(unit)

    async def _is_blocked(self, todo: RowToDo, address: str) -> bool:
        """Whether an address is blocked by itself: nobody is asked about it then."""

        def query(tx: ReadTx) -> bool:
            account = accounts.account_named(tx, todo.account)
            return account is not None and refuses_address(tx, account, address)

        return await self._store.read(query)

    async def _find(self, row: FollowRow | MuteRow | BlockRow) -> KnownPerson:
        """Somebody as their node says; whom one blocks or mutes, also as known here."""
        if not isinstance(row, FollowRow):
            known = await self._store.read(lambda tx: people.person_called(tx, row.key))
            if known is not None:
                return known
        return await self._finder.find(str(row.address))

    async def _end(self, person: KnownPerson) -> KnownPerson:
        """Who somebody is now: as far as each new actor names the old one as an alias.

        A person whose did is known is followed only to themselves, as their record has it: where an old node
        points does not count (TRUST 9).

        Raises:
            BrokenMove: A circle, or too many steps.
        """
        seen = [person.actor]
        while person.moved_to:
            if person.moved_to in seen:
                raise BrokenMove("moveLoop")
            if len(seen) > MAX_HOPS:
                raise BrokenMove("moveChainTooLong")
            try:
                onward = await self._finder.at(person.moved_to)
            except (FetchError, RemoteActivityPubError, GateError):
                return person  # nobody there (yet): they can still be followed where they were
            if person.actor not in onward.also_known_as:
                return person  # anybody can point at anybody
            if onward.did != await self._did(person) != "":
                return person
            seen.append(onward.actor)
            person = onward
        return person

    async def _did(self, person: KnownPerson) -> str:
        """The did that is pinned for somebody; after a move their old document shows none."""
        pinned = await self._store.read(lambda tx: people.person_at(tx, person.actor))
        return pinned.did if pinned is not None and pinned.did else person.did

    async def _failed(self, todo: RowToDo, error: ProblemError) -> bool:
        """Note why a row was not done; return whether its host may be asked on."""
        code, now = error.problem.code, self._clock.now_ms()
        cause = error.__cause__
        match code:
            case "notFound":
                await self._came_to(todo, "dead", "gone" if isinstance(cause, Gone) else code)
            case "peerRefused" if isinstance(cause, ActorGone):
                await self._came_to(todo, "dead", "gone")
            case "peerUnreachable" if isinstance(cause, NotNow):
                until = now + int(max(cause.retry_after(now / 1000), _BUSY_S) * 1000)
                await self._store.write(lambda tx: job_turns.hold_host(tx, todo.host, until, now, cause.code))
                return False
            case "peerUnreachable":
                return await self._silent(todo, now)
            case "tooMany" | "overloaded":
                await self._store.write(lambda tx: job_turns.later(tx, todo.id, code, now, now + _OURS_MS))
                return False
            case _:
                await self._came_to(todo, "refused", str(error.problem.detail.get("rule", code)))
        return True

    async def _silent(self, todo: RowToDo, now: int) -> bool:
        """Leave a host alone for a while that does not answer; after a week it is dead."""
        if todo.first_at and now - todo.first_at >= GIVE_UP_MS:
            await self._store.write(
                lambda tx: job_turns.give_up(tx, todo.host, now - GIVE_UP_MS, "unreachable")
            )
            return False
        until = now + int(next_delay(todo.attempts, random.random()) * 1000)  # noqa: S311  # spreads load
        await self._store.write(lambda tx: job_turns.hold_host(tx, todo.host, until, now, "unreachable"))
        return False

    async def _came_to(self, todo: RowToDo, state: str, reason: str) -> None:
        await self._store.write(lambda tx: job_turns.came_to(tx, todo.id, state, reason))

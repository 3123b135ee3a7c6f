"""A store with one account, and a directory of people who need no servers; tests only."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Never, TypeVar

from typing_extensions import override

from yurt.node.clock import SystemClock
from yurt.node.portability.deeds import intend, new_row
from yurt.node.portability.runner import Finder, JobRunner
from yurt.node.store import accounts, job_turns, jobs
from yurt.node.store.accounts import NewAccount, StoredLogin
from yurt.node.store.people import KnownPerson
from yurt.node.store.schema import prepare
from yurt.node.store.sqlite import DATABASE_NAME, SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.store.types import ReadTx, Row, Store, Tx
from yurt.wire.portability_commands import JobItem
from yurt.wire.problems import refuse

T = TypeVar("T")
HARBOUR = "harbour.example"
NAME = b"a job of a test."


class Phonebook:
    """Finds whoever is in it, and notes who was asked for."""

    def __init__(self) -> None:
        self.people: dict[str, KnownPerson] = {}
        self.asked: list[str] = []
        self.problems: dict[str, list[Exception]] = {}
        """By address: what is raised before somebody is found."""

    def add(self, address: str, **more: object) -> KnownPerson:
        """Know somebody."""
        name, _, host = address.partition("@")
        actor = f"https://{host}/users/{name}"
        person = KnownPerson(actor, address, inbox=f"{actor}/inbox", **more)  # type: ignore[arg-type]  # columns
        self.people[address] = person
        return person

    async def find(self, text: str) -> KnownPerson:
        """Find somebody by address."""
        self.asked.append(text)
        await asyncio.sleep(0)
        if problems := self.problems.get(text):
            raise problems.pop(0)
        if text not in self.people:
            raise refuse("notFound", f"nobody is called {text}")
        return self.people[text]

    async def at(self, actor: str) -> KnownPerson:
        """Find who is at an actor URL."""
        return next(person for person in self.people.values() if person.actor == actor)


class Killed(Exception):
    """The process is gone; nobody sees this."""


class DyingStore:
    """A store that dies around its n-th write: before the commit, or after it and before the answer."""

    def __init__(self, store: Store, writes: int, *, commits: bool) -> None:
        self._store = store
        self._left = writes
        self._commits = commits
        self.died = asyncio.Event()

    async def read(self, query: Callable[[ReadTx], T]) -> T:
        """Read, while it lives."""
        await self._alive()
        return await self._store.read(query)

    async def write(self, unit: Callable[[Tx], T]) -> T:
        """Write, while it lives."""
        await self._alive()
        self._left -= 1
        if self._left > 0:
            return await self._store.write(unit)
        if self._commits and not self.died.is_set():
            await self._store.write(unit)
        self.died.set()
        return await self._never()

    async def _alive(self) -> None:
        if self.died.is_set():
            await self._never()

    async def _never(self) -> Never:
        await asyncio.get_running_loop().create_future()
        raise Killed


class Bench:
    """One account and what its jobs do."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.clock = Clock()
        self.book = Phonebook()

    def runner(self, store: Store | None = None, finder: Finder | None = None) -> JobRunner:
        """Make a runner that waits for nobody."""
        return JobRunner(
            HARBOUR, store or self.store, self.clock, finder or self.book, lambda: None, pace_s=0.0
        )

    async def start(self, *items: JobItem) -> None:
        """Begin a job with these rows."""

        def unit(tx: Tx) -> None:
            account = accounts.account_named(tx, "ana")
            if account is None:
                raise LookupError("ana")
            job = jobs.put_job(tx, account.id, NAME, "import", 1)
            intend(tx, account, list(items))
            jobs.put_rows(tx, job, [new_row(account, item) for item in items])
            jobs.set_state(tx, job, "running")

        await self.store.write(unit)

    async def run(self) -> None:
        """Let a runner do everything that is due."""
        runner = self.runner()
        runner.start()
        try:
            await self.until_idle()
        finally:
            await runner.stop()

    async def until_idle(self) -> None:
        """Wait until no row is due."""
        async with asyncio.timeout(30):
            while await self.store.read(lambda tx: job_turns.waiting_hosts(tx, self.clock.now_ms())):  # noqa: ASYNC110  # the runner rings for nobody
                await asyncio.sleep(0.005)

    async def rows(self) -> dict[str, tuple[str, str]]:
        """State and reason by kind and address."""
        seen = await self.store.read(lambda tx: jobs.rows_page(tx, 1, (), 0, 1000))
        return {f"{row.said.kind} {row.said.address}": (row.state, row.reason) for row in seen}

    async def everything(self) -> dict[str, list[Row]]:
        """Everything that a job leaves behind, without numbers and random ids."""

        def query(tx: ReadTx) -> dict[str, list[Row]]:
            return {
                "rows": tx.rows("SELECT item, state, reason FROM job_row ORDER BY item"),
                "ties": tx.rows(
                    "SELECT actor, direction, state FROM tie JOIN person ON person.id = tie.person ORDER BY 1"
                ),
                "blocks": tx.rows(
                    "SELECT actor, kind FROM block JOIN person ON person.id = block.person ORDER BY 1, 2"
                ),
                "deliveries": tx.rows("SELECT inbox, is_follow FROM delivery ORDER BY 1, 2"),
                "lists": tx.rows(
                    "SELECT name, key FROM list JOIN list_member ON list = list.id ORDER BY 1, 2"
                ),
                "said": tx.rows("SELECT kind, key, met, boosts FROM said ORDER BY 1, 2"),
                "domains": tx.rows("SELECT domain FROM domain_block ORDER BY 1"),
            }

        return await self.store.read(query)


class Clock(SystemClock):
    """A clock that jumps."""

    ahead_ms = 0

    @override
    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return super().now_ms() + self.ahead_ms


async def open_bench(folder: Path) -> Bench:
    """Make a store with one account."""
    await asyncio.to_thread(_lay_out, folder)
    store = await SqliteStore.open(folder / DATABASE_NAME, STEPS)
    login = StoredLogin(b"salt", b"hash", 1, 1)
    ana = NewAccount("ana", "did:key:zAna", b"", b"key", "pem", login, 1)
    await store.write(lambda tx: accounts.add_account(tx, ana, ""))
    return Bench(store)


def _lay_out(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / DATABASE_NAME).exists():
        (folder / DATABASE_NAME).write_bytes(_tables())


@cache
def _tables() -> bytes:
    """A database with all tables: each of its steps costs a write to the disk, and some tests want fifty."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / DATABASE_NAME
        prepare(file, STEPS)
        return file.read_bytes()


async def first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Wait for the first of several things; the others are given up."""
    tasks = [asyncio.ensure_future(one) for one in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=30)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

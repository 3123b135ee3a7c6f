"""The one writer thread: many units of work, one commit, then all answers.

While a commit waits for the disk, units pile up; the next commit takes all of them. So a lone unit is
durable after one flush, and a crowd shares one: durability (`synchronous=FULL`, a power cut loses nothing
that was acknowledged) costs a fraction of a millisecond and no throughput. Each unit runs in a savepoint:
one that raises undoes only itself. Checkpoints of the write-ahead log run here too, after the answers.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Final

from yurt.node.store.transaction import SqliteTx, store_error
from yurt.node.store.types import Appended, StoreBroken, StoreBusy, StoreClosed, Tx

MAX_QUEUE: Final = 4096
"""Units that may wait; above this, writes are refused at once."""
MAX_BATCH: Final = 256
"""Units that share a commit."""
CHECKPOINT_ROWS: Final = 2000
"""Rows changed between two checkpoints."""

Publish = Callable[[Sequence[Appended]], None]
"""Called on the event loop, once for each commit that put rows into logs."""


@dataclass(slots=True)
class _Job:
    unit: Callable[[Tx], Any]
    answer: "asyncio.Future[Any]"
    result: Any = None
    error: Exception | None = None


class Writer:
    """Runs units on its own thread and answers on the event loop that made it."""

    def __init__(self, connection: sqlite3.Connection, publish: Publish) -> None:
        self._connection = connection
        self._publish = publish
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._closed = False
        self._checked_at = connection.total_changes
        self._scrubs = False
        """Whether something was deleted that must not be left in the write-ahead log."""
        self._thread = threading.Thread(target=self._run, name="store writer", daemon=True)
        self._thread.start()

    async def write(self, unit: Callable[[Tx], Any]) -> Any:  # noqa: ANN401  # SqliteStore.write gives it its type
        """Run a unit; return its result after the commit."""
        if self._closed:
            raise StoreClosed("the store is closed")
        if self._queue.qsize() >= MAX_QUEUE:
            raise StoreBusy(f"more than {MAX_QUEUE} units wait to be written")
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._queue.put(_Job(unit, answer))
        return await answer

    async def close(self) -> None:
        """Finish what waits, then end the thread; the connection is closed there."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await self._loop.run_in_executor(None, self._thread.join)

    # --- on the writer thread -----------------------------------------------------------------------
    def _run(self) -> None:
        going = True
        while going:
            jobs, going = self._take()
            if jobs:
                self._commit(jobs)
            self._checkpoint(last=not going)
        self._connection.close()

    def _take(self) -> tuple[list[_Job], bool]:
        """Wait for one unit and take what has piled up behind it; False at the end of all."""
        job = self._queue.get()
        jobs: list[_Job] = []
        while job is not None:
            jobs.append(job)
            if len(jobs) >= MAX_BATCH:
                return jobs, True
            try:
                job = self._queue.get_nowait()
            except Empty:
                return jobs, True
        return jobs, False

    def _commit(self, jobs: list[_Job]) -> None:
        told: list[Appended] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                told += self._run_unit(job)
            self._connection.execute("COMMIT")
            if self._scrubs:
                self._scrub()
        except sqlite3.Error as error:
            self._undo()
            told = []
            broken = store_error(error)
            for job in jobs:
                job.error = job.error or broken
        with suppress(RuntimeError):  # the loop may be gone when a test or a crash ends it first
            self._loop.call_soon_threadsafe(self._answer, jobs, told)

    def _run_unit(self, job: _Job) -> Sequence[Appended]:
        """Run one unit in its savepoint.

        Raises:
            sqlite3.Error: the whole transaction is lost, not only this unit.
        """
        connection = self._connection
        connection.execute("SAVEPOINT unit")
        tx = SqliteTx(connection)
        try:
            job.result = job.unit(tx)
        except Exception as error:  # whatever a unit raises belongs to its caller
            job.error = store_error(error) if isinstance(error, sqlite3.Error) else error
            if not connection.in_transaction:
                # A full disk and the like make SQLite roll back everything on its own.
                raise sqlite3.OperationalError(str(job.error)) from error
            connection.execute("ROLLBACK TO unit")
            tx.told.clear()
        connection.execute("RELEASE unit")
        self._scrubs = self._scrubs or tx.scrubs
        return tx.told

    def _scrub(self) -> None:
        """Leave nothing of what a unit deleted: old pages lie in the log until it is emptied.

        Somebody who reads just now may delay it: then it is done after the next commit.
        """
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA secure_delete = OFF").fetchall()
            answer = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._scrubs = bool(answer and answer[0][0])

    def _undo(self) -> None:
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _checkpoint(self, *, last: bool) -> None:
        """Move the write-ahead log into the database when it has grown, or for good at the end."""
        changes = self._connection.total_changes
        if not last and changes - self._checked_at < CHECKPOINT_ROWS:
            return
        self._checked_at = changes
        mode = "TRUNCATE" if last else "PASSIVE"
        with suppress(sqlite3.Error):  # a full disk: the log simply stays
            self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()

    # --- on the event loop --------------------------------------------------------------------------
    def _answer(self, jobs: Sequence[_Job], told: Sequence[Appended]) -> None:
        for job in jobs:
            if job.answer.done():
                continue  # its caller went away; the unit stands all the same
            if job.error is not None:
                job.answer.set_exception(job.error)
            else:
                job.answer.set_result(job.result)
        if told:
            self._publish(told)


def open_writer(connection: sqlite3.Connection) -> None:
    """Set up a connection that writes.

    Raises:
        StoreBroken: the file system cannot keep a write-ahead log.
    """
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchall()
    if mode[0][0] != "wal":
        raise StoreBroken("the database cannot use a write-ahead log on this file system")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA wal_autocheckpoint = 8000")  # a net; `_checkpoint` comes first
    connection.execute("PRAGMA cache_size = -8000")

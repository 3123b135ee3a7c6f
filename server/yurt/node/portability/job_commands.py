"""The commands about jobs: start, look, pause."""

from collections.abc import Callable
from typing import Final

from yurt.node.clock import Clock
from yurt.node.dispatcher import Context, Handlers
from yurt.node.portability.deeds import intend, new_row
from yurt.node.portability.row_sums import RowSums
from yurt.node.store import accounts, job_turns, jobs
from yurt.node.store.jobs import JobHead
from yurt.node.store.types import ReadTx, Store, Tx
from yurt.wire.portability_commands import (
    MAX_JOB_ROWS,
    JobList,
    JobRow,
    JobRowPage,
    JobRows,
    Jobs,
    JobState,
    JobStatus,
    JobView,
    PauseJob,
    StartJob,
)
from yurt.wire.problems import ProblemError, refuse

PAGE: Final = 500
SHOWN: Final = 50
_KINDS: Final = frozenset({"import", "move", "rescue"})


class JobCommands:
    """Answers what a client asks about its jobs."""

    def __init__(self, store: Store, clock: Clock, sums: RowSums, wake: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._sums = sums
        self._wake = wake

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {
            StartJob.name: self.start,
            JobStatus.name: self.status,
            PauseJob.name: self.pause,
            Jobs.name: self.jobs,
            JobRows.name: self.rows,
        }

    async def start(self, context: Context, command: StartJob) -> JobView:
        """Begin a job, or add rows to it."""
        name, now_s = context.who.account, self._clock.now_s()
        if command.kind not in _KINDS:
            raise refuse("badRequest", "there is no such kind of job")
        # A row is in its job, and what it says stays when the job is forgotten.
        await self._sums.take(name, 1 + 2 * len(command.rows))

        def unit(tx: Tx) -> JobView:
            account = accounts.account_named(tx, name)
            if account is None:
                raise refuse("notFound", "the account is gone")
            rows = [new_row(account, item) for item in command.rows]
            job = jobs.put_job(tx, account.id, command.job, command.kind, now_s)
            if sum(jobs.count_rows(tx, job).values()) + len(rows) > MAX_JOB_ROWS:
                raise refuse("tooLarge", f"a job has at most {MAX_JOB_ROWS} rows", limit=MAX_JOB_ROWS)
            intend(tx, account, list(command.rows))
            jobs.put_rows(tx, job, rows)
            if command.last:
                jobs.set_state(tx, job, "running")
            return _view(tx, _found(tx, name, command.job))

        view = await self._store.write(unit)
        self._wake()
        return view

    async def status(self, context: Context, command: JobStatus) -> JobView:
        """How a job stands now."""
        name = context.who.account

        def unit(tx: Tx) -> JobView:
            job_turns.settle(tx)
            return _view(tx, _found(tx, name, command.job))

        return await self._store.write(unit)

    async def pause(self, context: Context, command: PauseJob) -> JobView:
        """Let a job rest, or go on."""
        name = context.who.account

        def unit(tx: Tx) -> JobView:
            found = _found(tx, name, command.job)
            if found.state != "filling":
                jobs.set_state(tx, found.id, "paused" if command.paused else "running")
            return _view(tx, _found(tx, name, command.job))

        view = await self._store.write(unit)
        self._wake()
        return view

    async def jobs(self, context: Context, command: Jobs) -> JobList:
        """The newest jobs."""
        del command
        name = context.who.account
        return await self._store.read(
            lambda tx: JobList(tuple(_view(tx, head) for head in jobs.jobs_of(tx, name, SHOWN)))
        )

    async def rows(self, context: Context, command: JobRows) -> JobRowPage:
        """A page of rows."""
        name = context.who.account

        def query(tx: ReadTx) -> JobRowPage:
            head = _found(tx, name, command.job)
            seen = jobs.rows_page(tx, head.id, command.states, command.after, PAGE)
            rows = tuple(
                JobRow(
                    row.id,
                    row.said.kind,
                    row.said.address,
                    row.state,
                    row.reason,
                    row.said.removal,
                    row.said.list,
                    row.attempts,
                )
                for row in seen
            )
            return JobRowPage(rows, seen[-1].id if len(seen) == PAGE else 0)

        return await self._store.read(query)


def _view(tx: ReadTx, head: JobHead) -> JobView:
    counts = jobs.count_rows(tx, head.id)
    waits = bool(counts.get("queued") or counts.get("sent"))
    state: JobState = "done" if head.state == "running" and not waits else _STATES[head.state]
    return JobView(
        job=head.name,
        kind=head.kind,
        state=state,
        total=sum(counts.values()),
        counts=counts,
        created=head.created,
        next_at=jobs.next_try(tx, head.id),
    )


_STATES: Final[dict[str, JobState]] = {"filling": "filling", "running": "running", "paused": "paused"}


def _found(tx: ReadTx, account: str, name: bytes) -> JobHead:
    head = jobs.job_named(tx, account, name)
    if head is None:
        raise _no_job()
    return head


def _no_job() -> ProblemError:
    return refuse("notFound", "there is no such job")

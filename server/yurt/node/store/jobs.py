"""Tables and units of jobs: many small things for one account, each with a state and a reason.

A row is named by what it does (`yurt.portability.plan.item_key`): asked for again while it is on its way, it
is the same row; asked for again after its end, it begins anew. What a row has come to changes in the
transaction in which it is done, so a node that is killed anywhere finds each row either done or not done.
How a row's turn comes, and what it comes to, is in `yurt.node.store.job_turns`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from yurt.node.store.schema import Step, Tables
from yurt.node.store.types import ReadTx, Tx
from yurt.wire.portability_commands import JobItem, RowState


def _create(db: Tables) -> None:
    db.execute(
        """
        CREATE TABLE job (
            id INTEGER PRIMARY KEY,
            account INTEGER NOT NULL REFERENCES account (id),
            name BLOB NOT NULL,                     -- 16 bytes, the asker's
            kind TEXT NOT NULL,
            state TEXT NOT NULL,                    -- filling, running or paused
            created INTEGER NOT NULL,               -- seconds
            UNIQUE (account, name)
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE job_row (
            id INTEGER PRIMARY KEY,
            job INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
            item BLOB NOT NULL UNIQUE,              -- what it does, 32 bytes
            said BLOB NOT NULL,                     -- JobItem, MessagePack
            host TEXT NOT NULL,                     -- whose pace it goes by
            stage INTEGER NOT NULL,                 -- blocks before follows before lists
            rank INTEGER NOT NULL,
            state TEXT NOT NULL,
            reason TEXT NOT NULL DEFAULT '',
            attempts INTEGER NOT NULL DEFAULT 0,
            next_at INTEGER NOT NULL DEFAULT 0,     -- ms
            first_at INTEGER NOT NULL DEFAULT 0,    -- ms; when it was first tried
            actor TEXT NOT NULL DEFAULT '',         -- whom a follow went to
            delivery INTEGER NOT NULL DEFAULT 0     -- the row in which it waits to go out; ids are used again
        ) STRICT
        """
    )
    db.execute("CREATE INDEX job_row_job ON job_row (job, state)")
    db.execute("CREATE INDEX job_row_due ON job_row (host, stage, rank, id) WHERE state = 'queued'")
    db.execute("CREATE INDEX job_row_open ON job_row (state, host) WHERE state IN ('sent', 'pending')")


def _add_ended(db: Tables) -> None:
    db.execute("ALTER TABLE job ADD COLUMN ended INTEGER NOT NULL DEFAULT 0")  # seconds; 0: rows wait


STEPS: Final = (Step("0162-jobs", _create),)
ENDED: Final = (Step("0321-jobs-ended", _add_ended),)

_DONE: Final = "('accepted', 'refused', 'dead', 'successor', 'skipped')"


@dataclass(frozen=True, slots=True)
class JobHead:
    """A job without its rows."""

    id: int
    name: bytes
    kind: str
    state: str
    created: int


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row to be done."""

    item: bytes
    said: JobItem
    host: str
    stage: int


@dataclass(frozen=True, slots=True)
class RowSeen:
    """A row as it is shown."""

    id: int
    said: JobItem
    state: RowState
    reason: str
    attempts: int


def put_job(tx: Tx, account_id: int, name: bytes, kind: str, now_s: int) -> int:
    """Have a job; return its number."""
    tx.change(
        """
        INSERT INTO job (account, name, kind, state, created) VALUES (?, ?, ?, 'filling', ?)
        ON CONFLICT DO NOTHING
        """,
        account_id,
        name,
        kind,
        now_s,
    )
    row = tx.row("SELECT id FROM job WHERE account = ? AND name = ?", account_id, name)
    return int(row[0]) if row else 0


def job_named(tx: ReadTx, account: str, name: bytes) -> JobHead | None:
    """A job of an account."""
    rows = tx.rows(
        """
        SELECT job.id, job.name, kind, state, created FROM job JOIN account ON account.id = job.account
        WHERE account.name = ? AND job.name = ?
        """,
        account,
        name,
    )
    return JobHead(*rows[0]) if rows else None


def jobs_of(tx: ReadTx, account: str, limit: int) -> list[JobHead]:
    """The newest jobs of an account, newest first."""
    rows = tx.rows(
        """
        SELECT job.id, job.name, kind, state, created FROM job JOIN account ON account.id = job.account
        WHERE account.name = ? ORDER BY job.id DESC LIMIT ?
        """,
        account,
        limit,
    )
    return [JobHead(*row) for row in rows]


def set_state(tx: Tx, job: int, state: str) -> None:
    """Let a job run, or rest."""
    tx.change("UPDATE job SET state = ? WHERE id = ?", state, job)


def put_rows(tx: Tx, job: int, rows: Iterable[NewRow]) -> None:
    """Add rows; one that is on its way for an older job stays there, one that is done begins anew."""
    tx.change_many(
        f"""
        INSERT INTO job_row (job, item, said, host, stage, rank, state) VALUES (?, ?, ?, ?, ?, ?, 'queued')
        ON CONFLICT (item) DO UPDATE SET
            job = excluded.job, said = excluded.said, rank = excluded.rank, state = 'queued', reason = '',
            attempts = 0, next_at = 0, first_at = 0
        WHERE job_row.state IN {_DONE}
            OR job_row.job IN (SELECT id FROM job WHERE state = 'filling') AND job_row.state = 'queued'
        """,  # noqa: S608  # a constant of this module
        [
            (job, row.item, msgspec.msgpack.encode(row.said), row.host, row.stage, row.said.rank)
            for row in rows
        ],
    )


def count_rows(tx: ReadTx, job: int) -> dict[str, int]:
    """How many rows are in which state."""
    rows = tx.rows("SELECT state, count(*) FROM job_row WHERE job = ? GROUP BY state", job)
    return {str(state): int(count) for state, count in rows}


def next_try(tx: ReadTx, job: int) -> int:
    """When the next of a job's rows is due, in ms; 0 if none waits for a time."""
    row = tx.row("SELECT min(next_at) FROM job_row WHERE job = ? AND state = 'queued'", job)
    return int(row[0] or 0) if row else 0


def rows_page(tx: ReadTx, job: int, states: tuple[str, ...], after: int, limit: int) -> list[RowSeen]:
    """A page of a job's rows, in the order in which they came."""
    marks = ", ".join("?" for _ in states)
    only = f"AND state IN ({marks})" if states else ""
    rows = tx.rows(
        f"""
        SELECT id, said, state, reason, attempts FROM job_row
        WHERE job = ? AND id > ? {only} ORDER BY id LIMIT ?
        """,  # noqa: S608  # only question marks
        job,
        after,
        *states,
        limit,
    )
    return [
        RowSeen(int(number), msgspec.msgpack.decode(said, type=JobItem), state, reason, int(attempts))
        for number, said, state, reason, attempts in rows
    ]


# --- what is kept, and how long -----------------------------------------------------------------------
def rows_of(tx: ReadTx, account_id: int) -> int:
    """How many rows of every kind an account keeps here: of jobs, files, lists, bookmarks, domain blocks."""
    row = tx.row(
        """
        SELECT (SELECT count(*) FROM job_row JOIN job ON job.id = job_row.job WHERE job.account = ?1)
            + (SELECT count(*) FROM job WHERE account = ?1)
            + (SELECT count(*) FROM said WHERE account = ?1)
            + (SELECT count(*) FROM bookmark WHERE account = ?1)
            + (SELECT count(*) FROM domain_block WHERE account = ?1)
            + (SELECT count(*) FROM list_member WHERE list IN (SELECT id FROM list WHERE account = ?1))
        """,
        account_id,
    )
    return int(row[0]) if row else 0


def note_ends(tx: Tx, now_s: int) -> None:
    """Note since when nothing of a job waits; a job that was never handed over whole ended when it began."""
    tx.change(
        """
        UPDATE job SET ended = CASE state WHEN 'filling' THEN max(created, 1) ELSE ? END
        WHERE ended = 0 AND state <> 'paused' AND (state = 'filling' OR NOT EXISTS (
            SELECT 1 FROM job_row WHERE job_row.job = job.id AND job_row.state IN ('queued', 'sent')))
        """,
        now_s,
    )
    tx.change(
        """
        UPDATE job SET ended = 0 WHERE ended > 0 AND state <> 'filling' AND EXISTS (
            SELECT 1 FROM job_row WHERE job_row.job = job.id AND job_row.state IN ('queued', 'sent'))
        """
    )


def forget_ended(tx: Tx, before_s: int, limit: int) -> int:
    """Forget rows of jobs that ended before a time, at most so many, then the jobs; count what went."""
    gone = tx.change(
        """
        DELETE FROM job_row WHERE id IN (
            SELECT job_row.id FROM job_row JOIN job ON job.id = job_row.job
            WHERE job.ended BETWEEN 1 AND ? LIMIT ?)
        """,
        before_s,
        limit,
    )
    return gone + tx.change(
        """
        DELETE FROM job WHERE ended BETWEEN 1 AND ?
            AND NOT EXISTS (SELECT 1 FROM job_row WHERE job_row.job = job.id)
        """,
        before_s,
    )

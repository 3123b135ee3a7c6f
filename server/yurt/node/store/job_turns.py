"""Turns of a job's rows: which are due, whose host is to be left alone, and what each has come to.

| state | it means |
|---|---|
| queued | waits for its turn |
| sent | its Follow is in the queue of deliveries |
| pending | they were asked, and have not answered; `locked`: they approve by hand |
| accepted, refused, dead, successor, skipped | its end |
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from yurt.node.store.types import ReadTx, Row, Tx
from yurt.wire.portability_commands import JobItem

_RUNS: Final = "job IN (SELECT id FROM job WHERE state = 'running')"


@dataclass(frozen=True, slots=True)
class RowToDo:
    """A row whose turn has come."""

    id: int
    job: int
    account: str
    said: JobItem
    host: str
    attempts: int
    first_at: int


def waiting_hosts(tx: ReadTx, now_ms: int) -> list[str]:
    """Hosts that a due row of a running job waits for, those with the most urgent row first."""
    rows = tx.rows(
        f"""
        SELECT host, min(stage * 1000000 + rank) FROM job_row
        WHERE state = 'queued' AND next_at <= ? AND {_RUNS}
        GROUP BY host ORDER BY 2, host
        """,  # noqa: S608  # a constant of this module
        now_ms,
    )
    return [str(row[0]) for row in rows]


def earlier_waits(tx: ReadTx, account: str, below: int) -> bool:
    """Whether a row of an earlier stage still waits for its first try: blocks come before follows."""
    row = tx.row(
        f"""
        SELECT 1 FROM job_row JOIN job ON job.id = job_row.job JOIN account ON account.id = job.account
        WHERE account.name = ? AND job_row.state = 'queued' AND job_row.stage < ? AND job_row.attempts = 0
            AND {_RUNS} LIMIT 1
        """,  # noqa: S608  # a constant of this module
        account,
        below,
    )
    return row is not None


def next_due(tx: ReadTx, now_ms: int) -> int | None:
    """When a row becomes due that is not due yet, in ms; None if there is none."""
    row = tx.row(
        f"SELECT min(next_at) FROM job_row WHERE state = 'queued' AND next_at > ? AND {_RUNS}",  # noqa: S608  # a constant
        now_ms,
    )
    return int(row[0]) if row and row[0] is not None else None


def due_for(tx: ReadTx, host: str, now_ms: int, limit: int) -> list[RowToDo]:
    """Rows that are due at a host, in the order in which they are done."""
    rows = tx.rows(
        f"""
        SELECT job_row.id, job_row.job, account.name, job_row.said, job_row.host, job_row.attempts,
            job_row.first_at
        FROM job_row JOIN job ON job.id = job_row.job JOIN account ON account.id = job.account
        WHERE job_row.host = ? AND job_row.state = 'queued' AND job_row.next_at <= ? AND {_RUNS}
        ORDER BY job_row.stage, job_row.rank, job_row.id LIMIT ?
        """,  # noqa: S608  # a constant of this module
        host,
        now_ms,
        limit,
    )
    return [_to_do(row) for row in rows]


def is_queued(tx: ReadTx, row: int) -> bool:
    """Whether a row still waits, and its job runs."""
    return tx.row(f"SELECT 1 FROM job_row WHERE id = ? AND state = 'queued' AND {_RUNS}", row) is not None  # noqa: S608  # a constant


def newest_delivery(tx: ReadTx) -> int:
    """The row of what was queued last."""
    row = tx.row("SELECT max(id) FROM delivery")
    return int(row[0] or 0) if row else 0


def came_to(tx: Tx, row: int, state: str, reason: str = "", actor: str = "", delivery: int = 0) -> None:
    """Note what a row has come to."""
    tx.change(
        """
        UPDATE job_row SET state = ?1, reason = ?2, attempts = attempts + 1,
            actor = CASE ?3 WHEN '' THEN actor ELSE ?3 END, delivery = ?5
        WHERE id = ?4
        """,
        state,
        reason,
        actor,
        row,
        delivery,
    )


def later(tx: Tx, row: int, reason: str, now_ms: int, next_at: int) -> None:
    """Try a row again, not before a time."""
    tx.change(
        """
        UPDATE job_row SET attempts = attempts + 1, reason = ?, next_at = ?,
            first_at = CASE first_at WHEN 0 THEN ? ELSE first_at END
        WHERE id = ? AND state = 'queued'
        """,
        reason,
        next_at,
        now_ms,
        row,
    )


def hold_host(tx: Tx, host: str, until_ms: int, now_ms: int, reason: str) -> None:
    """Leave a host alone until a time: it does not answer, or said that this is too often."""
    tx.change(
        """
        UPDATE job_row SET next_at = max(next_at, ?), reason = ?, attempts = attempts + 1,
            first_at = CASE first_at WHEN 0 THEN ? ELSE first_at END
        WHERE host = ? AND state = 'queued'
        """,
        until_ms,
        reason,
        now_ms,
        host,
    )


def give_up(tx: Tx, host: str, before_ms: int, reason: str) -> None:
    """Call what was first tried before a time dead: its host is."""
    tx.change(
        """
        UPDATE job_row SET state = 'dead', reason = ?
        WHERE host = ? AND state = 'queued' AND first_at BETWEEN 1 AND ?
        """,
        reason,
        host,
        before_ms,
    )


def settle(tx: Tx) -> int:
    """Look at ties and deliveries for what became of rows that were sent; count what changed."""
    # CROSS JOIN keeps SQLite to this order: from the open rows, which are few. It may else go through all the
    # ties of an account for each of them.
    answered = tx.change(
        """
        UPDATE job_row SET
            state = CASE found.state WHEN 'accepted' THEN 'accepted' ELSE 'refused' END,
            reason = CASE found.state WHEN 'accepted' THEN '' WHEN 'refused' THEN 'rejected' ELSE 'undone' END
        FROM (
            SELECT job_row.id AS row, tie.state FROM job_row
            CROSS JOIN job ON job.id = job_row.job
            CROSS JOIN person ON person.actor = job_row.actor
            CROSS JOIN tie
                ON tie.account = job.account AND tie.person = person.id AND tie.direction = 'following'
            WHERE job_row.state IN ('sent', 'pending') AND tie.state <> 'pending'
        ) AS found WHERE job_row.id = found.row
        """
    )
    # A Follow that is no longer queued has arrived, or was set aside for good.
    moved = tx.change(
        """
        UPDATE job_row SET state = CASE found.aside WHEN '' THEN 'pending' ELSE 'dead' END,
            reason = CASE WHEN found.aside <> '' THEN 'undeliverable: ' || found.aside
                WHEN found.locked THEN 'locked' ELSE 'asked' END
        FROM (
            SELECT job_row.id AS row, coalesce(delivery.aside, '') AS aside, person.locked FROM job_row
            CROSS JOIN job ON job.id = job_row.job
            CROSS JOIN person ON person.actor = job_row.actor
            CROSS JOIN tie
                ON tie.account = job.account AND tie.person = person.id AND tie.direction = 'following'
            LEFT JOIN delivery ON delivery.id = job_row.delivery
                AND instr(delivery.body, CAST(tie.activity AS BLOB)) > 0
            WHERE job_row.state IN ('sent', 'pending') AND job_row.state = 'sent'
                AND (delivery.id IS NULL OR delivery.aside <> '')
        ) AS found WHERE job_row.id = found.row
        """
    )
    return answered + moved


def successor(tx: ReadTx, item: bytes) -> str:
    """The address at which a row went on, whose person moved; empty if it did not."""
    row = tx.row("SELECT reason FROM job_row WHERE item = ? AND state = 'successor'", item)
    return str(row[0]) if row else ""


def has_open(tx: ReadTx) -> bool:
    """Whether a row was sent and is not answered."""
    return tx.row("SELECT 1 FROM job_row WHERE state = 'sent' LIMIT 1") is not None


def _to_do(row: Row) -> RowToDo:
    number, job, account, said, host, attempts, first_at = row
    item = msgspec.msgpack.decode(said, type=JobItem)
    return RowToDo(number, job, account, item, host, attempts, first_at)

"""How much of what it carries an account may keep here: jobs, words of files, lists, bookmarks, domains.

Each row is small, and a person may bring many; without a sum one account could fill the disk. Counting
hundreds of thousands takes a while, so the last count plus what came since is believed until it is too much.
"""

from typing import Final

from yurt.node.limiter import Limiter, Rate
from yurt.node.store import accounts, jobs
from yurt.node.store.types import ReadTx, Store
from yurt.wire.problems import refuse

MAX_ROWS: Final = 300_000
"""Of one account: fifteen of the largest files."""
RECOUNT_RATE: Final = Rate(burst=5, every_s=10.0)
_MAX_KNOWN: Final = 10_000


class RowSums:
    """Knows, about, how many rows each account has."""

    def __init__(self, store: Store, limiter: Limiter, most: int = MAX_ROWS) -> None:
        self._store = store
        self._limiter = limiter
        self._most = most
        self._at_most: dict[str, int] = {}
        """By account; never less than there are, but for what two requests at once add."""

    async def take(self, account: str, rows: int) -> None:
        """Make room for rows.

        Raises:
            ProblemError: `tooMany`: there is none.
        """
        known = self._at_most.get(account)
        if known is None or known + rows > self._most:
            self._limiter.take("count rows", account, RECOUNT_RATE)
            known = await self._store.read(lambda tx: _count(tx, account))
        if known + rows > self._most:
            self._keep(account, known)
            raise refuse(
                "tooMany",
                f"this node keeps at most {self._most} rows of jobs, lists and bookmarks of an account; "
                "jobs that are done are forgotten after 30 days",
                limit=self._most,
            )
        self._keep(account, known + rows)

    def _keep(self, account: str, rows: int) -> None:
        if len(self._at_most) >= _MAX_KNOWN:
            self._at_most.clear()  # all are counted again
        self._at_most[account] = rows


def _count(tx: ReadTx, account: str) -> int:
    found = accounts.account_named(tx, account)
    return jobs.rows_of(tx, found.id) if found is not None else 0

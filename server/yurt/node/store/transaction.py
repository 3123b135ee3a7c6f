"""The transaction that a unit or a query sees: a thin cover over one SQLite connection.

Every statement's answer is fetched before the next line runs, here and nowhere else: an unread cursor of
`UPDATE ... RETURNING` would hold the write lock open.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from yurt.node.store.types import Appended, Row, StoreBroken, StoreBusy, StoreError, StoreFull, Value

_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC)


class SqliteReadTx:
    """One query's view."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, *values: Value) -> list[Row]:
        """All rows of the answer, fetched."""
        return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Value) -> Row | None:
        """The first row of the answer, or None."""
        answer = self._connection.execute(sql, values).fetchall()
        return answer[0] if answer else None


class SqliteTx(SqliteReadTx):
    """One unit's transaction, on the writer thread."""

    __slots__ = ("scrubs", "told")

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self.told: list[Appended] = []
        """What this unit put into logs; published after the commit."""
        self.scrubs = False
        """Whether what it deletes must not be readable in a file any more."""

    def change(self, sql: str, *values: Value) -> int:
        """Run a statement that answers nothing; return how many rows it changed."""
        return self._connection.execute(sql, values).rowcount

    def change_many(self, sql: str, values: Iterable[Sequence[Value]]) -> None:
        """Run one statement for each set of values."""
        self._connection.executemany(sql, values)

    def returning(self, sql: str, *values: Value) -> list[Row]:
        """Run a statement with RETURNING and fetch every row."""
        return self._connection.execute(sql, values).fetchall()

    def inserted(self, sql: str, *values: Value) -> int:
        """Run an INSERT of one row; return its rowid."""
        return self._connection.execute(sql, values).lastrowid or 0

    def tell(self, appended: Appended) -> None:
        """Publish rows after the commit."""
        self.told.append(appended)

    def scrub(self) -> None:
        """Overwrite what is deleted from here on, and empty the write-ahead log after the commit."""
        self._connection.execute("PRAGMA secure_delete = ON").fetchall()
        self.scrubs = True


def store_error(error: sqlite3.Error) -> StoreError:
    """Say in the store's own words what SQLite reported."""
    code = getattr(error, "sqlite_errorcode", 0)
    if code in _FULL:
        return StoreFull("the disk is full or cannot be written")
    if code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusy("another process holds the database")
    return StoreBroken(f"{type(error).__name__}: {error}")

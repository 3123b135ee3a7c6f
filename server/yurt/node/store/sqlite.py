"""The Store on SQLite: one writer thread and a small pool of readers, on one file (mode 0600)."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar, cast

from yurt.node.store.schema import Step, prepare
from yurt.node.store.transaction import SqliteReadTx, store_error
from yurt.node.store.types import Appended, ReadTx, StoreBroken, StoreClosed, Tx
from yurt.node.store.writer import Publish, Writer, open_writer

T = TypeVar("T")
READERS: Final = 2
DATABASE_NAME: Final = "node.db"
_BUSY_MS: Final = 5000
_STATEMENTS: Final = 256


def _ignore(_told: Sequence[Appended]) -> None:
    """Publish to nobody."""


class SqliteStore:
    """Implements `Store`; open it with `open`, close it with `close`."""

    def __init__(self, path: Path, publish: Publish) -> None:
        self._path = path
        self._closed = False
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        connection = self._connect()
        open_writer(connection)
        self._writer = Writer(connection, publish)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store reader")

    @classmethod
    async def open(cls, path: Path, steps: Sequence[Step], publish: Publish = _ignore) -> "SqliteStore":
        """Open the database, creating or migrating it first.

        Args:
            path: The database file.
            steps: Every migration, in order (`steps.STEPS`).
            publish: Called on this event loop after each commit that put rows into logs.

        Raises:
            NewerDatabase: made by a newer release; nothing was changed.
            StoreBroken, StoreFull: it cannot be opened.
        """
        try:
            await asyncio.get_running_loop().run_in_executor(None, prepare, path, steps)
            return cls(path, publish)
        except sqlite3.Error as error:
            raise store_error(error) from error
        except OSError as error:
            raise StoreBroken(f"{path}: {error}") from error

    async def write(self, unit: Callable[[Tx], T]) -> T:
        """Run a unit of work; return its result once it is durable."""
        return cast("T", await self._writer.write(unit))

    async def read(self, query: Callable[[ReadTx], T]) -> T:
        """Run a query on a reader connection."""
        if self._closed:
            raise StoreClosed("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._query, query)

    async def close(self) -> None:
        """Finish what waits to be written, then close every connection."""
        self._closed = True
        self._readers.shutdown(wait=True, cancel_futures=True)
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        await self._writer.close()

    def _query(self, query: Callable[[ReadTx], T]) -> T:
        connection = self._reader()
        try:
            connection.execute("BEGIN")
            try:
                return query(SqliteReadTx(connection))
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise store_error(error) from error

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA cache_size = -4000")
            self._local.connection = connection
            self._opened.append(connection)
        return connection

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self._path,
            isolation_level=None,
            check_same_thread=False,
            timeout=_BUSY_MS / 1000,
            cached_statements=_STATEMENTS,
        )

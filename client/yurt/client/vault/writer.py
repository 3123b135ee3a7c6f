"""One thread writes, one thread reads; nobody else touches the vault's connections.

A unit of work is a plain function of a connection. The writer runs it inside one transaction, durable
(``synchronous=FULL``) when ``write`` returns: a ratchet step that is on disk can never be taken again
(TRUST 4). If it raises, everything is rolled back and the rollback hooks run, so that no cache keeps what
the disk does not have.

    item = await writer.run(lambda tx: timeline.insert(tx, ...))
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlcipher3 import dbapi2
from sqlcipher3.dbapi2 import Connection

from yurt.client.errors import Closed, VaultUnwritable

T = TypeVar("T")
Unit = Callable[[Connection], T]
Row = tuple[Any, ...]
"""One row of an answer; the query knows its columns, and the tables are STRICT."""


class Writer:
    """The only thread that changes the vault."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="vault-writer")
        self._closed = False
        self._rolled_back: list[Callable[[], None]] = []

    def on_rollback(self, hook: Callable[[], None]) -> None:
        """Call `hook` on the writer's thread after each rollback."""
        self._rolled_back.append(hook)

    async def run(self, unit: Unit[T]) -> T:
        """Run a unit of work in a transaction; durable when this returns.

        Cancelling the caller does not undo it: the transaction is either whole or not at all.

        Raises:
            VaultUnwritable: The disk is full, or the file cannot be written.
            Closed: After `close`.
        """
        if self._closed:
            raise Closed("vault")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._transaction, unit)

    async def close(self) -> None:
        """Finish what was begun, then close the connection."""
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._pool, self._close)
        self._pool.shutdown()

    def _transaction(self, unit: Unit[T]) -> T:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = unit(self._connection)
            self._connection.execute("COMMIT")
        except BaseException as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            for hook in self._rolled_back:
                hook()
            if isinstance(error, dbapi2.OperationalError):
                raise VaultUnwritable(str(error)) from error
            raise
        return result

    def _close(self) -> None:
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()


class ReaderThread:
    """The only thread that reads beside the writer; sees the last commit."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="vault-reader")
        self._closed = False

    async def run(self, query: Unit[T]) -> T:
        """Run a query in one snapshot.

        Raises:
            Closed: After `close`.
        """
        if self._closed:
            raise Closed("vault")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._snapshot, query)

    async def close(self) -> None:
        """Close the connection."""
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._pool, self._connection.close)
        self._pool.shutdown()

    def _snapshot(self, query: Unit[T]) -> T:
        self._connection.execute("BEGIN")
        try:
            return query(self._connection)
        finally:
            self._connection.execute("COMMIT")

"""What the rest of the node knows of its database: units of work go in, durable answers come out.

A *unit* is a plain function that takes a transaction. It runs on the one writer thread, inside a savepoint
of its own: when it raises, only its own changes are undone and its caller gets the error. Many units share
one commit; `write` returns after that commit is on the disk (acknowledged = durable). A *query* runs on one
of a few reader connections that cannot write. SQL stands only in `store/`, as named units::

    def use_invite(tx: Tx, code: str, secret_hash: bytes, now_s: int) -> bool:
        "Use an invite once; False if it is unknown, used up or over."
        return bool(tx.returning("UPDATE invite SET ... RETURNING code", ...))

    used = await store.write(lambda tx: use_invite(tx, code, digest, now_s))

Units must be quick (everybody waits for them), do no I/O of their own, and may be given old arguments:
whatever was read before `write` is checked again inside the unit.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from yurt.wire.position import LogRow, Position

T = TypeVar("T")

Value = int | float | str | bytes | None
"""What a column can hold."""
Row = tuple[Any, ...]
"""One row of an answer; the query knows its columns."""


class StoreError(Exception):
    """Root of what the store raises.

    ::

        StoreError
        ├── StoreFull       the disk is full: reads go on, writes are answered `diskFull`
        ├── StoreClosed     the node is stopping
        ├── StoreBusy       too much waits to be written: answered `overloaded`
        ├── NewerDatabase   made by a newer release; nothing was changed
        ├── StaleHead       a conditional append met another head: load again, decide again
        └── StoreBroken     anything else SQLite reports
    """


class StoreFull(StoreError):
    """The disk is full; nothing of this unit was kept."""


class StoreClosed(StoreError):
    """The store is closing; nothing of this unit was kept."""


class StoreBusy(StoreError):
    """The queue of the writer is full; nothing of this unit was kept."""


class StoreBroken(StoreError):
    """SQLite reports an error that no rule of ours foresees."""


class NewerDatabase(StoreError):
    """The database was made by a newer release of Yurt."""


class StaleHead(StoreError):
    """The head of a log is not the one that the decision was made on."""

    def __init__(self, log: str, expected: Position, actual: Position) -> None:
        super().__init__(f"{log} stands at {actual}, not at {expected}")
        self.log = log
        self.expected = expected
        self.actual = actual


@dataclass(frozen=True, slots=True)
class Appended:
    """Rows that one unit put at the end of a log; told to the listeners after the commit."""

    log: str
    """Internal name: `inbox/ACCOUNT` or `room/HEX`."""
    rows: tuple[LogRow, ...]

    @property
    def head(self) -> Position:
        """Position of the newest row."""
        return self.rows[-1].position


class ReadTx(Protocol):
    """A consistent view of the database, for the length of one query."""

    def rows(self, sql: str, *values: Value) -> list[Row]:
        """All rows of the answer, fetched."""
        ...

    def row(self, sql: str, *values: Value) -> Row | None:
        """The first row of the answer, or None."""
        ...


class Tx(ReadTx, Protocol):
    """The transaction of one unit of work, on the writer thread."""

    def change(self, sql: str, *values: Value) -> int:
        """Run a statement that answers nothing; return how many rows it changed."""
        ...

    def change_many(self, sql: str, values: Iterable[Sequence[Value]]) -> None:
        """Run one statement for each set of values."""
        ...

    def returning(self, sql: str, *values: Value) -> list[Row]:
        """Run `INSERT|UPDATE|DELETE ... RETURNING` and fetch every row before anything else happens.

        An unread cursor would keep the transaction open and block every writer.
        """
        ...

    def inserted(self, sql: str, *values: Value) -> int:
        """Run an INSERT of one row; return its rowid."""
        ...

    def tell(self, appended: Appended) -> None:
        """After the commit (and only then) tell the listeners that these rows stand."""
        ...

    def scrub(self) -> None:
        """Overwrite what is deleted from here on, and empty the write-ahead log after the commit."""
        ...


class Store(Protocol):
    """The node's database."""

    async def write(self, unit: Callable[[Tx], T]) -> T:
        """Run a unit of work; return its result once it is durable.

        Raises:
            StoreFull, StoreClosed, StoreBusy, StoreBroken: nothing of this unit was kept.
            Exception: whatever the unit itself raised; its changes are undone.
        """
        ...

    async def read(self, query: Callable[[ReadTx], T]) -> T:
        """Run a query on a reader connection; it sees everything that was acknowledged before."""
        ...

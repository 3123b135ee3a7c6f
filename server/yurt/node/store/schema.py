"""How the database gets its tables: numbered steps, applied in order, each in one transaction.

A table module of this package names its steps (`STEPS`), `steps.py` lists all of them in order. A step that
was ever released is never edited: a change is a new step. Applying them goes through sqlite-utils, which is
imported only when something is pending, because that import alone would cost a node a fifth of a second at
every start. A database with a step that we do not know was made by a newer release and is refused, whole.
Before steps change an existing database, a copy of it is put beside it.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from yurt.node.store.types import NewerDatabase

_SET: Final = "yurt.node"
_PAGE_SIZE: Final = 8192
# A row of about 1.1 KiB wastes a quarter of a 4 KiB page and a thirtieth of an 8 KiB page.


class Tables(Protocol):
    """What a step needs of a sqlite-utils Database (whose own types are loose)."""

    def execute(self, sql: str, /) -> object:
        """Run one statement."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One migration."""

    name: str
    """Number and place: `0001-logs`; never changed once released."""
    apply: Callable[[Tables], None]
    """Runs `CREATE` and friends with `db.execute`, one statement a call, inside a transaction."""


def prepare(path: Path, steps: Sequence[Step]) -> None:
    """Bring the database up to date, or create it (mode 0600).

    Raises:
        NewerDatabase: it holds steps that this release does not know; nothing was changed.
    """
    fresh = not path.exists()
    if fresh:
        path.touch(mode=0o600)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        applied = _applied(connection)
        known = [step.name for step in steps]
        unknown = [name for name in applied if name not in known]
        if unknown:
            raise NewerDatabase(
                f"{path} was made by a newer release (it has {unknown[-1]}); "
                "install that release again, or restore the copy made before the upgrade"
            )
        pending = [step for step in steps if step.name not in applied]
        if not pending:
            return
        if applied:
            _copy(connection, path, pending[0].name)
        else:
            connection.execute(f"PRAGMA page_size = {_PAGE_SIZE}")
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute("PRAGMA synchronous = FULL")
        _apply(connection, steps)


def _applied(connection: sqlite3.Connection) -> list[str]:
    exists = connection.execute(
        "SELECT count(*) FROM sqlite_schema WHERE name = '_sqlite_migrations'"
    ).fetchall()
    if not exists[0][0]:
        return []
    rows = connection.execute(
        "SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY id", (_SET,)
    ).fetchall()
    return [str(row[0]) for row in rows]


def _copy(connection: sqlite3.Connection, path: Path, before: str) -> None:
    """Put a copy of the database beside it; an older copy of the same name was not finished."""
    target = path.with_name(f"{path.name}.before-{before}")
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    with closing(sqlite3.connect(target)) as copy:
        connection.backup(copy)


def _apply(connection: sqlite3.Connection, steps: Sequence[Step]) -> None:
    from sqlite_utils import Database, Migrations

    migrations = Migrations(_SET)
    for step in steps:
        migrations(name=step.name)(step.apply)
    migrations.apply(Database(connection))

"""A copy of a database that is in use, and whether a copy can be trusted."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from yurt.node.store.transaction import store_error
from yurt.node.store.types import StoreBroken

_BUSY_S: Final = 30.0


def copy_database(source: Path, target: Path) -> None:
    """Write a consistent, compact copy (mode 0600); whoever uses the source goes on.

    Raises:
        StoreFull, StoreBusy, StoreBroken: there is no copy.
    """
    target.touch(mode=0o600, exist_ok=False)
    try:
        with closing(sqlite3.connect(source, timeout=_BUSY_S, isolation_level=None)) as connection:
            # One read transaction, as of its beginning; SQLite takes an empty file as the target.
            connection.execute("VACUUM INTO ?", (str(target),)).fetchall()
    except sqlite3.Error as error:
        raise store_error(error) from error


def check_database(path: Path) -> None:
    """Look through a whole database.

    Raises:
        StoreBroken: it is damaged, or is no database.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.Error as error:
        raise StoreBroken(f"{path.name} is no usable database: {error}") from error
    if found != [("ok",)]:
        raise StoreBroken(f"{path.name} is damaged: {found[0][0] if found else 'no answer'}")

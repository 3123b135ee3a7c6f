"""How SQLite would carry out a statement; tests only.

explained = Explained(tx)
rooms.device_windows(explained, room, did, device)
explained.plans   ->  ["SEARCH reader_window USING INDEX ...", ...]
"""

from collections.abc import Iterable, Sequence

from yurt.node.store.types import Appended, ReadTx, Row, Value


class Explained:
    """A transaction that notes SQLite's plan for each statement; nothing is found, and nothing changes."""

    def __init__(self, tx: ReadTx) -> None:
        self.plans: list[str] = []
        self._tx = tx

    def rows(self, sql: str, *values: Value) -> list[Row]:
        """Note the plan."""
        self.plans += [str(row[3]) for row in self._tx.rows("EXPLAIN QUERY PLAN " + sql, *values)]
        return []

    def row(self, sql: str, *values: Value) -> Row | None:
        """Note the plan."""
        return next(iter(self.rows(sql, *values)), None)

    def returning(self, sql: str, *values: Value) -> list[Row]:
        """Note the plan."""
        return self.rows(sql, *values)

    def change(self, sql: str, *values: Value) -> int:
        """Note the plan."""
        return len(self.rows(sql, *values))

    def change_many(self, sql: str, values: Iterable[Sequence[Value]]) -> None:
        """Note the plan."""
        for one in values:
            self.rows(sql, *one)

    def inserted(self, sql: str, *values: Value) -> int:
        """Note the plan."""
        return len(self.rows(sql, *values))

    def tell(self, appended: Appended) -> None:
        """Tell nobody."""

    def scrub(self) -> None:
        """Nothing is deleted."""

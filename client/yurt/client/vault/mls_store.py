"""MLS state in the vault: the rows of `yurt.mls.group_store`, and the groups cached over them.

Only the writer's thread uses these, inside a transaction. A ``Group`` is a cache of its rows, so a rolled
back transaction drops every cached group: what comes next loads what the disk has.
"""

from collections.abc import Iterable

from sqlcipher3.dbapi2 import Connection


class VaultGroupStore:
    """A ``GroupStore`` over the writer's connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, group_id: bytes, epoch: int, slot: str, value: bytes) -> None:
        """Write a row, over the old one if there is one."""
        self._connection.execute(
            "INSERT OR REPLACE INTO mls (group_id, epoch, slot, value) VALUES (?, ?, ?, ?)",
            (group_id, epoch, slot, value),
        )

    def delete(self, group_id: bytes, epoch: int, slot: str) -> None:
        """Delete a row if it is there; ``secure_delete`` overwrites its bytes."""
        self._connection.execute(
            "DELETE FROM mls WHERE group_id = ? AND epoch = ? AND slot = ?", (group_id, epoch, slot)
        )

    def delete_epoch(self, group_id: bytes, epoch: int) -> None:
        """Delete every row of one epoch."""
        self._connection.execute("DELETE FROM mls WHERE group_id = ? AND epoch = ?", (group_id, epoch))

    def rows(self, group_id: bytes) -> Iterable[tuple[int, str, bytes]]:
        """Give every row of a group."""
        # Read whole: an open cursor would see the caller's own writes.
        return self._connection.execute(
            "SELECT epoch, slot, value FROM mls WHERE group_id = ?", (group_id,)
        ).fetchall()

"""The MLS groups of this device, cached over their rows; only for the vault's writer thread.

Every function of ``yurt.client.rooms`` that takes a connection runs there, inside a transaction. After a
rollback the cache is emptied: what is on disk counts (`yurt.mls.group`).
"""

from sqlcipher3.dbapi2 import Connection

from yurt.client.vault.mls_store import VaultGroupStore
from yurt.mls.group import Group


class Groups:
    """Groups by room id."""

    def __init__(self) -> None:
        self._groups: dict[bytes, Group] = {}

    def load(self, tx: Connection, room: bytes) -> Group:
        """Give a room's group, from the cache or the vault.

        Raises:
            UnknownGroup: There is none.
        """
        group = self._groups.get(room)
        if group is None:
            group = self._groups[room] = Group.load(VaultGroupStore(tx), room)
        return group

    def keep(self, group: Group) -> None:
        """Cache a group that was just created or joined."""
        self._groups[group.group_id] = group

    def forget(self, tx: Connection, room: bytes) -> None:
        """Delete a group's rows: every secret of it goes."""
        self.load(tx, room).forget()
        del self._groups[room]

    def clear(self) -> None:
        """Empty the cache, after a rollback."""
        self._groups.clear()

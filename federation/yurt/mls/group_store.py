"""Where a member's group lives: small rows, so that a message costs about 100 bytes, never the tree.

A row is `(group_id, epoch, slot, value)`. The rows are the state; the `Group` object is a cache of
them. Every secret that is consumed is deleted in the same call that consumed it.

| slot | of which epochs | value |
|---|---|---|
| `messages` | every kept one | own leaf index, sender data secret, log time at which it ended |
| `node/<n>` | every kept one | secret of a secret-tree node not yet descended into |
| `ratchet/<leaf>/<kind>` | every kept one | generation and secret of the ratchet's head |
| `skipped/<leaf>/<kind>/<generation>` | every kept one | key and nonce of a message not yet seen |
| `past` | those that ended | context, and the leaves that the next epoch has no more |
| `resumption` | those that ended | the key for epochs that resume from it |
| `public` | the current one | context, tree, transcript, confirmation tag; written once |
| `private/<n>` | the current one | own private HPKE key of a tree node |
| `proposal/<n>` | the current one | a proposal that came, or was sent, on its own |
| `update/<reference>` | the current one | private keys of an own Update that waits for a commit |
| `pending` | the current one | own staged commit with the secrets of the epoch that it would begin |
| `member` | the current one | the epoch's other secrets and our signature key; says which epoch is current |
| `joining` | none yet | own external commit, while it waits for the hub's answer |
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


class GroupStore(Protocol):
    """Rows of all groups of one device. Called inside the caller's transaction."""

    def put(self, group_id: bytes, epoch: int, slot: str, value: bytes) -> None:
        """Write a row, over the old one if there is one."""
        ...

    def delete(self, group_id: bytes, epoch: int, slot: str) -> None:
        """Delete a row if it is there; its bytes must not be recoverable after the transaction."""
        ...

    def delete_epoch(self, group_id: bytes, epoch: int) -> None:
        """Delete every row of one epoch."""
        ...

    def rows(self, group_id: bytes) -> Iterable[tuple[int, str, bytes]]:
        """Give every row of a group: epoch, slot, value; in any order."""
        ...


class MemoryGroupStore:
    """A dict that is a `GroupStore`: for tests and tools that need no durability."""

    def __init__(self) -> None:
        self._rows: dict[bytes, dict[tuple[int, str], bytes]] = {}

    def put(self, group_id: bytes, epoch: int, slot: str, value: bytes) -> None:
        """Write a row."""
        self._rows.setdefault(group_id, {})[epoch, slot] = value

    def delete(self, group_id: bytes, epoch: int, slot: str) -> None:
        """Delete a row if it is there."""
        self._rows.get(group_id, {}).pop((epoch, slot), None)

    def delete_epoch(self, group_id: bytes, epoch: int) -> None:
        """Delete every row of one epoch."""
        rows = self._rows.get(group_id, {})
        for key in [key for key in rows if key[0] == epoch]:
            del rows[key]

    def rows(self, group_id: bytes) -> Iterable[tuple[int, str, bytes]]:
        """Give every row of a group."""
        return [(epoch, slot, value) for (epoch, slot), value in self._rows.get(group_id, {}).items()]

    def copy(self) -> "MemoryGroupStore":
        """Copy the rows as they are now: a snapshot to come back to."""
        other = MemoryGroupStore()
        other._rows = {group_id: dict(rows) for group_id, rows in self._rows.items()}
        return other


@dataclass(frozen=True, slots=True)
class EpochRows:
    """The rows of one epoch of one group: what the parts of a group write through."""

    store: GroupStore
    group_id: bytes
    epoch: int

    def put(self, slot: str, value: bytes) -> None:
        """Write a row of this epoch."""
        self.store.put(self.group_id, self.epoch, slot, value)

    def delete(self, slot: str) -> None:
        """Delete a row of this epoch."""
        self.store.delete(self.group_id, self.epoch, slot)

    def delete_all(self) -> None:
        """Delete every row of this epoch."""
        self.store.delete_epoch(self.group_id, self.epoch)

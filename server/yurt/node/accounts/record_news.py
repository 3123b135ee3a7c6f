"""A newer person record is told: to the person's other devices, to people here, to nodes of shared rooms.

Each of them judges it by itself (TRUST 1). A node passes on what is new to it, and only that, so a record
goes once over each way: from the person's node to the hubs of their rooms, from a hub to its member nodes.
"""

import hashlib
import os
from collections.abc import Callable
from typing import Final

from yurt.identity.signed_record import VerifiedRecord
from yurt.node.clock import Clock
from yurt.node.store import accounts, devices, logs, outbound
from yurt.node.store.logs import NewRow
from yurt.node.store.outbound import Outbound, OutboundKind
from yurt.node.store.types import Store, Tx
from yurt.wire.registry import InboxKind

_ID_SIZE: Final = 16


class RecordNews:
    """Passes newer records on."""

    def __init__(self, domain: str, store: Store, clock: Clock, wake: Callable[[str], None]) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._wake = wake

    async def heard(self, record: VerifiedRecord) -> None:
        """Tell everybody whom a new record concerns."""
        for node in await self._store.write(lambda tx: self._tell(tx, record)):
            self._wake(node)

    def _tell(self, tx: Tx, record: VerifiedRecord) -> list[str]:
        body, now_ms = record.signed.encode(), self._clock.now_ms()
        for account in devices.accounts_concerned(tx, record.did):
            row = NewRow(InboxKind.RECORD, now_ms, hashlib.sha256(body).digest(), body)
            logs.post(tx, logs.inbox_log(account), row)
        lives_here = accounts.account_of(tx, record.did) is not None
        concerned = devices.nodes_concerned(tx, record.did, hubs=lives_here)
        nodes = [node for node in concerned if node != self._domain]
        for node in nodes:
            item = Outbound(os.urandom(_ID_SIZE), node, OutboundKind.RECORD, b"", body, now_ms)
            outbound.put(tx, item)
        return nodes

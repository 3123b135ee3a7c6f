"""The engine's part for blocks: keeps the vault's list of them as the own node has it.

The node carries a block to others; here it folds what that person says in rooms. What was blocked on another
device arrives with the next stream.
"""

from collections.abc import Callable, Sequence
from functools import partial

from sqlcipher3.dbapi2 import Connection

from yurt.client.calls import EngineCalls
from yurt.client.core import Core
from yurt.client.links import parse_address
from yurt.client.people_calls import BlockedView, ListBlocked
from yurt.client.portability.node_rows import fetch_rows
from yurt.client.soon import Soon
from yurt.client.vault import blocked
from yurt.portability.csv_rows import CsvKind
from yurt.wire.command import Command
from yurt.wire.people_commands import Block, Unblock
from yurt.wire.portability_commands import PortableRow

SOON_S = 1.0
_ALL = b""
"""Instead of a room."""


class Blocking:
    """Looks after the list."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._fetched = 0
        """On which stream the list was fetched."""
        self._soon = Soon("blocks", self._work)

    def calls(self) -> EngineCalls:
        """What is answered here."""
        return {ListBlocked: self._list}

    async def close(self) -> None:
        """End."""
        await self._soon.close()

    def live(self, _room: bytes | None) -> None:
        """Hear that something was read: a new stream, or somebody blocked may have come into a room."""
        self._soon.look(_ALL, SOON_S)

    async def asked(self, command: Command) -> None:
        """Hear what the own node was asked to do, and did."""
        if isinstance(command, Block | Unblock):
            address = parse_address(command.address)
            change = blocked.put if isinstance(command, Block) else blocked.drop
            await self._change(lambda tx: change(tx, address))

    async def _list(self, _call: ListBlocked) -> BlockedView:
        blocks, mutes = [
            await fetch_rows(self._core.session, kind) for kind in (CsvKind.BLOCKS, CsvKind.MUTES)
        ]
        return BlockedView(tuple(row.address for row in blocks), tuple(row.address for row in mutes))

    async def _work(self, _key: bytes) -> float:
        core, stream = self._core, self._core.session.streams
        if self._fetched != stream:
            rows = await fetch_rows(core.session, CsvKind.BLOCKS)
            await self._change(partial(_take, rows=rows))
            self._fetched = stream
        elif (await core.vault.read(blocked.load)).addresses:
            await self._change(lambda _: None)
        return 0.0

    async def _change(self, change: Callable[[Connection], None]) -> None:
        def unit(tx: Connection) -> bool:
            before = blocked.load(tx)
            change(tx)
            return blocked.settle(tx, before)

        if await self._core.vault.write(unit):
            self._core.bell.ring()


def _take(tx: Connection, rows: Sequence[PortableRow]) -> None:
    """Take the node's list for the vault's."""
    listed = {row.address.lower(): row.did for row in rows}
    for address in blocked.load(tx).addresses - listed.keys():
        blocked.drop(tx, address)
    for address, did in listed.items():
        blocked.put(tx, address, did)

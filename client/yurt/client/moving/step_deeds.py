"""What each step of a move does (`yurt.client.moving.steps`): at the old node, at the new one, in the vault.

Each may be done twice: who is killed after a step and before it is written down does it again.
"""

import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace as evolve
from functools import partial
from typing import Final

import msgspec
from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.devices import own_record
from yurt.client.identity import device_of
from yurt.client.moving import difference, rooms_along, rows, steps
from yurt.client.moving.home import Access, Ask, at_home, visit
from yurt.client.portability.entering import enter_rooms
from yurt.client.rooms.commit import Committer
from yurt.client.rooms.heal import Healer
from yurt.client.vault import accounts, cursors, kits, moves, rooms
from yurt.client.vault.accounts import Account, actor_url
from yurt.client.vault.kits import KitRow
from yurt.client.vault.moves import ForetoldTie, MoveRow
from yurt.identity.location import node_of
from yurt.identity.signed_record import SignedRecord, verify_record
from yurt.portability.actor_key import fingerprint_of_private
from yurt.wire.account_commands import SignedIn
from yurt.wire.command import Done
from yurt.wire.device_commands import PublishedRecord, PublishRecord
from yurt.wire.frames import INBOX
from yurt.wire.move_commands import (
    Arrive,
    LendKey,
    MoveAway,
    OldFollower,
    RescueFollowers,
    SpreadRecord,
    WatchMove,
)
from yurt.wire.network_map import NetworkMap
from yurt.wire.post_commands import Post, Posted
from yurt.wire.problems import ProblemError, refuse

PAGE: Final = 500
HOME_S: Final = 20.0
"""How long the first stream to the new home may take."""
MENTIONS: Final = 10
"""People who are asked in one message."""
_UNIQUE: Final = 16
Step = Callable[[MoveRow], Awaitable[MoveRow]]


class StepDeeds:
    """Does the steps."""

    def __init__(self, core: Core, network: NetworkMap | None, committer: Committer, healer: Healer) -> None:
        self._core = core
        self._network = network
        self._committer = committer
        self._healer = healer
        self.by_step: Mapping[str, Step] = {
            steps.ARRIVED: self._arrive,
            steps.CARRIED: self._carry,
            steps.RECORDED: self._publish,
            steps.MOVED: self._move,
            steps.ROOMS: self._rooms,
            steps.TOLD: self._tell,
            steps.SWITCHED: self._switch,
            steps.WATCHED: self._watch,
        }
        """What leads to each step; each takes the row as it stands, and gives it as it is then."""

    async def tell_again(self, row: MoveRow, missing: set[str]) -> None:
        """Tell those once more who did not come."""
        foretold = await self._core.vault.read(moves.foretold)
        nodes = {node_of(tie.actor) for tie in foretold if tie.did and tie.actor in missing}
        await self._spread(self._core.session.call, nodes)
        if row.kind == "rescue" or row.lend_key:
            await self._rescue(self._core.session.call, row, missing)
            return
        access = Access(
            row.old_node, row.old_name, self._core.account.device.device_id, row.old_token, row.old_login_key
        )
        async with at_home(access, self._network, _nothing_learned) as ask:
            await ask(MoveAway(self._target(row), again=True), Done)

    async def _arrive(self, row: MoveRow) -> MoveRow:
        check_fresh(self._core.account, row)
        async with visit(row.node, self._network) as ask:
            answer = await ask(arrival(row, self._core.account), SignedIn)
        return msgspec.structs.replace(row, token=answer.token, token_expires=answer.expires_at)

    async def _carry(self, row: MoveRow) -> MoveRow:
        """Blocks first; a follow that comes too late can wait, a block cannot."""
        rank = await self._core.vault.read(_ranks)
        if row.kind == "rescue":
            await rows.carry(
                self._core.session.call, row.job, row.kind, rows.ranked(rows.from_files(row.files), rank)
            )
            return row
        items = await rows.from_node(self._core.session.call)
        async with self._new_home(row) as ask:
            await rows.carry(ask, row.job, row.kind, rows.ranked(items, rank))
        return row

    async def _publish(self, row: MoveRow) -> MoveRow:
        """The record first: without it no Yurt node believes anything that follows."""
        core = self._core
        foretold = await core.vault.read(moves.foretold)
        nodes = {node_of(tie.actor) for tie in foretold if tie.did}
        nodes |= {hub for hub in await core.vault.read(partial(_hubs, row=row)) if hub}
        if row.kind == "rescue":
            await self._spread(core.session.call, nodes)
            return row
        check_fresh(self._core.account, row)
        async with self._new_home(row) as ask:
            await ask(PublishRecord(row.record), PublishedRecord)
            await self._spread(ask, nodes)
        try:
            await core.session.call(PublishRecord(row.record), PublishedRecord)
        except ProblemError as error:
            row = _noted(row, f"{row.old_node} does not take the record: {error.problem.message}")
        await own_record.learn(core, row.record)
        return row

    async def _move(self, row: MoveRow) -> MoveRow:
        now_s = self._core.now_s
        if row.kind == "rescue":
            return msgspec.structs.replace(await self._rescue(self._core.session.call, row), moved=now_s)
        try:
            await self._core.session.call(MoveAway(self._target(row)), Done)
        except ProblemError as error:
            if not row.lend_key:
                if error.problem.kind.retry:
                    raise
                why = f"{row.old_node} does not send the Move: {error.problem.message}"
                raise refuse("refused", f"{why}; `yurt move --lend-key` sends it from the new node") from None
            row = _noted(row, f"{row.old_node} did not send the Move: {error.problem.message}")
            async with self._new_home(row) as ask:
                row = await self._rescue(ask, row)
        return msgspec.structs.replace(row, moved=now_s)

    async def _rescue(self, ask: Ask, row: MoveRow, only: set[str] | None = None) -> MoveRow:
        """Let the new node send the Move, signed with the old actor's key."""
        if not row.old_key:
            return _noted(
                row, "nobody has the old actor key: only people on Yurt can come along by themselves"
            )
        lend = LendKey(actor=row.previous, key_id=row.old_key_id, key=row.old_key, older=row.older_key)
        try:
            await ask(lend, Done)
        except ProblemError as error:
            if error.problem.detail.get("rule") != "keyOver":
                raise
            return _noted(row, "the thirty days of the old key are over: nobody is told with it any more")
        foretold = await self._core.vault.read(moves.foretold)
        followers = [
            OldFollower(tie.actor, tie.inbox, tie.shared_inbox, tie.did)
            for tie in foretold
            if tie.direction == "follower" and tie.outcome != "lost" and (only is None or tie.actor in only)
        ]
        for at in range(0, len(followers), PAGE):
            await ask(RescueFollowers(tuple(followers[at : at + PAGE]), again=only is not None), Done)
        return row

    async def _rooms(self, row: MoveRow) -> MoveRow:
        if row.kind == "rescue":
            kept, notes = await enter_rooms(self._core, self._healer, rooms_along.cards(row.rooms))
        else:
            actor = self._target(row)
            kept, notes = await rooms_along.rename(self._core, self._committer, row.rooms, actor, row.record)
            async with self._new_home(row) as ask:
                await rooms_along.wait_served(ask, kept)
        return msgspec.structs.replace(row, rooms_kept=kept, notes=(*row.notes, *notes))

    async def _tell(self, row: MoveRow) -> MoveRow:
        """Write to followers who must be asked: the old address says it, while it still can."""
        foretold = await self._core.vault.read(moves.foretold)
        asked = [tie.address for tie in foretold if tie.direction == "follower" and tie.outcome == "ask"]
        told = 0
        for at in range(0, len(asked), MENTIONS):
            some = asked[at : at + MENTIONS]
            unique = hashlib.sha256(row.job + at.to_bytes(4, "big")).digest()[:_UNIQUE]
            post = Post(text=difference.asking(some, row), visibility="direct", unique=unique)
            try:
                await self._core.session.call(post, Posted)
            except ProblemError as error:
                row = _noted(row, f"could not write to {', '.join(some)}: {error.problem.message}")
                continue
            told += len(some)
        return msgspec.structs.replace(row, asked=told)

    async def _switch(self, row: MoveRow) -> MoveRow:
        """From here on this vault lives at the new node; one transaction, then the session follows."""
        core = self._core
        account = evolve(
            core.account,
            name=row.name,
            node=row.node,
            record=row.record,
            actor_key=row.actor_key,
            login_key=row.login_key,
            token=row.token,
            token_expires=row.token_expires,
        )
        done = msgspec.structs.replace(row, step=steps.SWITCHED)
        await core.write(partial(_live_there, account=account, row=done))
        core.account, core.device = account, device_of(account)
        await core.session.rehome(row.node)
        await core.session.wait_connected(HOME_S)
        return row

    async def _watch(self, row: MoveRow) -> MoveRow:
        """At the end rooms that could not be told through a dead old node are entered from the new one."""
        left = [room for room in row.rooms if row.kind == "move" and room not in row.rooms_kept]
        if left:
            kept = await rooms_along.mend(self._core, self._healer, left)
            row = msgspec.structs.replace(row, rooms_kept=(*row.rooms_kept, *kept))
        # Yurt nodes have the record before the Move is sent, and their people may be here already.
        await self._core.session.call(WatchMove(start=row.confirmed, previous=row.previous), Done)
        return row

    async def _spread(self, ask: Ask, nodes: set[str]) -> None:
        some = sorted(nodes)
        for at in range(0, len(some), PAGE):
            await ask(SpreadRecord(tuple(some[at : at + PAGE])), Done)

    def _target(self, row: MoveRow) -> str:
        return actor_url(row.name, row.node)

    @asynccontextmanager
    async def _new_home(self, row: MoveRow) -> AsyncGenerator[Ask]:
        """Ask the new node as the new account, before this vault lives there."""
        access = Access(row.node, row.name, self._core.account.device.device_id, row.token, row.login_key)
        async with at_home(access, self._network, _nothing_learned) as ask:
            yield ask


def arrival(row: MoveRow, account: Account) -> Arrive:
    """Make the request for the account on the new node: the same bytes however often it is asked."""
    return Arrive(
        code=row.code,
        secret=row.secret,
        account=row.name,
        login_key=row.login_key,
        device_id=account.device.device_id,
        records=row.records,
        statement=row.statement,
        actor_key=row.actor_key,
        previous=row.previous,
    )


def check_fresh(account: Account, row: MoveRow) -> None:
    """The prepared record must be the next one still: another device may have made one meanwhile.

    Raises:
        ProblemError: ``refused`` with the rule ``recordChanged``.
    """
    if account.record == row.record:
        return
    known = verify_record(SignedRecord.decode(account.record))
    if verify_record(SignedRecord.decode(row.record)).record.prev != known.hash:
        raise refuse(
            "refused",
            "your person record has changed since: begin again with `yurt move LINK` and the 24 words",
            rule="recordChanged",
        )


def _live_there(tx: Connection, account: Account, row: MoveRow) -> None:
    accounts.save(tx, account)
    cursors.delete(tx, INBOX)  # the new node's inbox is another one
    keep_keys(tx, row)
    moves.save(tx, row)


def keep_keys(tx: Connection, row: MoveRow) -> None:
    """Let the kit have the new actor key; the graph is sealed anew by itself."""
    kit = kits.load(tx) or KitRow(row.kit_public)
    counter = max(kit.counter, row.keys_counter)
    named = fingerprint_of_private(row.actor_key)
    kits.save(tx, evolve(kit, keys=row.keys_part, named=named, counter=counter, stale=True))


def _noted(row: MoveRow, note: str) -> MoveRow:
    return row if note in row.notes else msgspec.structs.replace(row, notes=(*row.notes, note))


async def _nothing_learned(answer: SignedIn) -> None:
    """A token of a visit is used once: the login key gets another one."""
    del answer


def _hubs(tx: Connection, row: MoveRow) -> set[str]:
    if row.kind == "rescue":
        return {card.hub for card in rooms_along.cards(row.rooms)}
    return {room.hub for room in rooms.every(tx) if room.state == "active"}


def _ranks(tx: Connection) -> Callable[[str], int]:
    """The strongest tie is the first."""
    order: dict[str, int] = {}
    for number, tie in enumerate(sorted(moves.foretold(tx), key=_weakness)):
        order.setdefault(tie.address.lower(), number)
    return lambda address: order.get(address.lower(), len(order))


def _weakness(tie: ForetoldTie) -> tuple[bool, float]:
    return not tie.strong, -tie.strength

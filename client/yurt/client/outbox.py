"""The outbox: what was said leaves in order, once, and only into a room that was read to its head.

====================== ===================== ============================================================
state                  what moves it         to
====================== ===================== ============================================================
queued                 the room is live      sealed: encrypted, ratchet step and entry in one transaction
sealed                 the hub's receipt, or accepted: the outbox row goes, the line has its place
                       the row in the log
sealed                 wrongEpoch,           queued: encrypted anew under the same content id and number
                       epochTooOld
sealed                 a final refusal       refused: the outbox row goes, the line keeps the reason
sealed                 no answer             sealed: the same bytes go again (the hub knows them by hash)
====================== ===================== ============================================================

A sealed entry is never encrypted again because of a lost connection or a restart: the hub's log decides.
One room never waits for another; within a room contents go out one by one, in the order they were said.
"""

import asyncio
import random
from collections.abc import Coroutine
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.errors import ClientError
from yurt.client.invitations.departures import commit_departures
from yurt.client.rooms import actions, create, lines
from yurt.client.rooms.commit import LOST_RACE, Committer
from yurt.client.rooms.own_leaf import is_joining, make_room_leaf
from yurt.client.vault import (
    addresses,
    cursors,
    leavings,
    link_makers,
    outbox,
    own_leaves,
    people,
    rooms,
    timeline,
)
from yurt.client.vault.accounts import address_of
from yurt.client.vault.outbox import OutboxRow
from yurt.client.vault.rooms import RoomRow
from yurt.mls.framing import peek
from yurt.rooms.common.chain import entry_hash
from yurt.rooms.common.content import Plaintext, encode_aad
from yurt.rooms.common.padding import padded_length
from yurt.wire.frames import room_log
from yurt.wire.problems import Problem, ProblemError
from yurt.wire.registry import EntryKind
from yurt.wire.room_commands import Append, Appended

FIRST_RETRY_S: Final = 0.5
LAST_RETRY_S: Final = 30.0
_ASKS_TO_WAIT: Final = frozenset({"tooMany", "diskFull"})
"""Problems that go away by waiting, and that a person should see at the line that waits."""
RENEWAL_S: Final = (60.0, 600.0)
"""When a device that has said nothing yet makes its leaf for the room (TRUST 2: within a day, and not all of
those who joined together at once)."""


class Outbox:
    """Sends what waits, one task for each room that has something to send."""

    def __init__(self, core: Core, committer: Committer) -> None:
        self._core = core
        self._committer = committer
        self._tasks: dict[bytes, asyncio.Task[None]] = {}
        self._again: set[bytes] = set()
        self._delays: dict[bytes, float] = {}
        self._renewals: dict[bytes, asyncio.TimerHandle] = {}
        self._may_speak: set[bytes] = set()
        """Rooms in which our leaf is known to be the room's own."""

    def kick(self, room: bytes) -> None:
        """Look whether something can be sent: something was said, or the room became live."""
        if room in self._tasks:
            self._again.add(room)
            return
        self._start(room, self._work(room))

    async def close(self) -> None:
        """Stop; what was not accepted stays in the vault."""
        for timer in self._renewals.values():
            timer.cancel()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, room: bytes, work: Coroutine[None, None, None]) -> None:
        task = self._tasks[room] = asyncio.create_task(work, name=f"outbox {room.hex()[:8]}")
        task.add_done_callback(lambda done: self._ended(room, done))

    def _ended(self, room: bytes, task: "asyncio.Task[None]") -> None:
        del self._tasks[room]
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            context = {"message": "the outbox of a room ended", "exception": error}
            task.get_loop().call_exception_handler(context)
        elif room in self._again:
            self._again.discard(room)
            self.kick(room)

    async def _work(self, room: bytes) -> None:
        """Send all that can be sent now; try again later if only time can help."""
        try:
            async with self._core.lock(room):
                await self._drain(room)
            self._delays.pop(room, None)
        except ProblemError as error:
            await self._failed(room, error.problem)
        except ClientError:
            await self._pause(room, None)

    async def _failed(self, room: bytes, problem: Problem) -> None:
        if not problem.kind.retry:
            # Our own commit was refused; a human can read why, and the next kick tries again.
            await self._core.write(lambda tx: _explain(tx, room, problem))
        elif self._core.session.connected:
            if problem.code in _ASKS_TO_WAIT:
                await self._core.write(lambda tx: _explain(tx, room, problem))
            await self._pause(room, problem.retry_after)
        # Else the next stream kicks every room that becomes live.

    async def _pause(self, room: bytes, asked: float | None) -> None:
        delay = self._delays.get(room, FIRST_RETRY_S)
        self._delays[room] = min(delay * 2, LAST_RETRY_S)
        self._again.add(room)
        await asyncio.sleep(max(delay, asked or 0.0))

    async def _drain(self, room: bytes) -> None:
        core = self._core
        await create.finish(core, room)
        if not core.session.is_live(room_log(room)):
            return
        if await core.vault.read(lambda tx: leavings.find(tx, room)) is not None:
            return
        await self._committer.settle(room)
        await self._renew(room)
        if await core.vault.read(lambda tx: outbox.first(tx, room)) is not None:
            await commit_departures(core, self._committer, room)
        while (row := await core.vault.read(lambda tx: outbox.first(tx, room))) is not None:
            if row.state == "queued":
                row = await self._seal(room, row)
            if row is None or not await self._submit(row):
                return

    async def _renew(self, room: bytes) -> None:
        """Replace a joining leaf, or one that is worn out, even if nothing is said; after a random while."""
        timer = self._renewals.get(room)
        if room in self._may_speak:
            if await self._is_due(room):
                await self._make_room_leaf(room)
            return
        if timer is None:
            delay = random.uniform(*RENEWAL_S)  # noqa: S311  # spreads commits, keeps no secret
            loop = asyncio.get_running_loop()
            self._renewals[room] = loop.call_later(delay, self.kick, room)
        elif timer.when() <= asyncio.get_running_loop().time():
            await self._make_room_leaf(room)

    async def _is_due(self, room: bytes) -> bool:
        core = self._core
        return await core.vault.read(lambda tx: own_leaves.is_due(tx, room, core.now_s))

    async def _make_room_leaf(self, room: bytes) -> None:
        await make_room_leaf(self._core, self._committer, room)
        self._may_speak.add(room)
        if (timer := self._renewals.get(room)) is not None:
            timer.cancel()
        delay = own_leaves.OLD_S + random.uniform(*RENEWAL_S)  # noqa: S311  # spreads commits, keeps no secret
        self._renewals[room] = asyncio.get_running_loop().call_later(delay, self.kick, room)

    async def _seal(self, room: bytes, row: OutboxRow) -> OutboxRow | None:
        """Encrypt the oldest content; None if it may not go out now."""
        core = self._core
        if room in core.clock_ahead:
            return None  # TRUST 3: an entry over ten minutes ahead of our clock stops our sending
        # Looked at before each content: one task may send for as long as somebody talks.
        if room not in self._may_speak or await self._is_due(room):
            await self._make_room_leaf(room)
        if not core.session.is_live(room_log(room)):
            return None
        sealed = await core.write(lambda tx: _seal(core, tx, row))
        if sealed is None:
            self._may_speak.discard(room)  # look again next time
        return sealed

    async def _submit(self, row: OutboxRow) -> bool:
        """Offer a sealed entry to the hub; whether the next one may go."""
        core = self._core
        request = Append(room=row.room, kind=EntryKind.MESSAGE, entry=row.entry)
        try:
            receipt = await core.session.call(request, Appended)
        except ProblemError as error:
            problem = error.problem
            if problem.code in LOST_RACE:
                await core.write(lambda tx: _unseal(tx, row))
                return await self._committer.passed(row.room, peek(row.entry).epoch)
            if problem.kind.retry:
                raise
            await core.write(lambda tx: _refuse(tx, row, problem))
            return True
        await core.write(lambda tx: _accept(tx, row, receipt))
        return True


def _seal(core: Core, tx: Connection, row: OutboxRow) -> OutboxRow | None:
    """Encrypt in the transaction that advances the ratchet: no key is ever used twice."""
    found, now = rooms.find(tx, row.room), outbox.first(tx, row.room)
    if found is None or found.state != "active" or now != row:
        return None
    if _is_blocked(tx, found):
        timeline.set_state(tx, row.item, "queued", lines.DID_CHANGED)
        return None
    if link_makers.holds(tx, row.room):
        timeline.set_state(tx, row.item, "queued", link_makers.MISSING)
        return None
    group, place = core.groups.load(tx, row.room), cursors.load(tx, room_log(row.room))
    if is_joining(group):
        return None
    plaintext = Plaintext(row.numbered.header(place.head, place.chain), row.content)
    entry = group.encrypt(plaintext.encode(), authenticated_data=encode_aad(), padding=padded_length)
    outbox.seal(tx, row, entry, entry_hash(entry))
    timeline.set_state(tx, row.item, "sealed")
    return outbox.first(tx, row.room)


def _is_blocked(tx: Connection, room: RoomRow) -> bool:
    """Tell whether somebody here is not who they were when they were pinned (TRUST 1)."""
    for did, actor in room.people:
        address = address_of(actor)
        pin = people.by_address(tx, address) or people.by_did(tx, did)
        if pin is None or addresses.is_refused_as(tx, did, address):
            continue
        if pin.did != did or pin.changed:
            return True
    # Who claims a pinned address may do so by any of their leaves.
    return people.is_anybody_changed_to(tx, [did for did, _ in room.people])


def _accept(tx: Connection, row: OutboxRow, receipt: Appended) -> None:
    """The log may have said so already."""
    timeline.accept(tx, row.item, receipt.position, receipt.accepted_at)
    outbox.delete(tx, row.item)
    actions.settled(tx, row.item)


def _unseal(tx: Connection, row: OutboxRow) -> None:
    if outbox.first(tx, row.room) == row:
        outbox.unseal(tx, row.item)
        timeline.set_state(tx, row.item, "queued")


def _refuse(tx: Connection, row: OutboxRow, problem: Problem) -> None:
    timeline.set_state(tx, row.item, "refused", _code(problem))
    outbox.delete(tx, row.item)
    actions.settled(tx, row.item)


def _explain(tx: Connection, room: bytes, problem: Problem) -> None:
    """Say at the oldest line that waits why it waits."""
    row = outbox.first(tx, room)
    if row is not None:
        timeline.set_state(tx, row.item, row.state, _code(problem))


def _code(problem: Problem) -> str:
    return str(problem.detail.get("rule", problem.code))

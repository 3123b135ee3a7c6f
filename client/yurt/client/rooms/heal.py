"""Rooms that stopped come back by themselves, where nobody broke a rule (TRUST 7).

======================================== =================================================================
why a room stopped                       what follows
======================================== =================================================================
rows are gone (``gap``)                  comes back by itself
a valid commit that our keys do not open comes back by itself: a member's mischief, or our loss
``ownMessage``: our leaf has spoken and  comes back by itself: an older copy of the vault must never
this vault does not know it              speak with its old keys
``commitOfOwnLeaf``                      by hand: somebody may have this device's keys (TRUST 2)
a commit against the rules, a forked log by hand: who comes back takes the hub's word for what happened
======================================== =================================================================

Three times a day at most, as the hub allows (`yurt.rooms.hub.state`); then a person must ask. What waits in
the outbox goes out afterwards, encrypted anew under the same content id.
"""

import asyncio
import random
from dataclasses import dataclass
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.calls import EngineCalls, Nothing
from yurt.client.core import Core
from yurt.client.errors import ClientError
from yurt.client.outbox import Outbox
from yurt.client.room_tasks import RoomTasks
from yurt.client.rooms import lines, resync
from yurt.client.rooms.commit import LOST_RACE
from yurt.client.rooms.heal_calls import ResyncRoom
from yurt.client.vault import outbox, resyncs, rooms, timeline
from yurt.client.vault.rooms import RoomRow
from yurt.client.vault.timeline import NewItem
from yurt.identity.did import Did
from yurt.mls.staging import StagedCommit
from yurt.rooms.member.resync import KnownRoom
from yurt.wire.frames import room_log
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.registry import EntryKind
from yurt.wire.resync_commands import FetchGroupInfo, RoomGroup
from yurt.wire.room_commands import Append, Appended

TRIES: Final = 8
"""How often a commit that lost its epoch is made again."""
A_DAY: Final = 3
_DAY_MS: Final = 86_400_000
FIRST_RETRY_S: Final = 1.0
LAST_RETRY_S: Final = 600.0
_PATIENT: Final = frozenset({resync.NOBODY_KNOWN, "resyncLimit"})
"""Refusals that time mends."""


@dataclass(frozen=True, slots=True)
class CardOfRoom:
    """A room that a new vault knows from elsewhere: the kit's card, or an own other device."""

    known: KnownRoom
    hub: str
    name: str = ""
    topic: str = ""


class Healer:
    """Brings rooms back, one task for each."""

    def __init__(self, core: Core, outbox: Outbox) -> None:
        self._core = core
        self._outbox = outbox
        self._tasks = RoomTasks("the repair of a room", self._run)

    def calls(self) -> EngineCalls:
        """What a front end may ask here."""
        return {ResyncRoom: self._by_hand}

    async def look(self) -> None:
        """Begin what the vault says is to be repaired; again after each reconnection."""
        for wanted in await self._core.vault.read(resyncs.wanted):
            self.kick(wanted.room)

    def kick(self, room: bytes) -> None:
        """Begin with one room, unless that is under way."""
        self._tasks.begin(room)

    async def close(self) -> None:
        """Stop; the vault remembers what is wanted."""
        await self._tasks.close()

    async def resync(self, room: bytes) -> None:
        """Come back into a room by hand.

        Raises:
            ProblemError: There is no such room, or it cannot be entered now; then it stays as it is.
        """

        def unit(tx: Connection) -> None:
            found = rooms.find(tx, room)
            if found is None or found.state == "creating":
                raise refuse("notFound", "there is no such room here: `yurt rooms` lists them")
            if found.state != "stopped":
                rooms.update(tx, rooms.stopped(found, "byHand"))
            resyncs.want(tx, room, "byHand", self._core.clock.now_ms())

        await self._core.write(unit)
        await self._core.session.unfollow(room_log(room))
        await self._come_back(room)

    async def come_back(self, card: CardOfRoom) -> None:
        """Enter a room that this vault does not have yet, and whose participant this person is.

        The own newest record goes with the commit, where the room needs it: a new actor, a revoked device.

        Raises:
            ProblemError: It cannot be entered now; nothing is left of it but the wish, or ask again.
        """
        core, known = self._core, card.known

        def unit(tx: Connection) -> None:
            if rooms.find(tx, known.group_id) is None:
                people = tuple((str(did), "") for did in sorted(known.dids))
                row = RoomRow(
                    room=known.group_id,
                    name=card.name,
                    topic=card.topic,
                    hub=card.hub,
                    state="stopped",
                    reason="comingBack",
                    epoch=known.epoch,
                    people=people,
                )
                rooms.insert(tx, row)
            resyncs.want(tx, known.group_id, "comingBack", core.clock.now_ms())

        await core.write(unit)
        await self._come_back(known.group_id)

    # --- by itself ----------------------------------------------------------------------------------
    async def _by_hand(self, call: ResyncRoom) -> Nothing:
        await self.resync(call.room)
        return Nothing()

    async def _run(self, room: bytes) -> None:
        delay = FIRST_RETRY_S
        while (asked := await self._try(room)) is not None:
            delay = max(delay, asked)
            await asyncio.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311  # spreads load
            delay = min(delay * 2, LAST_RETRY_S)

    async def _try(self, room: bytes) -> float | None:
        """Try once; None if that is all for now, else how many seconds the node asks to wait."""
        try:
            if await self._may(room):
                await self._come_back(room)
        except ProblemError as error:
            problem = error.problem
            if not problem.kind.retry and problem.detail.get("rule") not in _PATIENT:
                return None  # said in the room
            # Without a stream the next one looks again.
            return problem.retry_after or 0.0 if self._core.session.connected else None
        except ClientError:
            return None
        return None

    async def _may(self, room: bytes) -> bool:
        """Tell whether a room may be repaired without a person; what is over the limit is said.

        Only what was noted when it stopped: after a commit against the rules that is nothing.
        """
        core = self._core

        def unit(tx: Connection) -> bool:
            if not resyncs.is_wanted(tx, room):
                return False
            since = core.clock.now_ms() - _DAY_MS
            if resyncs.count_done(tx, room, since) < A_DAY:
                return True
            _explain(tx, room, "it has come back too often today: somebody disturbs it, or this vault")
            return False

        return await core.write(unit)

    # --- one resync ---------------------------------------------------------------------------------
    async def _come_back(self, room: bytes) -> None:
        core = self._core
        async with core.lock(room):
            try:
                for _ in range(TRIES):
                    if await self._once(room):
                        break
                else:
                    raise refuse("overloaded", "others change this room all the time", retry_after=1.0)
            except ProblemError as error:
                await self._refused(room, error)
                raise
        await core.session.follow(room_log(room))
        self._outbox.kick(room)

    async def _once(self, room: bytes) -> bool:
        """Make and submit one commit from outside; False if another one took the epoch."""
        core = self._core
        found = await core.vault.read(lambda tx: rooms.find(tx, room))
        if found is None or found.state != "stopped":
            return True  # it goes on already
        staged = await core.vault.read(lambda tx: resync.waiting(tx, room))
        if staged is None:
            staged = await self._stage(found)
        request = Append(
            room=room,
            kind=EntryKind.COMMIT,
            entry=staged.commit,
            group_info=staged.group_info,
            hub=found.hub,
        )
        try:
            receipt = await core.session.call(request, Appended)
        except ProblemError as error:
            if error.problem.code in LOST_RACE or not error.problem.kind.retry:
                await core.write(lambda tx: resync.undo(tx, room, staged))
            if error.problem.code in LOST_RACE:
                return False
            raise
        await core.write(lambda tx: resync.enter(core, tx, staged, found, receipt))
        return True

    async def _stage(self, found: RoomRow) -> StagedCommit:
        core, room = self._core, found.room
        answer = await core.session.call(FetchGroupInfo(room, found.hub), RoomGroup)

        def unit(tx: Connection) -> StagedCommit:
            # What was staged with the old keys, and may stand in the log, was ours: it is not made again.
            outbox.drop_commit(tx, room)
            return resync.stage(core, tx, resync.known_room(tx, found, Did(core.account.did)), answer)

        return await core.write(unit)

    async def _refused(self, room: bytes, error: ProblemError) -> None:
        """Say why the room does not come back, and whether it is tried again."""
        problem = error.problem
        if problem.kind.retry:
            return
        rule = problem.detail.get("rule")

        def unit(tx: Connection) -> None:
            _explain(tx, room, f"{problem.message} ({rule or problem.code})")
            if rule not in _PATIENT:
                resyncs.give_up(tx, room)

        await self._core.write(unit)


def _explain(tx: Connection, room: bytes, why: str) -> None:
    """Say once why a room does not come back."""
    text = f"this device cannot come back into the room yet: {why}"
    if resyncs.told(tx, room, lines.NOT_BACK) != text:
        timeline.add(tx, NewItem(room=room, kind="notice", text=text, reason=lines.NOT_BACK))

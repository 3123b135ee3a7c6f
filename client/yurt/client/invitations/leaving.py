"""Leaving a room: closed here at once, told to the room by a SelfRemove until it has taken it in (TRUST 3).

Nobody commits their own removal. The proposal is kept in the vault before it goes out and goes again, byte
for byte, until the log has it; a commit that raced it ended its epoch, so it is said again in the next one.
Whoever has more devices in the room takes the others out first, and whoever is alone just closes the door.
"""

import asyncio
from typing import Final, Literal

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.errors import ClientError
from yurt.client.invitations.calls import LeaveRoom, LeftView
from yurt.client.room_tasks import RoomTasks
from yurt.client.rooms import standing
from yurt.client.rooms.commit import LOST_RACE, Committer
from yurt.client.vault import leavings, outbox, rooms, timeline
from yurt.client.vault.rooms import ended
from yurt.client.vault.timeline import NewItem
from yurt.mls.group import Group
from yurt.mls.proposals import SelfRemove
from yurt.mls.staging import StagedCommit
from yurt.wire.frames import room_log
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.registry import EntryKind
from yurt.wire.room_commands import Append, Appended

AGAIN_S: Final = 5.0
Step = Literal["done", "devices"] | bytes
"""What comes next: nothing, take our other devices out, or send this proposal."""


class Leaver:
    """Leaves rooms, and goes on leaving them."""

    def __init__(self, core: Core, committer: Committer) -> None:
        self._core = core
        self._committer = committer
        self._tasks = RoomTasks("leaving a room", self._work)
        self._said: set[tuple[bytes, int]] = set()
        """Rooms and epochs in which the hub has our proposal; it need not go there again."""

    async def leave(self, call: LeaveRoom) -> LeftView:
        """Close a room here, and tell it.

        Raises:
            ProblemError: `notFound`, or it is not open yet.
        """
        room, core = call.room, self._core
        if not await core.write(lambda tx: _close(core, tx, room)):
            self.look(room)
        if call.within:
            await core.until(lambda tx: leavings.find(tx, room) is None, call.within)
        return LeftView(await core.vault.read(lambda tx: leavings.find(tx, room) is None))

    def look(self, room: bytes) -> None:
        """Go on with leaving a room, if we are."""
        self._tasks.look(room)

    async def close(self) -> None:
        """Stop; the vault knows what is left to do."""
        await self._tasks.close()

    async def _work(self, room: bytes) -> None:
        core = self._core
        if await core.vault.read(lambda tx: leavings.find(tx, room)) is None:
            return
        try:
            async with core.lock(room):
                await self._committer.settle(room)
                while not await self._step(room):
                    pass
        except ProblemError as error:
            if error.problem.kind.retry and core.session.connected:
                self._tasks.look(room)
                await asyncio.sleep(AGAIN_S)
            # Else the next stream looks again; a refusal for good means that the room knows us no more.
        except ClientError:
            return

    async def _step(self, room: bytes) -> bool:
        """Do what comes next; whether nothing is left to do now."""
        core = self._core
        step = await core.write(lambda tx: _next(core, tx, room))
        if step == "done":
            await core.session.unfollow(room_log(room))
            return True
        if step == "devices":
            await self._committer.commit(room, "leave", lambda tx, group: _other_devices(core, tx, group))
            return False
        assert isinstance(step, bytes)  # noqa: S101  # the other two are above
        return await self._say(room, step)

    async def _say(self, room: bytes, entry: bytes) -> bool:
        """Offer our proposal; False if its epoch is over."""
        core = self._core
        epoch = (await core.vault.read(lambda tx: leavings.find(tx, room)) or _NOWHERE).epoch
        if (room, epoch) in self._said:
            return True
        try:
            await core.session.call(Append(room=room, kind=EntryKind.PROPOSAL, entry=entry), Appended)
        except ProblemError as error:
            if error.problem.code not in LOST_RACE:
                raise
            return not await self._committer.passed(room, epoch)
        self._said.add((room, epoch))
        return True


_NOWHERE: Final = leavings.Leaving(b"", b"", -1)


def _close(core: Core, tx: Connection, room: bytes) -> bool:
    """Close a room here; whether that was all there is to do.

    Raises:
        ProblemError: There is no such room, or it is only being made.
    """
    found = rooms.find(tx, room)
    if found is None:
        raise refuse("notFound", "there is no such room here: `yurt rooms` lists them")
    if found.state == "creating":
        raise refuse("notAllowed", "the hub does not have this room yet: try again in a moment")
    if found.state == "removed" or leavings.find(tx, room) is not None:
        return found.state == "removed"
    while (row := outbox.first(tx, room)) is not None:
        timeline.set_state(tx, row.item, "refused", leavings.LEFT)
        outbox.delete(tx, row.item)
    timeline.add(tx, NewItem(room=room, kind="notice", text="you left this room", reason=leavings.LEFT))
    leavings.begin(tx, room)
    if found.state == "stopped":
        # Its log cannot be followed, so nothing can be said in it: others remove us, or our leaf expires.
        _end(core, tx, room)
        return True
    return False


def _next(core: Core, tx: Connection, room: bytes) -> Step:
    found, leaving = rooms.find(tx, room), leavings.find(tx, room)
    if found is None or leaving is None or found.state != "active":
        return "done"
    group = core.groups.load(tx, room)
    people = standing.standing_of(group).people
    if len(people) == 1:
        _end(core, tx, room)
        return "done"
    if len(people.of(core.account.did)) > 1:
        return "devices"
    if leaving.entry and leaving.epoch == group.epoch:
        return leaving.entry
    entry = group.propose(SelfRemove())
    leavings.propose(tx, room, entry, group.epoch)
    return entry


def _other_devices(core: Core, tx: Connection, group: Group) -> StagedCommit | None:
    del tx
    found = standing.standing_of(group)
    others = [m.index for m in found.people.of(core.account.did) if m.index != group.own_index]
    return standing.staged(core, group, found.policy, found.policy, others) if others else None


def _end(core: Core, tx: Connection, room: bytes) -> None:
    """Close a room in which nobody is left whom we could tell; its keys go."""
    found = rooms.find(tx, room)
    if found is not None:
        outbox.drop_commit(tx, room)
        core.groups.forget(tx, room)
        rooms.update(tx, ended(found, leavings.LEFT))
    leavings.end(tx, room)
    leavings.departed(tx, room)

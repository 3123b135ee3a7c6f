"""What people ask about history: to invite with it, to give it later, to limit it for a room."""

from collections.abc import Callable
from dataclasses import replace

from sqlcipher3.dbapi2 import Connection

from yurt.client.api import PersonView
from yurt.client.calls import EngineCalls, Nothing
from yurt.client.core import Core
from yurt.client.history.calls import GiveHistory, GivenView, InviteWithHistory, LimitHistory
from yurt.client.people import People
from yurt.client.rooms.commit import Committer
from yurt.client.rooms.invite import invite
from yurt.client.rooms.send import open_room
from yurt.client.rooms.standing import commit, find_participant, staged, standing_of
from yurt.client.vault import cursors, history
from yurt.client.vault.history import ALL_ALLOWED, Grant
from yurt.mls.group import Group
from yurt.mls.staging import StagedCommit
from yurt.rooms.common.history import ALL, oldest_allowed
from yurt.rooms.common.participants import Standing
from yurt.wire.frames import room_log
from yurt.wire.problems import ProblemError, refuse


class AskedHistory:
    """Answers the calls."""

    def __init__(self, core: Core, people: People, committer: Committer, look: Callable[[], None]) -> None:
        self._core = core
        self._people = people
        self._committer = committer
        self._look = look

    def calls(self) -> EngineCalls:
        """What is answered here."""
        return {InviteWithHistory: self.invite, GiveHistory: self.give, LimitHistory: self.limit}

    async def invite(self, call: InviteWithHistory) -> PersonView:
        """Add somebody, and give them what the room allows."""
        core, room = self._core, call.room
        met = await self._people.meet(call.address)

        def unit(tx: Connection) -> None:
            if not _standing(core, tx, room).policy.history:
                raise _gives_nothing()
            history.choose(tx, room, met.pin.did, ALL_ALLOWED)

        await core.write(unit)
        try:
            return await invite(core, self._people, self._committer, room, call.address)
        except ProblemError:
            await core.write(lambda tx: history.choose_nothing(tx, room, met.pin.did))
            raise

    async def give(self, call: GiveHistory) -> GivenView:
        """Give somebody who is in the room already what the room allows."""
        core = self._core

        def unit(tx: Connection) -> int:
            standing, now_ms = _standing(core, tx, call.room), core.clock.now_ms()
            did = find_participant(tx, standing, call.address)
            since = 0 if did == core.account.did else oldest_allowed(standing.policy, now_ms)
            if since >= now_ms:
                raise _gives_nothing()
            history.choose(tx, call.room, did, since)
            before, own = cursors.load(tx, room_log(call.room)).head, core.device.keys.device_id
            devices = [leaf for member in standing.people.of(did) if (leaf := member.leaf).device_id != own]
            for leaf in devices:
                history.end_grant(tx, call.room, did, leaf.device_id)
                history.grant(tx, Grant(call.room, did, leaf.device_id, since, before))
            return len(devices)

        devices = await core.write(unit)
        self._look()
        return GivenView(devices=devices)

    async def limit(self, call: LimitHistory) -> Nothing:
        """Change how far back joiners may be given history."""
        core, seconds = self._core, min(max(call.seconds, 0), ALL)

        def stage(_tx: Connection, group: Group) -> StagedCommit | None:
            policy = standing_of(group).policy
            if policy.history == seconds:
                return None
            return staged(core, group, policy, replace(policy, history=seconds))

        await commit(core, self._committer, call.room, "history", stage)
        return Nothing()


def _standing(core: Core, tx: Connection, room: bytes) -> Standing:
    open_room(tx, room)
    return standing_of(core.groups.load(tx, room))


def _gives_nothing() -> ProblemError:
    return refuse(
        "notAllowed", "this room gives joiners no history; an admin can change that: yurt room history"
    )

"""Letting people in who hold a link: take what the hub lends, check it, add them all in one commit (TRUST 6).

Any member may, and their client does by itself: the maker of the link decided it when making the link. What
the hub hands over is checked here as if the hub were the attacker; a request that does not prove itself is
left out and spoils nothing for the others.
"""

from collections.abc import Sequence
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.errors import ClientError
from yurt.client.room_tasks import RoomTasks
from yurt.client.rooms import standing
from yurt.client.rooms.commit import Committer
from yurt.client.vault import leavings, rooms
from yurt.mls.group import Group
from yurt.mls.staging import StagedCommit
from yurt.rooms.common.card import RoomCard
from yurt.rooms.common.commit_data import MAX_JOIN_PROOFS
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.join_request import Applicant, JoinRequest, select, uses_of
from yurt.rooms.common.participants import Standing
from yurt.rooms.common.policy_changes import after_joins
from yurt.wire.frames import room_log
from yurt.wire.link_commands import LentRequests, TakeRequests
from yurt.wire.problems import ProblemError

ROUNDS: Final = 20
"""Commits of one look: whoever still waits then is lent again."""


class Answering:
    """Adds people who asked to join."""

    def __init__(self, core: Core, committer: Committer) -> None:
        self._core = core
        self._committer = committer
        self._tasks = RoomTasks("adding people to a room", self._work)

    def look(self, room: bytes) -> None:
        """Ask the hub whether somebody waits, and add them."""
        self._tasks.look(room)

    async def close(self) -> None:
        """Stop: what was lent goes to somebody else."""
        await self._tasks.close()

    async def _work(self, room: bytes) -> None:
        try:
            for _ in range(ROUNDS):
                if not await self._core.vault.read(lambda tx: _may_add(tx, room)):
                    return
                lent = await self._core.session.call(TakeRequests(room), LentRequests)
                if not lent.requests or not await self._add(room, lent.requests):
                    return
        except (ProblemError, ClientError):
            return  # the hub lends them to the next one, or to us when we are back

    async def _add(self, room: bytes, requests: Sequence[bytes]) -> bool:
        """Add whom we can; whether that was anybody."""
        core, added = self._core, False

        def stage(tx: Connection, group: Group) -> StagedCommit | None:
            nonlocal added
            found = standing.standing_of(group)
            chosen = select(_applicants(requests, found, room, core.clock.now_ms()), found, MAX_JOIN_PROOFS)
            added = bool(chosen)
            return _staged(core, tx, group, found, chosen) if chosen else None

        async with core.lock(room):
            try:
                await self._committer.commit(room, "join", stage)
            except ProblemError as error:
                if error.problem.kind.retry or not core.session.is_live(room_log(room)):
                    raise
                if len(requests) == 1:
                    return False
            else:
                return added
        # Something in it is not to the room's taste: the others must not suffer for it.
        half = len(requests) // 2
        first = await self._add(room, requests[:half])
        return await self._add(room, requests[half:]) or first


def _may_add(tx: Connection, room: bytes) -> bool:
    found = rooms.find(tx, room)
    return found is not None and found.state == "active" and leavings.find(tx, room) is None


def _applicants(requests: Sequence[bytes], found: Standing, room: bytes, now_ms: int) -> list[Applicant]:
    """Read what the hub handed over; leave out what does not prove itself."""
    applicants: list[Applicant] = []
    for data in requests:
        try:
            applicants.append(JoinRequest.decode(data).check(found, room, now_ms))
        except Refused:
            continue
    return applicants


def _staged(
    core: Core, tx: Connection, group: Group, found: Standing, chosen: list[Applicant]
) -> StagedCommit:
    room = rooms.find(tx, group.group_id)
    card = RoomCard(room.name, room.topic) if room else RoomCard("")
    after = after_joins(found.policy, uses_of(chosen, found))
    return standing.staged(core, group, found.policy, after, joins=chosen, card=card)

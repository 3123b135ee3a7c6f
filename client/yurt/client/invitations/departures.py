"""Taking out people who want to leave: somebody commits what they proposed (TRUST 3).

Before the next message of this device, and at latest 60 s after the proposal, at a random moment: moderators
and above first, then the others, and last whoever is leaving too (two who leave at once take each other out).
"""

import asyncio
import random
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.errors import ClientError
from yurt.client.room_tasks import RoomTasks
from yurt.client.rooms import standing
from yurt.client.rooms.commit import Committer
from yurt.client.vault import leavings, rooms
from yurt.mls.group import Group
from yurt.mls.proposals import SelfRemove
from yurt.mls.staging import StagedCommit
from yurt.rooms.common.leaving import COMMIT_WITHIN_MS
from yurt.rooms.common.policy import Role
from yurt.rooms.common.policy_changes import without
from yurt.wire.problems import ProblemError

Span = tuple[float, float]
MODERATORS_S: Final[Span] = (1.0, 15.0)
MEMBERS_S: Final[Span] = (15.0, 45.0)
LEAVERS_S: Final[Span] = (45.0, COMMIT_WITHIN_MS / 1000)


async def commit_departures(core: Core, committer: Committer, room: bytes) -> None:
    """Commit whatever waits of others' wishes to leave; the caller holds the room's lock.

    Raises:
        ProblemError: See `Committer.commit`.
    """
    if await core.vault.read(lambda tx: leavings.departure(tx, room)) is None:
        return

    def stage(tx: Connection, group: Group) -> StagedCommit | None:
        found, leaves = standing.standing_of(group), _leaves(group)
        if not leaves:
            leavings.departed(tx, room)
            return None
        gone = [
            did for did in found.people.dids if all(member.index in leaves for member in found.people.of(did))
        ]
        after = without(found.policy, gone) if gone else found.policy
        return standing.staged(core, group, found.policy, after, references=tuple(leaves.values()))

    await committer.commit(room, "departure", stage)


class Departures:
    """Commits them in time."""

    def __init__(self, core: Core, committer: Committer) -> None:
        self.moderators, self.members, self.leavers = MODERATORS_S, MEMBERS_S, LEAVERS_S
        """When they do, in seconds after they heard of it: at random, between the two."""
        self._core = core
        self._committer = committer
        self._tasks = RoomTasks("taking somebody out who leaves", self._work)

    async def look(self, room: bytes) -> None:
        """See whether somebody wants to leave a room that was just read to its head."""
        since = await self._core.vault.read(lambda tx: leavings.departure(tx, room))
        if since is not None:
            self._tasks.begin(room)

    async def close(self) -> None:
        """Stop; the vault knows who wants to leave."""
        await self._tasks.close()

    async def _work(self, room: bytes) -> None:
        core = self._core
        # On the writer's thread: only it touches the groups.
        span = await core.vault.write(lambda tx: self._span(tx, room))
        await asyncio.sleep(random.uniform(*span))  # noqa: S311  # spreads commits, keeps no secret
        try:
            async with core.lock(room):
                await commit_departures(core, self._committer, room)
        except (ProblemError, ClientError):
            return  # the next row, or the next stream, looks again

    def _span(self, tx: Connection, room: bytes) -> Span:
        found = rooms.find(tx, room)
        if found is None or found.state != "active":
            return 0.0, 0.0
        if leavings.find(tx, room) is not None:
            return self.leavers
        role = standing.standing_of(self._core.groups.load(tx, room)).role(self._core.account.did)
        return self.moderators if role >= Role.MODERATOR else self.members


def _leaves(group: Group) -> dict[int, bytes]:
    """Leaves that want to go, others' only, each with the name of one proposal."""
    return {
        pending.author: pending.reference
        for pending in group.proposals
        if type(pending.proposal) is SelfRemove
        and pending.author is not None
        and pending.author != group.own_index
    }

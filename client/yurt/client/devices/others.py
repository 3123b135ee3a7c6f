"""Somebody else revoked a device: their own devices take it out of each room, and if they do not, we do.

====================== =============================== ==================================================
state                  what moves it                   to
====================== =============================== ==================================================
(nothing)              a record that revokes, of       kept, in the transaction of the inbox row
                       somebody in a room of ours
kept                   a minute                        looked once: every room where a device is left
looked once            a quarter of an hour            forgotten: also where no device of theirs is left
either                 a room cannot be reached        the same, a little later
====================== =============================== ==================================================

One row and one timer for each person, however often they revoke; a restart forgets nothing.
"""

import random
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.devices import each_room
from yurt.client.errors import ClientError
from yurt.client.rooms.commit import Committer
from yurt.client.soon import Soon
from yurt.client.vault import revocations, rooms
from yurt.client.vault.revocations import Revocation
from yurt.identity.signed_record import SignedRecord, VerifiedRecord, verify_record
from yurt.wire.problems import ProblemError

OTHERS_S: Final = (30.0, 90.0)
"""When somebody else's revocation is carried out here, if their own devices have not: not all at once."""
LAST_S: Final = (600.0, 900.0)
"""The same where no device of theirs would be left: who comes back with the phrase needs a while for it."""
AGAIN_S: Final = (60.0, 180.0)
"""When a room that could not be reached is tried again."""


def keep(tx: Connection, record: VerifiedRecord, now_ms: int) -> None:
    """Keep a record that revokes, if its person is in a room of ours."""
    if record.record.revoked and _rooms_with(tx, record.did):
        seq, signed = record.record.seq, record.signed.encode()
        revocations.hear(tx, Revocation(record.did, seq, signed, now_ms + _some_ms(OTHERS_S)))


class OthersRevocations:
    """Carries out what was kept."""

    def __init__(self, core: Core, committer: Committer) -> None:
        self._core = core
        self._committer = committer
        self._soon = Soon("a revocation", self._work)

    async def start(self) -> None:
        """Go on with what was kept, not at once: everybody who was cut off comes back at the same time."""
        for did in await self._core.vault.read(revocations.waiting):
            self._soon.look(did.encode(), random.uniform(*OTHERS_S))  # noqa: S311  # spreads commits

    def heard(self, did: str) -> None:
        """Hear that somebody has a newer record."""
        self._soon.look(did.encode())

    async def close(self) -> None:
        """End; what is left is seen again at the next start."""
        await self._soon.close()

    async def _work(self, key: bytes) -> float:
        """Look at every room, if it is time; returns the seconds until the next look."""
        core, did = self._core, key.decode()
        one = await core.vault.read(lambda tx: revocations.find(tx, did))
        if one is None:
            return 0.0
        left_ms = one.due - core.clock.now_ms()
        if left_ms > 0:
            return left_ms / 1000
        is_last = one.looks > 0
        if not await self._carry_out(one, also_last=is_last):
            return await self._due(one, AGAIN_S, looked=False)
        if not is_last:
            return await self._due(one, LAST_S, looked=True)
        await core.write(lambda tx: revocations.end(tx, one))
        return 0.0

    async def _carry_out(self, one: Revocation, *, also_last: bool) -> bool:
        """Do it in every room; whether all of them could be reached."""
        core, record, reached = self._core, verify_record(SignedRecord.decode(one.record)), True
        for room in await core.vault.read(lambda tx: _rooms_with(tx, one.did)):
            try:
                await each_room.carry_out(core, self._committer, record, room, also_last=also_last)
            except ProblemError as error:
                reached = reached and not error.problem.kind.retry
            except ClientError:
                reached = False
        return reached

    async def _due(self, one: Revocation, within: tuple[float, float], *, looked: bool) -> float:
        wait_ms = _some_ms(within)
        due, note = (
            self._core.clock.now_ms() + wait_ms,
            revocations.looked if looked else revocations.postpone,
        )
        await self._core.write(lambda tx: note(tx, one, due))
        return max(wait_ms, 1) / 1000


def _rooms_with(tx: Connection, did: str) -> list[bytes]:
    active = (room for room in rooms.every(tx) if room.state == "active")
    return [room.room for room in active if did in (each for each, _ in room.people)]


def _some_ms(within: tuple[float, float]) -> int:
    return int(random.uniform(*within) * 1000)  # noqa: S311  # spreads commits, keeps no secret

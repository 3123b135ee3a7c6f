"""The engine's part for what is settled: believes the checkpoints of others, and signs when ours is needed.

At most one a minute and room, after a random while: so that of many who could, few do (TRUST 5).
"""

import random
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.rooms.places import Places
from yurt.client.settled.look import Looked, look
from yurt.client.soon import Soon
from yurt.client.vault import settled
from yurt.identity.did import Did
from yurt.rooms.common.checkpoint import Checkpoint, Seen
from yurt.wire.checkpoint_commands import FetchCheckpoints, GiveCheckpoint, KeptCheckpoints
from yurt.wire.command import Done
from yurt.wire.frames import CheckpointFrame, room_log
from yurt.wire.problems import ProblemError

LOOK_S: Final = 0.2
"""After rows have come: more of them often follow."""
SPREAD_S: Final = 0.1
"""For each device that could sign as well, up to ..."""
MOST_SPREAD_S: Final = 10.0
MOST_WAITING: Final = 1_000
"""Checkpoints of a room that wait to be looked at."""


class Settling:
    """Keeps what is settled."""

    def __init__(self, core: Core, places: Places) -> None:
        self._core = core
        self._places = places
        self._soon = Soon("settling", self._work)
        self._arrived: dict[bytes, list[bytes]] = {}
        self._asked: dict[bytes, int] = {}
        """On which stream the node was asked for what it has."""
        self._waited: set[bytes] = set()
        """Rooms in which the random while before signing is over."""
        core.session.on_checkpoint = self.heard

    async def close(self) -> None:
        """End."""
        await self._soon.close()

    def live(self, room: bytes | None) -> None:
        """Hear that a room has been read to its head."""
        if room is not None:
            self._soon.look(room, LOOK_S)

    def heard(self, frame: CheckpointFrame) -> None:
        """Hear what a device has seen."""
        waiting = self._arrived.setdefault(frame.room, [])
        if len(waiting) < MOST_WAITING:
            waiting.append(frame.checkpoint)
        self._soon.look(frame.room, LOOK_S)

    async def _work(self, room: bytes) -> float:
        core = self._core
        if not core.session.is_live(room_log(room)):
            return 0.0
        await self._ask(room)
        looked = await self._look(room)
        if looked.sign is None:
            self._waited.discard(room)
            return 0.0
        if looked.wait_s > 0:
            return looked.wait_s
        if room not in self._waited:
            self._waited.add(room)
            return random.uniform(0, min(SPREAD_S * looked.voices, MOST_SPREAD_S))  # noqa: S311  # spreads load
        self._waited.discard(room)
        await self._sign(room, looked.sign)
        return 0.0

    async def _ask(self, room: bytes) -> None:
        """Ask once on each stream for what was told while we were away."""
        core = self._core
        if self._asked.get(room) == core.session.streams:
            return
        self._asked[room] = core.session.streams
        try:
            kept = await core.session.call(FetchCheckpoints(room), KeptCheckpoints)
        except ProblemError as error:
            if error.problem.kind.retry:
                del self._asked[room]
            return  # what is told from now on comes by itself
        self._arrived.setdefault(room, []).extend(kept.checkpoints[:MOST_WAITING])

    async def _look(self, room: bytes) -> Looked:
        core, arrived = self._core, self._arrived.pop(room, [])
        now_ms = core.clock.now_ms()
        looked = await core.vault.write(lambda tx: look(tx, core, self._places, room, arrived, now_ms))
        if looked.changed:
            core.bell.ring()
        return looked

    async def _sign(self, room: bytes, seen: Seen) -> None:
        core = self._core
        body = Checkpoint.make(core.device.keys, Did(core.account.did), seen).encode()
        await core.session.call(GiveCheckpoint(room, body), Done)
        now_ms = core.clock.now_ms()

        def note(tx: Connection) -> None:
            settled.note_signed(tx, room, now_ms)

        await core.vault.write(note)
        self._arrived.setdefault(room, []).append(body)
        await self._look(room)

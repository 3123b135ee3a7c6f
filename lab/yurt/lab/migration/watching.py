"""Watching who arrives: while people move, then until nothing changes, then for a month of the map's clock.

At one hour, a day, a week and a month it is counted, as `verify` does.
Times are hours of that clock since the move began. A tie is there in the view of the one who follows, never
because something was sent.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from yurt.client.errors import ClientError
from yurt.client.moving.calls import AskReceipt, MarkView, ReceiptView
from yurt.lab.migration import reasons
from yurt.lab.migration.measures import share_of
from yurt.lab.migration.population import Tie
from yurt.lab.migration.progress import Progress
from yurt.lab.migration.result import Mark
from yurt.lab.migration.scenario import TARGET
from yurt.lab.migration.stage import Stage, alive, patiently
from yurt.lab.world.people import NeverHappened, until
from yurt.wire.problems import ProblemError

HOUR_S: Final = 3_600
MARKS_S: Final = {"1h": HOUR_S, "1d": 24 * HOUR_S, "7d": 7 * 24 * HOUR_S, "30d": 30 * 24 * HOUR_S}
"""When `verify` counts (DESIGN 6), and how the lab calls these times; seconds after the move."""
_POLL_S: Final = 0.3
_DURING_S: Final = 1.0
"""While people move: each look costs every follower's node a question."""
_PAST_S: Final = 2.0
"""So far past a mark, because a lent key ends thirty days after it was lent, not after the Move."""
_COUNTED_S: Final = 60.0
_LENT: Final = "SELECT count(*) FROM lent_key"


@dataclass(slots=True)
class Watched:
    """What was seen."""

    kept: set[Tie] = field(default_factory=set[Tie])
    first: dict[Tie, float] = field(default_factory=dict[Tie, float])
    """Hours after the move began."""
    samples: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """Hours after the move began, and the share of ties that was there."""
    waiting: dict[str, int] = field(default_factory=dict[str, int])
    marks: list[Mark] = field(default_factory=list[Mark])
    lent: dict[str, float | None] = field(default_factory=dict[str, float | None])
    """``lent_keys.*``: old actor keys that the target holds once everybody came, and after a month."""


class Watcher:
    """Looks who is there; made when people begin to move."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._ties = [tie for name in stage.egos for tie in stage.people.of(name)]
        self._began = stage.clock.now()
        self._during: asyncio.Task[None] | None = None
        self.seen = Watched()

    def start(self) -> None:
        """Look now and then, while people move."""
        self._during = asyncio.create_task(self._look_on())

    async def stop(self) -> None:
        """Look no longer of its own accord.

        Raises:
            Exception: What ended the looking, if something did.
        """
        if self._during is not None:
            self._during.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._during
            self._during = None

    async def settle(self) -> None:
        """Look until everybody is there who can come and nothing changes any more, or until time is up."""
        stage, wanted, loop = self._stage, self._stage.scenario.measures, asyncio.get_running_loop()
        hoped = {tie for tie in self._ties if reasons.is_hoped_for(stage, tie)}
        began = last = loop.time()
        while True:
            now, before = loop.time(), self.seen.kept
            await self.look()
            if self.seen.kept != before:
                last = now
            self.seen.waiting = await stage.waiting()
            is_still = not self.seen.waiting and now - last >= wanted.settle_s
            if (is_still and hoped <= self.seen.kept) or now - began >= wanted.within_s:
                return
            await asyncio.sleep(_POLL_S)
            if wanted.hour_s:
                stage.later((loop.time() - now) * HOUR_S / wanted.hour_s)

    async def look(self) -> None:
        """Look once."""
        hours = (self._stage.clock.now() - self._began) / HOUR_S
        kept = await self._stage.arrived(self._ties)
        for tie in kept:
            self.seen.first.setdefault(tie, hours)
        self.seen.kept = kept
        self.seen.samples.append((hours, len(kept) / len(self._ties) if self._ties else 1.0))

    async def play_marks(self, progress: Progress) -> None:
        """Let an hour, a day, a week and a month go by, and count at each, as `verify` does.

        Raises:
            NeverHappened: A node did not count at a mark.
        """
        stage = self._stage
        self.seen.lent["lent_keys.before"] = float(await self._lent())
        moved = max(view.moved for view in (await receipts(stage)).values())
        for number, (name, after_s) in enumerate(MARKS_S.items()):
            progress.part(number, len(MARKS_S))
            stage.later(max(0.0, moved + after_s - stage.clock.now()) + _PAST_S)

            async def counted(after_s: int = after_s) -> list[MarkView] | None:
                found = [_mark(view, after_s) for view in (await receipts(stage)).values()]
                return found if all(mark.at for mark in found) else None

            marks = await until(counted, f"it is counted after {name}", within=_COUNTED_S)
            await self.look()
            self.seen.marks.append(self._counted(name, after_s, marks))
        with contextlib.suppress(NeverHappened):  # then it is counted how many are left
            await until(self._has_erased, "the lent keys are erased", within=_COUNTED_S)
        self.seen.lent["lent_keys.after"] = float(await self._lent())
        self.seen.waiting = await self._waiting_no_more()

    def _counted(self, name: str, after_s: int, marks: Iterable[MarkView]) -> Mark:
        followers = [tie for tie in self._ties if tie.followed in self._stage.egos]
        return Mark(
            name=name,
            after_h=after_s / HOUR_S,
            counted=sum(mark.arrived for mark in marks),
            followers=share_of(tie in self.seen.kept for tie in followers),
            all=share_of(tie in self.seen.kept for tie in self._ties),
        )

    async def _look_on(self) -> None:
        while True:
            with contextlib.suppress(ProblemError, ClientError):  # who is busy is asked again
                await self.look()
            await asyncio.sleep(_DURING_S)

    async def _lent(self) -> int:
        return await asyncio.to_thread(_count_lent, self._stage.world.nodes[TARGET].data / "node.db")

    async def _has_erased(self) -> bool:
        return not await self._lent()

    async def _waiting_no_more(self) -> dict[str, int]:
        """What waits still, after it had time to go out."""

        async def empty() -> bool:
            return not await self._stage.waiting()

        with contextlib.suppress(NeverHappened):
            await until(empty, "the queues are empty", within=self._stage.scenario.measures.within_s)
        return await self._stage.waiting()


async def receipts(stage: Stage) -> dict[str, ReceiptView]:
    """The receipts of those who moved as themselves, by name."""
    if not reasons.can_prove(stage):
        return {}
    found = dict[str, ReceiptView]()
    for name, ego in stage.egos.items():
        engine = alive(ego).engine
        found[name] = await patiently(partial(engine.call, AskReceipt(), ReceiptView))
    return found


def _mark(view: ReceiptView, after_s: int) -> MarkView:
    return next(mark for mark in view.marks if mark.after_s == after_s)


def _count_lent(database: Path) -> int:
    """Count the lent keys of a node, as its operator could; nothing is written."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        return int(db.execute(_LENT).fetchone()[0])

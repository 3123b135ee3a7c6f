"""Counting who arrived after a move, and erasing keys whose time is over, lent ones and retired ones.

What was sent proves nothing. At one hour, a day, a week and a month those are counted who follow here since
the Move.
"""

import asyncio
import logging
from functools import partial
from typing import Final

from yurt.node.clock import Clock
from yurt.node.dispatcher import Context, Handlers
from yurt.node.people.move_checks import account_of
from yurt.node.store import moves, moving, retired_keys
from yurt.node.store.types import ReadTx, Store, StoreError, Tx
from yurt.wire.command import Done
from yurt.wire.move_commands import MoveMark, MoveState, MoveView, WatchMove
from yurt.wire.problems import refuse

EVERY_S: Final = 5.0
SOON_S: Final = 1.0
"""How often it is looked whether something is to be counted or erased; clocks jump, so nothing is waited for.

More often while somebody's arrivals are counted, or a key is held."""

_log = logging.getLogger(__name__)


class MoveWatch:
    """Counts and erases what is due."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {WatchMove.name: self.watch_move, MoveState.name: self.move_state}

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="moves' marks")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def watch_move(self, context: Context, command: WatchMove) -> Done:
        """Count who arrives, from the Move on."""
        who = context.who
        start = min(command.start, self._clock.now_s())

        def unit(tx: Tx) -> None:
            account = account_of(tx, who.account)
            if command.previous not in moves.aliases(tx, account.name):
                raise refuse("refused", "nobody moved here from there", rule="noAlias")
            moving.watch(tx, account.id, start, command.previous)

        await self._store.write(unit)
        return Done()

    async def move_state(self, context: Context, command: MoveState) -> MoveView:  # noqa: ARG002  # handlers' shape
        """Where the move stands."""
        name = context.who.account

        def query(tx: ReadTx) -> MoveView:
            waiting, aside = moving.queue_of(tx, name)
            lent = moving.lent_key(tx, name)
            return MoveView(
                moved_to=moves.moved_to(tx, name),
                aliases=moves.aliases(tx, name),
                waiting=waiting,
                set_aside=aside,
                key_until=lent.until if lent else 0,
                marks=tuple(MoveMark(*mark) for mark in moving.marks_of(tx, name)),
            )

        return await self._store.read(query)

    async def look(self) -> None:
        """Count and erase what is due now.

        Raises:
            StoreError: it is due still.
        """
        now_s = self._clock.now_s()
        for mark in await self._store.read(lambda tx: moving.due_marks(tx, now_s)):
            await self._store.write(partial(moving.count_arrivals, mark=mark, now_s=now_s))
        if erased := await self._store.write(lambda tx: moving.erase_old_keys(tx, now_s)):
            _log.info("%d lent keys are erased", len(erased))
        if spent := await self._store.write(lambda tx: retired_keys.erase_spent(tx, now_s)):
            _log.info("%d retired actor keys are erased", spent)

    async def _run(self) -> None:
        while True:
            waits = False
            try:
                if await self._store.read(lambda tx: _anything_due(tx, self._clock.now_s())):
                    await self.look()
                waits = await self._store.read(_anything_waits)
            except StoreError:
                _log.warning("moves could not be looked at; it is tried again")
            await asyncio.sleep(SOON_S if waits else EVERY_S)


def _anything_due(tx: ReadTx, now_s: int) -> bool:
    """Whether something is to be counted or erased now."""
    return moving.anything_due(tx, now_s) or retired_keys.any_spent(tx, now_s)


def _anything_waits(tx: ReadTx) -> bool:
    """Whether something will be."""
    return moving.anything_waits(tx) or retired_keys.any_retired(tx)

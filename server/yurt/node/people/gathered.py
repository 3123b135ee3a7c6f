"""Small units of work that come in crowds (activities that arrived, deliveries that ended): written together.

A commit takes its time whatever is in it, and each unit costs two threads a turn. So one alone is written at
once; those that come within the next milliseconds wait, and then share one unit. One that fails undoes the
others of its unit, so then each is written by itself.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeVar, cast

from yurt.node.store.types import Store, StoreError, Tx

APART_S: Final = 0.008
"""Between the beginnings of two units, so that they are worth their commit."""
MAX_TOGETHER: Final = 64
"""Of them in one unit: everybody else waits for it."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Waiting:
    unit: Callable[[Tx], Any]
    answer: "asyncio.Future[Any]"


class Gathered:
    """Writes units of work, several in one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None

    async def write(self, unit: Callable[[Tx], T]) -> T:
        """Run a unit; return its result once it is durable.

        Raises:
            StoreError: Nothing of it was kept.
        """
        waiting = _Waiting(unit, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="gathered units")
        return cast("T", await waiting.answer)

    async def _run(self) -> None:
        """Write until nothing waits."""
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                began = loop.time()
                together = list(islice(self._waiting, MAX_TOGETHER))
                for _ in together:
                    self._waiting.popleft()
                await self._write(together)
                await asyncio.sleep(max(0.0, began + APART_S - loop.time()))
        finally:
            self._task = None

    async def _write(self, together: Sequence[_Waiting]) -> None:
        try:
            results = await self._store.write(lambda tx: [one.unit(tx) for one in together])
        except StoreError as error:
            _refuse(together, error)
        except Exception as error:  # noqa: BLE001  # whatever a unit raises belongs to its caller alone
            if len(together) == 1:
                return _refuse(together, error)
            for one in together:
                await self._write([one])
        else:
            _answer(together, results)


def _answer(together: Sequence[_Waiting], results: Sequence[object]) -> None:
    for one, result in zip(together, results, strict=True):
        if not one.answer.done():  # else its caller went away; the unit stands all the same
            one.answer.set_result(result)


def _refuse(together: Sequence[_Waiting], error: Exception) -> None:
    for one in together:
        if not one.answer.done():
            one.answer.set_exception(error)

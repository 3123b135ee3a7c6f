"""Work on one room, a little later: however often it is asked for, once at a time, at the first time asked.

soon = Soon("settling", work)       # work(room) returns the seconds until it wants to be called again, or 0
soon.look(room, 0.2)
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from yurt.client.alarm import Alarm
from yurt.client.errors import ClientError
from yurt.wire.problems import ProblemError

Work = Callable[[bytes], Awaitable[float]]
AFTER_TROUBLE_S = 10.0


class Soon:
    """Calls work on rooms."""

    def __init__(self, name: str, work: Work) -> None:
        self._name = name
        self._work = work
        self._alarms: dict[bytes, Alarm] = {}
        self._tasks: dict[bytes, asyncio.Task[float]] = {}
        self._again: dict[bytes, float] = {}
        self._closed = False

    def look(self, room: bytes, within: float = 0.0) -> None:
        """Call the work on a room after so many seconds, or sooner if that was asked before."""
        if self._closed:
            return
        if room in self._tasks:
            self._again[room] = min(self._again.get(room, within), within)
            return
        if room not in self._alarms:
            self._alarms[room] = Alarm(partial(self._start, room))
        self._alarms[room].within(within)

    async def close(self) -> None:
        """Call nothing more, and end what runs."""
        self._closed = True
        for alarm in self._alarms.values():
            alarm.cancel()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, room: bytes) -> None:
        self._alarms.pop(room, None)
        task = self._tasks[room] = asyncio.create_task(self._run(room), name=f"{self._name} {room.hex()[:8]}")
        task.add_done_callback(lambda done: self._ended(room, done))

    async def _run(self, room: bytes) -> float:
        try:
            return await self._work(room)
        except ProblemError as error:
            problem = error.problem
            return max(problem.retry_after or 0.0, AFTER_TROUBLE_S) if problem.kind.retry else 0.0
        except ClientError:
            return 0.0  # the stream is gone; the next one looks again

    def _ended(self, room: bytes, task: "asyncio.Task[float]") -> None:
        self._tasks.pop(room, None)
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            context = {"message": f"{self._name} of a room ended", "exception": error}
            task.get_loop().call_exception_handler(context)
            return
        again, wait = self._again.pop(room, None), task.result()
        if again is not None:
            self.look(room, again)
        if wait > 0:
            self.look(room, wait)

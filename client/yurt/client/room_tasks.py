"""Work in the background, at most one task of a kind for each room."""

import asyncio
from collections.abc import Awaitable, Callable

Work = Callable[[bytes], Awaitable[None]]
"""Does what there is to do for a room; takes its id."""


class RoomTasks:
    """The tasks of one kind of work, at most one for each room."""

    def __init__(self, what: str, work: Work) -> None:
        """Take what is to be done.

        Args:
            what: Names the work, where a task or a failure is told.
            work: Does it.
        """
        self._what = what
        self._work = work
        self._tasks: dict[bytes, asyncio.Task[None]] = {}
        self._again: set[bytes] = set()

    def look(self, room: bytes) -> None:
        """Do the work for a room now, or once more when what runs has ended."""
        if room in self._tasks:
            self._again.add(room)
        else:
            self.begin(room)

    def begin(self, room: bytes) -> None:
        """Do the work for a room, unless that is under way."""
        if room in self._tasks:
            return
        task = self._tasks[room] = asyncio.create_task(self._do(room), name=f"{self._what} {room.hex()[:8]}")
        task.add_done_callback(lambda done: self._ended(room, done))

    async def close(self) -> None:
        """Stop all of it."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _do(self, room: bytes) -> None:
        await self._work(room)

    def _ended(self, room: bytes, task: "asyncio.Task[None]") -> None:
        del self._tasks[room]
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            context = {"message": f"{self._what} failed", "exception": error}
            task.get_loop().call_exception_handler(context)
        elif room in self._again:
            self._again.discard(room)
            self.look(room)

"""Where CPU work goes (Argon2id, RSA): two threads and a bounded queue, so that the loop never waits.

More than the queue holds is refused at once with `overloaded`: better an honest 503 than a sign-in that
hangs (DESIGN 4, "bounded queues").
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from yurt.wire.problems import refuse

THREADS: Final = 2
QUEUE: Final = 32
_RETRY_S: Final = 2.0

T = TypeVar("T")


class WorkPool:
    """A bounded pool of threads for CPU work that releases the interpreter's lock."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="work")
        self._waiting = 0

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` in a thread and return its answer.

        Raises:
            ProblemError: `overloaded`, without having started anything.
        """
        if self._waiting >= QUEUE + THREADS:
            raise refuse("overloaded", "this node is busy; try again in a moment", retry_after=_RETRY_S)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Take no more work; what has begun ends."""
        self._executor.shutdown(wait=False, cancel_futures=True)

"""Work that is asked for from many places is done once, at the earliest time."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest
import uvloop

from yurt.client.alarm import Alarm
from yurt.client.soon import Soon

LOOPS = pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])

Loop = Callable[[], asyncio.AbstractEventLoop]


def _run(story: Coroutine[None, None, None], new_loop: Loop) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(story)


@LOOPS
def test_earliest_counts(new_loop: Loop) -> None:
    """However often an alarm is set, it rings once, at the earliest time; and then can be set again."""

    async def story() -> None:
        rung = asyncio.Queue[str]()
        alarm = Alarm(lambda: rung.put_nowait("rung"))
        for delay in (3600.0, 0.0, 0.0, 7200.0):
            alarm.within(delay)
        await rung.get()
        alarm.within(0.0)
        await rung.get()
        alarm.within(0.0)
        alarm.cancel()
        await asyncio.sleep(0.01)

        assert rung.empty()

    _run(story(), new_loop)


@LOOPS
def test_work_asked_twice(new_loop: Loop) -> None:
    """A room that is looked at twice at once is worked on once; a look during the work, once more."""

    async def story() -> None:
        worked = asyncio.Queue[bytes]()

        async def work(room: bytes) -> float:
            if worked.empty():
                soon.look(room)
            worked.put_nowait(room)
            return 0.0

        soon = Soon("looking", work)
        for _ in range(3):
            soon.look(b"harbour")
        while worked.qsize() < 2:  # noqa: ASYNC110  # each turn of the loop is one step of the work
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        await soon.close()

        assert worked.qsize() == 2

    _run(story(), new_loop)

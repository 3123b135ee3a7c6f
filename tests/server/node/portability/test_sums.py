"""What an account carries has a sum, and what is done is forgotten: nobody fills a disk with jobs."""

import msgspec
import pytest

from yurt.node.http.doors import decode_command
from yurt.node.limiter import Limiter
from yurt.node.portability.row_sums import RowSums
from yurt.node.portability.sweeping import Sweeping
from yurt.node.portability.testing import Bench
from yurt.node.store import jobs, lists
from yurt.node.store.types import Tx
from yurt.portability.csv_rows import CsvKind
from yurt.wire.command import Command
from yurt.wire.portability_commands import JobItem, JobRows, StartJob
from yurt.wire.problems import ProblemError

DAY_MS = 86_400_000
BOOKMARK = JobItem(CsvKind.BOOKMARKS.value, "https://hilltop.example/notes/1")


def follow(name: str) -> JobItem:
    return JobItem(CsvKind.FOLLOWING.value, f"{name}@hilltop.example")


async def names(bench: Bench) -> list[str]:
    """Names of the jobs that are remembered."""
    return [head.state for head in await bench.store.read(lambda tx: jobs.jobs_of(tx, "ana", 10))]


async def test_what_ended_thirty_days_ago_is_forgotten(bench: Bench) -> None:
    """A job and its rows go thirty days after the last of them; what they did stays."""
    await bench.start(BOOKMARK)
    await bench.run()
    sweeping = Sweeping(bench.store, bench.clock)

    await sweeping.sweep()
    bench.clock.ahead_ms = 29 * DAY_MS
    await sweeping.sweep()
    assert await names(bench) == ["running"]
    bench.clock.ahead_ms = 31 * DAY_MS
    await sweeping.sweep()

    assert await names(bench) == []
    assert await bench.store.read(lambda tx: tx.rows("SELECT 1 FROM job_row")) == []
    assert len(await bench.store.read(lambda tx: lists.bookmarks(tx, 1, 0, 10))) == 1


async def test_what_waits_is_never_forgotten(bench: Bench) -> None:
    """A job that rests, or that goes on after its end, begins its thirty days anew."""
    bench.book.add("bo@hilltop.example")
    await bench.start(BOOKMARK)
    await bench.run()
    sweeping = Sweeping(bench.store, bench.clock)
    await sweeping.sweep()

    bench.clock.ahead_ms = 20 * DAY_MS
    await bench.start(follow("bo"))
    await bench.store.write(lambda tx: jobs.set_state(tx, 1, "paused"))
    for days in (21, 60, 400):
        bench.clock.ahead_ms = days * DAY_MS
        await sweeping.sweep()

    assert await names(bench) == ["paused"]
    assert len(await bench.rows()) == 2


async def test_a_job_that_nobody_handed_over_whole_is_forgotten_too(bench: Bench) -> None:
    """Pages without an end are swept like everything else."""
    await bench.start(follow("bo"))
    await bench.store.write(lambda tx: jobs.set_state(tx, 1, "filling"))
    bench.clock.ahead_ms = 31 * DAY_MS

    await Sweeping(bench.store, bench.clock).sweep()

    assert await names(bench) == []


async def test_an_account_has_a_sum_of_rows(bench: Bench) -> None:
    """Whoever has brought as much as may be kept brings nothing more until something went."""
    sums = RowSums(bench.store, Limiter(), most=10)

    async def bring(first: int, count: int) -> None:
        await sums.take("ana", count)

        def unit(tx: Tx) -> None:
            for number in range(first, first + count):
                lists.put_bookmark(tx, 1, f"https://hilltop.example/notes/{number}")

        await bench.store.write(unit)

    await bring(0, 6)
    await bring(6, 4)
    with pytest.raises(ProblemError) as refused:
        await bring(10, 1)
    assert (refused.value.problem.code, refused.value.problem.detail["limit"]) == ("tooMany", 10)
    await bench.store.write(lambda tx: lists.drop_bookmark(tx, 1, "https://hilltop.example/notes/0"))
    await bring(10, 1)
    # What was taken for rows that were there already is counted right again when it matters.
    await bench.store.write(lambda tx: tx.change("DELETE FROM bookmark"))
    await bring(11, 10)


@pytest.mark.parametrize(
    "command",
    [
        StartJob(bytes(16), "import", (msgspec.structs.replace(follow("bo"), languages=("x" * 36,)),)),
        StartJob(bytes(16), "import", (msgspec.structs.replace(follow("bo"), languages=("de",) * 201),)),
        JobRows(bytes(16), states=("dead",) * 9),
    ],
)
def test_a_row_says_only_so_much(command: Command) -> None:
    """Rows are counted, so none of them may be as long as a thousand; and a question has an end."""
    with pytest.raises(ProblemError) as refused:
        decode_command(msgspec.json.encode(command), type(command))

    assert refused.value.problem.code == "badRequest"

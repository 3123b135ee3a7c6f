"""An import that was begun goes on: what it has come to is not done again."""

from typing import Any

import pytest

from yurt.client.portability.importing import begun_job
from yurt.wire.portability_commands import JobState, JobStatus, JobView, PauseJob
from yurt.wire.problems import refuse

JOB = bytes(16)


class Node:
    """Knows one job, or none."""

    def __init__(self, state: JobState | None) -> None:
        self.state: JobState | None = state
        self.asked = list[object]()

    async def call(self, command: object, shape: object) -> Any:  # noqa: ANN401  # as sessions are typed
        del shape
        self.asked.append(command)
        if self.state is None:
            raise refuse("notFound", "there is no such job")
        return JobView(job=JOB, kind="import", state=self.state, total=2, counts={"dead": 1, "queued": 1})


@pytest.mark.parametrize("state", ["paused", "running"])
async def test_a_paused_import_goes_on(state: JobState) -> None:
    """The same command lets it run again, and hands over no row: a row that has ended would begin anew."""
    node = Node(state)

    assert await begun_job(node, JOB) is not None
    assert node.asked == [JobStatus(JOB), PauseJob(JOB, paused=False)]


@pytest.mark.parametrize("state", [None, "filling", "done"])
async def test_what_was_not_begun_or_has_ended_begins(state: JobState | None) -> None:
    """A job that is unknown, was not handed over whole, or is done takes its rows (again)."""
    node = Node(state)

    assert await begun_job(node, JOB) is None
    assert node.asked == [JobStatus(JOB)]

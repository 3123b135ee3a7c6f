"""Jobs between real nodes: rows come to what they should, once, in the order that protects people."""

import hashlib

import pytest

from yurt.node.testing import Client, Town, until
from yurt.portability.csv_rows import CsvKind
from yurt.wire.command import Done
from yurt.wire.list_commands import AddToList, CreateList, DropList, Lists, RemoveFromList, ShowList
from yurt.wire.people_commands import Accept, Follow, Followers, Following, Lock, Requests
from yurt.wire.portability_commands import JobItem, JobRows, JobStatus, JobView, PauseJob, Portable, StartJob
from yurt.wire.problems import ProblemError

FOLLOWING, BLOCKS = CsvKind.FOLLOWING.value, CsvKind.BLOCKS.value


def job(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]


def follow(address: str, **more: object) -> JobItem:
    return JobItem(FOLLOWING, address, **more)  # type: ignore[arg-type]  # fields of a row


async def done(client: Client, name: bytes) -> dict[str, int]:
    """Wait until nothing of a job waits; its counts."""
    view: JobView = await client.call(JobStatus(name))

    async def look() -> bool:
        nonlocal view
        view = await client.call(JobStatus(name))
        return view.state == "done"

    await until(look)
    return view.counts


async def states(client: Client, name: bytes) -> dict[str, tuple[str, str]]:
    page = await client.call(JobRows(name))
    return {row.address: (row.state, row.reason) for row in page.rows}


async def test_an_import_follows_people_here_and_elsewhere_once(town: Town) -> None:
    """Three imports of one file are one: nobody is asked twice."""
    ana = await town.join("ana", "harbour.example")
    bo = await town.join("bo", "hilltop.example")
    await town.join("cy", "harbour.example")
    rows = (follow("bo@hilltop.example"), follow("Cy@harbour.example"), follow("ana@harbour.example"))

    for name in ("one", "two", "three"):
        await ana.call(StartJob(job(name), "import", rows))
        await done(ana, job(name))

    async def accepted() -> bool:
        ties = (await ana.call(Following())).ties
        return sorted((tie.address, tie.state) for tie in ties) == [
            ("bo@hilltop.example", "accepted"),
            ("cy@harbour.example", "accepted"),
        ]

    await until(accepted)
    assert [tie.address for tie in (await bo.call(Followers())).ties] == ["ana@harbour.example"]
    assert await states(ana, job("three")) == {
        "bo@hilltop.example": ("accepted", ""),
        "Cy@harbour.example": ("accepted", ""),
        "ana@harbour.example": ("skipped", "self"),
    }


async def test_a_locked_account_is_pending_until_it_answers(town: Town) -> None:
    """A follow that waits for somebody is no failure, and no success."""
    ana, bo = await town.join("ana", "harbour.example"), await town.join("bo", "hilltop.example")
    await bo.call(Lock(locked=True))
    await ana.call(AddToList("friends", "bo@hilltop.example"))

    await ana.call(StartJob(job("locked"), "import", (follow("bo@hilltop.example"),)))
    await done(ana, job("locked"))

    async def asked() -> bool:
        return (await states(ana, job("locked")))["bo@hilltop.example"] == ("pending", "locked")

    await until(asked)
    assert (await ana.call(ShowList("friends"))).members[0].accepted is False

    async def arrived() -> bool:
        return bool((await bo.call(Requests())).ties)

    await until(arrived)
    await bo.call(Accept("ana@harbour.example"))

    async def accepted() -> bool:
        await ana.call(JobStatus(job("locked")))
        return (await states(ana, job("locked")))["bo@hilltop.example"] == ("accepted", "")

    await until(accepted)
    assert (await ana.call(ShowList("friends"))).members[0].accepted is True


async def test_a_block_beats_a_follow_of_the_same_job(town: Town) -> None:
    """Whoever is blocked by an import is never followed by it, whatever its order says."""
    ana, bo = await town.join("ana", "harbour.example"), await town.join("bo", "hilltop.example")
    items = (
        follow("bo@hilltop.example", rank=0),
        JobItem(BLOCKS, "bo@hilltop.example", rank=1000),
        JobItem(BLOCKS, "ghost@hilltop.example"),
        follow("ghost@hilltop.example"),
        JobItem(CsvKind.DOMAIN_BLOCKS.value, "bad.example"),
        follow("eve@sub.bad.example"),
    )

    await ana.call(StartJob(job("blocks"), "import", items))
    await done(ana, job("blocks"))

    found = await ana.call(JobRows(job("blocks")))
    follows = {row.address: (row.state, row.reason) for row in found.rows if row.kind == FOLLOWING}
    assert follows["bo@hilltop.example"] == ("skipped", "blocked")
    assert follows["ghost@hilltop.example"][0] in ("skipped", "dead")
    assert follows["eve@sub.bad.example"] == ("skipped", "blocked")
    assert (await bo.call(Followers())).ties == ()
    blocked = (await ana.call(Portable(BLOCKS))).rows
    assert [row.address for row in blocked] == ["bo@hilltop.example", "ghost@hilltop.example"]
    domains = (await ana.call(Portable(CsvKind.DOMAIN_BLOCKS.value))).rows
    assert [row.address for row in domains] == ["bad.example"]


async def test_a_paused_job_rests_and_goes_on(town: Town) -> None:
    """What is paused asks nobody; resumed, it does the rest."""
    ana = await town.join("ana", "harbour.example")
    await town.join("bo", "hilltop.example")
    name = job("pause")
    await ana.call(StartJob(name, "import", (follow("bo@hilltop.example"),), last=False))
    assert (await ana.call(JobStatus(name))).state == "filling"
    await ana.call(StartJob(name, "import", (follow("nobody@hilltop.example"),)))

    paused = await ana.call(PauseJob(name))
    assert paused.state == "paused"
    await ana.call(PauseJob(name, paused=False))
    counts = await done(ana, name)

    assert counts.get("dead") == 1
    assert (await states(ana, name))["nobody@hilltop.example"] == ("dead", "notFound")


async def test_what_goes_out_is_what_came_in(town: Town) -> None:
    """Settings of follows, mutes, lists and bookmarks come back in the order of the file."""
    ana = await town.join("ana", "harbour.example")
    for name in ("zoe", "bo", "cy"):
        await town.join(name, "hilltop.example")
    items = (
        follow("zoe@hilltop.example", show_boosts=False, notify=True, languages=("de", "en"), rank=9),
        follow("bo@hilltop.example", rank=1),
        JobItem(CsvKind.MUTES.value, "cy@hilltop.example", hide=False),
        JobItem(CsvKind.LISTS.value, "zoe@hilltop.example", list="Grüße, all"),
        JobItem(CsvKind.LISTS.value, "bo@hilltop.example", list="Grüße, all"),
        JobItem(CsvKind.BOOKMARKS.value, "https://hilltop.example/notes/1"),
    )

    await ana.call(StartJob(job("out"), "import", items))
    await done(ana, job("out"))

    follows = (await ana.call(Portable(FOLLOWING))).rows
    assert [row.address for row in follows] == ["zoe@hilltop.example", "bo@hilltop.example"]
    zoe = follows[0]
    assert (zoe.show_boosts, zoe.notify, zoe.languages) == (False, True, ("de", "en"))
    assert zoe.actor == "https://hilltop.example/users/zoe"
    assert zoe.inbox
    mutes = (await ana.call(Portable(CsvKind.MUTES.value))).rows
    assert [(row.address, row.hide) for row in mutes] == [("cy@hilltop.example", False)]
    lists = (await ana.call(Portable(CsvKind.LISTS.value))).rows
    assert [(row.list, row.address) for row in lists] == [
        ("Grüße, all", "zoe@hilltop.example"),
        ("Grüße, all", "bo@hilltop.example"),
    ]
    marks = (await ana.call(Portable(CsvKind.BOOKMARKS.value))).rows
    assert [row.address for row in marks] == ["https://hilltop.example/notes/1"]


async def test_lists_are_made_shown_and_forgotten(harbour: Town) -> None:
    """A list is its person's alone, and forgetting it unfollows nobody."""
    ana, bo = await harbour.join("ana", "harbour.example"), await harbour.join("bo", "harbour.example")
    await ana.call(Follow("bo@harbour.example"))

    assert await ana.call(CreateList("Close friends")) == Done()
    await ana.call(AddToList("Close friends", "@Bo@harbour.example"))
    await ana.call(AddToList("Close friends", "far@away.example"))
    (only,) = (await ana.call(Lists())).lists
    assert (only.list, only.members, only.intended) == ("Close friends", 1, 1)
    assert (await bo.call(Lists())).lists == ()
    await ana.call(RemoveFromList("Close friends", "FAR@away.example"))
    await ana.call(DropList("Close friends"))

    assert (await ana.call(Lists())).lists == ()
    assert len((await ana.call(Following())).ties) == 1
    with pytest.raises(ProblemError) as gone:
        await ana.call(ShowList("Close friends"))
    assert gone.value.problem.code == "notFound"

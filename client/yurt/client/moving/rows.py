"""Rows that a move carries: from the old node, or from the kit's CSV files, as items of the new node's job.

Blocks come before everything (the job sees to that), then the strong ties: a limit per day then still
restores those on the first.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from yurt.client.moving.home import Ask
from yurt.portability.csv_files import decode_csv
from yurt.portability.csv_rows import (
    BlockRow,
    BookmarkRow,
    CsvKind,
    DomainBlockRow,
    FollowRow,
    ListRow,
    MuteRow,
    Row,
)
from yurt.portability.errors import CsvError
from yurt.wire.portability_commands import (
    MAX_JOB_PAGE,
    JobItem,
    JobRowPage,
    JobRows,
    JobStatus,
    JobView,
    Portable,
    PortableRows,
    StartJob,
)
from yurt.wire.problems import refuse

CARRIED: Final = (
    CsvKind.BLOCKS,
    CsvKind.DOMAIN_BLOCKS,
    CsvKind.MUTES,
    CsvKind.FOLLOWING,
    CsvKind.LISTS,
    CsvKind.BOOKMARKS,
)
"""In this order; followers come by themselves."""
BLOCKING: Final = frozenset({CsvKind.BLOCKS.value, CsvKind.DOMAIN_BLOCKS.value})
PATIENCE_S: Final = 120.0
_POLL_S: Final = 0.25
PAGES: Final = 200


async def from_node(ask: Ask) -> list[JobItem]:
    """Ask a node for everything that is carried."""
    found: list[JobItem] = []
    for kind in CARRIED:
        after = ""
        for _ in range(PAGES):
            page = await ask(Portable(kind.value, after), PortableRows)
            found += [
                JobItem(
                    kind=kind.value,
                    address=row.address,
                    list=row.list,
                    show_boosts=row.show_boosts,
                    notify=row.notify,
                    languages=row.languages,
                    hide=row.hide,
                )
                for row in page.rows
            ]
            after = page.next
            if not after:
                break
    return found


def from_files(files: Mapping[str, bytes]) -> list[JobItem]:
    """Read the CSV files of a kit; one that cannot be read is passed over, the others count."""
    found: list[JobItem] = []
    for kind in CARRIED:
        try:
            rows = decode_csv(files[kind.value], kind=kind).rows if kind.value in files else ()
        except CsvError:
            continue
        found += [item for row in rows if (item := _item(row)) is not None]
    return found


def ranked(items: Iterable[JobItem], rank: Callable[[str], int]) -> list[JobItem]:
    """Give each follow its rank, by address; lower is earlier."""
    import msgspec

    return [
        msgspec.structs.replace(item, rank=rank(item.address))
        if item.kind == CsvKind.FOLLOWING.value
        else item
        for item in items
    ]


async def carry(ask: Ask, job: bytes, kind: str, items: list[JobItem]) -> JobView:
    """Start the job and wait until every block stands; follows go on by themselves.

    Raises:
        ProblemError: ``overloaded``: blocks wait still, so the move does not go on.
    """
    pages = [items[at : at + MAX_JOB_PAGE] for at in range(0, len(items), MAX_JOB_PAGE)] or [[]]
    view = JobView(job, kind, "filling", 0)
    for number, page in enumerate(pages):
        view = await ask(StartJob(job, kind, tuple(page), last=number == len(pages) - 1), JobView)
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while view.state != "done" and view.counts.get("queued", 0):
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(_POLL_S)
        view = await ask(JobStatus(job), JobView)
    waiting = await ask(JobRows(job, 0, ("queued", "sent")), JobRowPage)
    if any(row.kind in BLOCKING for row in waiting.rows):
        raise refuse(
            "overloaded", "blocks are not all carried yet: nothing goes before them", retry_after=5.0
        )
    return view


def _item(row: Row) -> JobItem | None:
    match row:
        case FollowRow():
            return JobItem(
                kind=CsvKind.FOLLOWING.value,
                address=str(row.address),
                show_boosts=row.show_boosts,
                notify=row.notify,
                languages=row.languages,
            )
        case MuteRow():
            return JobItem(kind=CsvKind.MUTES.value, address=str(row.address), hide=row.hide_notifications)
        case BlockRow():
            return JobItem(kind=CsvKind.BLOCKS.value, address=str(row.address))
        case DomainBlockRow():
            return JobItem(kind=CsvKind.DOMAIN_BLOCKS.value, address=row.domain)
        case ListRow():
            return JobItem(kind=CsvKind.LISTS.value, address=str(row.address), list=row.list_name)
        case BookmarkRow():
            return JobItem(kind=CsvKind.BOOKMARKS.value, address=row.uri)
        case _:
            return None

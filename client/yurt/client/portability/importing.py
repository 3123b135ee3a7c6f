"""Importing: what a file would change, and then the job at the node that does it, strong ties first."""

import asyncio
import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.portability.calls import PlanImport, PlanPartView, PlanView, StartImport
from yurt.client.portability.node_rows import Asks, fetch_rows, shown, to_item, to_rows
from yurt.client.portability.sources import Source, read_source
from yurt.client.vault import rooms
from yurt.client.vault.accounts import address_of
from yurt.identity.signed_record import SignedRecord, VerifiedRecord, verify_record
from yurt.portability.address import parse_address
from yurt.portability.csv_rows import CsvKind, FollowRow, Row
from yurt.portability.plan import ORDER, ImportPlan, Mode, Options, PlanPart, plan_import
from yurt.wire.portability_commands import (
    JOB_ID_SIZE,
    MAX_JOB_PAGE,
    JobItem,
    JobStatus,
    JobView,
    PauseJob,
    StartJob,
)
from yurt.wire.problems import ProblemError, refuse

MAX_SHOWN: Final = 20_000
_MUTUAL: Final = 1.0
_BEGUN: Final = frozenset({"running", "paused"})


class Importing:
    """Plans and starts imports."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def plan(self, call: PlanImport) -> PlanView:
        """Compare a file with what stands."""
        source, plan = await self._planned(call)
        refused = [
            f"{file.kind.file_name}, line {row.line}: {row.reason}"
            for file in source.files
            for row in file.refused
        ]
        return PlanView(
            job=self._job(source, call),
            digest=source.digest,
            parts=tuple(_part_view(part) for part in plan.parts),
            refused=tuple(refused[:MAX_SHOWN]),
            aside=source.aside[:MAX_SHOWN],
            signed_by=address_of(source.signed_by.record.actor) if source.signed_by else "",
            messages=source.sealed,
        )

    async def start(self, call: StartImport) -> JobView:
        """Do what was planned, or go on with it; what is on its way already stays there."""
        source, plan = await self._planned(call)
        if source.digest != call.digest:
            raise refuse("refused", "the file changed since it was shown: look again", rule="fileChanged")
        begun = await begun_job(self._core.session, self._job(source, call))
        if begun is not None:
            return begun
        followers = await fetch_rows(self._core.session, CsvKind.FOLLOWERS)
        mutual = {row.address.lower() for row in followers}
        scores = await self._core.vault.read(lambda tx: company(tx, self._core.account.did))
        return await start_job(
            self._core.session, self._job(source, call), "import", items_of(plan, scores, mutual)
        )

    async def _planned(self, call: PlanImport | StartImport) -> tuple[Source, ImportPlan]:
        account = self._core.account
        try:
            kind = CsvKind(call.kind) if call.kind else None
        except ValueError:
            kinds = ", ".join(kind.value for kind in ORDER)
            raise refuse("badRequest", f"there is no such kind: choose one of {kinds}") from None
        known = own_record(self._core)
        source = await asyncio.to_thread(read_source, Path(call.path), kind, account.node, known)
        state = {
            one: to_rows(one, await fetch_rows(self._core.session, one)) for one in _needed(source, ORDER)
        }
        options = Options(
            parse_address(account.address),
            Mode.OVERWRITE if call.overwrite else Mode.MERGE,
            overwrite_blocks=call.overwrite_blocks,
        )
        return source, plan_import(state, source.files, options)

    def _job(self, source: Source, call: PlanImport | StartImport) -> bytes:
        """Name the job by what it does: asked again, it is the same."""
        how = f"{self._core.account.actor}\n{call.kind}\n{call.overwrite}\n{call.overwrite_blocks}\n"
        return hashlib.sha256(how.encode() + source.digest).digest()[:JOB_ID_SIZE]


def own_record(core: Core) -> VerifiedRecord:
    """The own newest record."""
    return verify_record(SignedRecord.decode(core.account.record))


async def begun_job(node: Asks, job: bytes) -> JobView | None:
    """Let a job go on that was begun and has not ended; None if there is none.

    What it has come to stays: who are told that a job goes on do not see it begin anew.
    """
    try:
        view = await node.call(JobStatus(job), JobView)
    except ProblemError as error:
        if error.problem.code != "notFound":
            raise
        return None
    return await node.call(PauseJob(job, paused=False), JobView) if view.state in _BEGUN else None


async def start_job(node: Asks, job: bytes, kind: str, items: Sequence[JobItem]) -> JobView:
    """Hand rows to the node, page by page; what is killed half-way is done again, and changes nothing."""
    pages = [items[at : at + MAX_JOB_PAGE] for at in range(0, len(items), MAX_JOB_PAGE)] or [()]
    for page in pages[:-1]:
        await node.call(StartJob(job, kind, tuple(page), last=False), JobView)
    return await node.call(StartJob(job, kind, tuple(pages[-1])), JobView)


def items_of(plan: ImportPlan, scores: Mapping[str, float], mutual: set[str]) -> list[JobItem]:
    """Give the rows of a plan, in the order of the file; the rank says which are done first."""
    items: list[JobItem] = []
    for part in plan.parts:
        items += [to_item(row, part.kind, removal=True) for row in part.removed]
        rows = (*part.added, *part.refreshed)
        ranks = _ranks(rows, scores, mutual)
        items += [to_item(row, part.kind, rank=rank) for row, rank in zip(rows, ranks, strict=True)]
    return items


def company(tx: Connection, me: str) -> dict[str, float]:
    """How much of each person this device sees, by address: small rooms say more (Adamic and Adar)."""
    scores: dict[str, float] = {}
    for room in rooms.every(tx):
        if room.state == "active" and len(room.people) > 1:
            for did, actor in room.people:
                if did != me:
                    key = address_of(actor).lower()
                    scores[key] = scores.get(key, 0.0) + 1 / math.log1p(len(room.people))
    return scores


def _ranks(rows: Iterable[Row], scores: Mapping[str, float], mutual: set[str]) -> list[int]:
    rows = list(rows)

    def score(at: int) -> float:
        row = rows[at]
        key = row.key if isinstance(row, FollowRow) else ""
        return scores.get(key, 0.0) + (_MUTUAL if key in mutual else 0.0)

    order = sorted(range(len(rows)), key=lambda at: -score(at))
    ranks = [0] * len(rows)
    for rank, at in enumerate(order):
        ranks[at] = rank
    return ranks


def _needed(source: Source, order: Iterable[CsvKind]) -> list[CsvKind]:
    """Kinds that a plan looks at: those of the files, and blocks, which beat all others."""
    kinds = {file.kind for file in source.files}
    touched = bool(kinds & {CsvKind.BLOCKS, CsvKind.DOMAIN_BLOCKS})
    always = {CsvKind.BLOCKS, CsvKind.DOMAIN_BLOCKS}
    # A new block ends follows and memberships that stand.
    follows = {CsvKind.FOLLOWING, CsvKind.LISTS} if touched else set[CsvKind]()
    return [kind for kind in order if kind in kinds | always | follows]


def _part_view(part: PlanPart) -> PlanPartView:
    return PlanPartView(
        kind=part.kind.value,
        added=len(part.added),
        refreshed=len(part.refreshed),
        unchanged=len(part.unchanged),
        skipped=len(part.skipped),
        removed=tuple(map(shown, part.removed)),
        withheld=tuple(map(shown, part.withheld)),
    )

"""``yurt import FILE``: take a network over from a CSV, a folder or zip of them, or a signed archive."""

import argparse
import sys
from pathlib import Path
from typing import Final

from yurt.cli import secrets
from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.cli.progress import job_json, job_line, watch
from yurt.client.api import EngineApi
from yurt.client.counted import counted
from yurt.client.errors import UsageError
from yurt.client.portability.calls import HistoryView, ImportHistory, PlanImport, PlanView, StartImport
from yurt.wire.portability_commands import JobRow, JobRowPage, JobRows, JobView, RowState

_BAD: Final[tuple[RowState, ...]] = ("refused", "dead", "successor")
_HOLDS: Final = frozenset({"blocked_accounts", "muted_accounts"})
"""Kinds of rows that mean something before anybody was found."""
_WHY: Final = {
    "notFound": "nobody is called so there",
    "gone": "the account was deleted",
    "unreachable": "their node did not answer for a week",
    "moveLoop": "they moved in a circle",
    "moveChainTooLong": "they moved too often to be followed",
}
"""Reasons that people meet often; the others are told by their code."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument(
        "file", metavar="FILE", type=Path, help="a CSV, a folder or zip of CSVs, or an archive"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--merge", action="store_true", help="add, and remove nothing (what happens anyway)")
    how.add_argument("--overwrite", action="store_true", help="remove what the file does not name")
    parser.add_argument(
        "--overwrite-blocks", action="store_true", help="with --overwrite: lift blocks that it does not name"
    )
    parser.add_argument("--as", dest="kind", default="", metavar="KIND", help="such as following_accounts")
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
    parser.add_argument("--yes", action="store_true", help="remove without asking again")
    parser.add_argument("--no-wait", action="store_true", help="let the node go on alone")
    parser.add_argument("--history", action="store_true", help="of an archive: old messages, with your words")
    parser.add_argument("--phrase-file", type=Path, metavar="FILE", help="where the 24 words are")


def run(args: argparse.Namespace, output: Output) -> int:
    """Show what would change, do it, and say what came of it."""
    if args.overwrite_blocks and not args.overwrite:
        raise UsageError("--overwrite-blocks goes with --overwrite")
    path = str(args.file.expanduser().absolute())

    async def work(engine: EngineApi) -> int:
        plan = await engine.call(
            PlanImport(
                path=path,
                kind=args.kind,
                overwrite=args.overwrite,
                overwrite_blocks=args.overwrite_blocks,
            ),
            PlanView,
        )
        show_plan(plan, output, history=args.history)
        if args.dry_run:
            return 0
        _confirm(plan, output, yes=args.yes)
        job = await engine.call(
            StartImport(
                path=path,
                digest=plan.digest,
                kind=args.kind,
                overwrite=args.overwrite,
                overwrite_blocks=args.overwrite_blocks,
            ),
            JobView,
        )
        if args.no_wait:
            output.show(job_json(job), job_line(job, 0.0))
        else:
            job = await watch(engine, job, output)
            await show_failures(engine, job, output)
        if args.history:
            await _history(engine, path, args.phrase_file, output)
        return 0

    return with_engine(work)


def show_plan(plan: PlanView, output: Output, *, history: bool = False) -> None:
    """Say what an import would change.

    Args:
        plan: The comparison.
        output: Where it is said.
        history: Whether old messages are asked for too.
    """
    if plan.signed_by:
        output.note(f"An archive of {plan.signed_by}; its signature holds.")
    for part in plan.parts:
        value = {
            "kind": part.kind,
            "added": part.added,
            "refreshed": part.refreshed,
            "unchanged": part.unchanged,
            "skipped": part.skipped,
            "removed": list(part.removed),
            "withheld": list(part.withheld),
        }
        line = f"{part.kind}: {part.added} new, {part.refreshed} changed, {part.unchanged} as they are"
        line += f", {part.skipped} skipped" if part.skipped else ""
        output.show(value, line + (f", {len(part.removed)} to be removed" if part.removed else ""))
        for name in part.removed:
            output.note(f"  - {name}")
        if part.withheld:
            output.note(f"  {len(part.withheld)} blocks stay (--overwrite-blocks lifts them)")
    for line in plan.aside:
        output.note(f"left out: {line}")
    for line in plan.refused:
        output.note(f"not read: {line}")
    if plan.messages and not history:
        held = counted(plan.messages, "old message is", "old messages are")
        output.note(f"{held} in it: --history makes them readable here, with your 24 words")


def _confirm(plan: PlanView, output: Output, *, yes: bool) -> None:
    count = sum(len(part.removed) for part in plan.parts)
    if not count or yes:
        return
    if not secrets.has_terminal():
        raise UsageError(f"{count} would be removed: look at them with --dry-run, then say --yes")
    output.note(f"{count} will be removed. Type yes to go on:")
    if sys.stdin.readline().strip().lower() != "yes":
        raise UsageError("nothing was changed")


async def show_failures(engine: EngineApi, job: JobView, output: Output) -> None:
    """Name each row that did not come to what it should, and why."""
    after = 0
    while any(job.counts.get(state) for state in _BAD):
        page = await engine.ask_node(JobRows(job.job, after, _BAD), JobRowPage)
        for row in page.rows:
            value = {"row": row.row, "kind": row.kind, "address": row.address, "state": row.state}
            output.show({**value, "reason": row.reason}, f"{row.state:10} {row.address}  {_why(row)}")
        after = page.next
        if not after:
            break


def _why(row: JobRow) -> str:
    told = _WHY.get(row.reason, row.reason)
    holds = row.kind in _HOLDS and not row.removal
    return f"{told}; it holds all the same for whoever comes under this address" if holds else told


async def _history(engine: EngineApi, path: str, phrase_file: Path | None, output: Output) -> None:
    phrase = secrets.read_phrase(phrase_file)
    found = await engine.call(ImportHistory(path=path, phrase=phrase), HistoryView)
    output.show(
        {"rooms": found.rooms, "messages": found.messages, "known": found.known},
        f"{counted(found.messages, 'old message')} of {counted(found.rooms, 'room')} can be read here now; "
        f"{found.known} were here already.",
    )

"""`make bench`: real nodes and real streams, and their figures beside a bare broadcast of the same run.

The server under load has one core, the load another one; both servers get the same load, the bare one first.

    python -m yurt.lab.bench                            everything, three times
    python -m yurt.lab.bench --quick                    once, and less of it: under two minutes
    python -m yurt.lab.bench durable idle               rows or scenes by their names
    python -m yurt.lab.bench --list                     which there are
    python -m yurt.lab.bench --write docs/performance.md
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from yurt.lab.bench import inbox, many_streams, outbox, page, printed, small, terminal, under_load
from yurt.lab.bench.figures import Book, Record, number
from yurt.lab.bench.machine import State, described, fsync_p99_ms
from yurt.lab.bench.rows import MODULES, ROWS, SCENES
from yurt.lab.bench.setting import Setting

_MEASURE: Final[dict[str, Callable[[Setting, Book], Awaitable[None]]]] = {
    "process": small.measure,
    "load": under_load.measure,
    "rooms-100": many_streams.measure_rooms,
    "idle": many_streams.measure_idle,
    "flat-memory": many_streams.measure_flat,
    "terminal": terminal.note,
    "inbox": inbox.measure,
    "outbox": outbox.measure,
}


def main(words: Sequence[str]) -> int:
    """Do what the command line says; return the exit code."""
    options = _parser().parse_args(words)
    if options.list:
        print(page.listed())
        return 0
    unknown = set(options.rows) - {row.name for row in ROWS} - set(SCENES) - set(MODULES)
    if unknown:
        print(f"no such row: {', '.join(sorted(unknown))}; --list names them", file=sys.stderr)
        return 2
    target: Path | None = options.write
    record = Record.read(target.with_suffix(".json")) if target else Record()
    with tempfile.TemporaryDirectory(prefix="yurt-bench-") as folder:
        import uvloop

        uvloop.run(_measure(Path(folder), record, options.rows, quick=options.quick))
    if options.json:
        record.write(options.json)
    if target:
        record.write(target.with_suffix(".json"))
        target.write_text(page.written(record), encoding="utf-8")
    return 0


async def _measure(folder: Path, record: Record, asked: Sequence[str], *, quick: bool) -> None:
    now = datetime.now(UTC)  # noqa: TID251  # a figure says when it was measured
    before = fsync_p99_ms(folder)
    for scene, rows in SCENES.items():
        wanted = frozenset(row.name for row in rows if not asked or scene in asked or row.name in asked)
        if not wanted:
            continue
        print(f"\n{scene}", flush=True)
        book = Book(now.isoformat(timespec="minutes"), quick)
        (folder / scene).mkdir()
        await _MEASURE[scene](Setting(folder / scene, quick, wanted), book)
        figures = book.figures()
        record.figures |= figures
        for row in rows:
            if (figure := figures.get(row.name)) is not None:
                bare = "" if figure.bare is None else f"  (bare {number(figure.bare)})"
                missed = "" if row.holds(figure.yurt) else f"  MISSED {row.shown_goal}"
                print(f"  {row.what:<64} {number(figure.yurt):>9} {row.unit}{bare}{missed}", flush=True)
    for name, (module, title) in MODULES.items():
        if name in asked or not (asked or quick):
            print(f"\n{title}", flush=True)
            record.printed[name] = await printed.run(module, now)
    record.machine, record.commit = described(), await asyncio.to_thread(_commit)
    record.fsync_p99_ms, record.steal = (before, fsync_p99_ms(folder)), State.now().steal


def _commit() -> str:
    """What of the project was measured; empty outside of its repository."""
    words = ("git", "describe", "--always", "--dirty")
    found = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  # a constant
    return found.stdout.strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m yurt.lab.bench", description="Measure Yurt.")
    parser.add_argument("rows", nargs="*", help="rows or scenes; everything if none is named")
    parser.add_argument("--quick", action="store_true", help="once instead of three times, and less of it")
    parser.add_argument("--list", action="store_true", help="name all rows")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument(
        "--write",
        type=Path,
        metavar="FILE",
        help="write them into this page, and into a JSON file beside it; rows that are not measured stay",
    )
    return parser


if __name__ == "__main__":
    if sys.platform != "linux":
        sys.exit("the benchmark reads /proc: it runs on Linux only")
    sys.exit(main(sys.argv[1:]))

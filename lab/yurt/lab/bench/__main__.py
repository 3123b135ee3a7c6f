"""`make bench`: real nodes and real streams, and their figures beside a bare server of the same run.

The server under load has one core, the load another one; both servers get the same load, the bare one first.

    python -m yurt.lab.bench                            everything: a quarter of an hour
    python -m yurt.lab.bench --quick                    once, and less of it: three minutes
    python -m yurt.lab.bench --full                     with what takes ten minutes and more each
    python -m yurt.lab.bench durable idle               rows or scenes by their names
    python -m yurt.lab.bench --list                     which there are
    python -m yurt.lab.bench --write docs/performance.md
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from yurt.lab.bench import (
    carrying,
    catching_up,
    inbox,
    joins,
    many_streams,
    outbox,
    over_nodes,
    page,
    rescuing,
    small,
    terminal,
    under_load,
)
from yurt.lab.bench.figures import Book, Figure, Record, Row, number
from yurt.lab.bench.machine import State, described, fsync_p99_ms, unpin
from yurt.lab.bench.rows import ROWS, SCENES
from yurt.lab.bench.setting import Setting

_MEASURE: Final[dict[str, Callable[[Setting, Book], Awaitable[None]]]] = {
    "process": small.measure,
    "load": under_load.measure,
    "rooms-100": many_streams.measure_rooms,
    "idle": many_streams.measure_idle,
    "flat-memory": many_streams.measure_flat,
    "terminal": terminal.note,
    "two-nodes": over_nodes.measure,
    "away": catching_up.measure,
    "joins-500": joins.measure,
    "inbox": inbox.measure,
    "outbox": outbox.measure,
    "deliveries-100k": outbox.measure_many,
    "carrying": carrying.measure,
    "rescuing": rescuing.measure,
}


def main(words: Sequence[str]) -> int:
    """Do what the command line says; return the exit code."""
    options = _parser().parse_args(words)
    if options.list:
        print(page.listed())
        return 0
    unknown = set(options.rows) - {row.name for row in ROWS} - set(SCENES)
    if unknown:
        print(f"no such row: {', '.join(sorted(unknown))}; --list names them", file=sys.stderr)
        return 2
    target: Path | None = options.write
    record = Record.read(target.with_suffix(".json")) if target else Record()
    with tempfile.TemporaryDirectory(prefix="yurt-bench-") as folder:
        import uvloop

        fine = uvloop.run(_measure(Path(folder), record, options))
    if options.json:
        record.write(options.json)
    return 0 if fine else 1


async def _measure(folder: Path, record: Record, options: argparse.Namespace) -> bool:
    """Measure scene after scene, and write each down at once; whether none failed."""
    before, failed = fsync_p99_ms(folder), list[str]()
    for scene, rows in SCENES.items():
        asked = set[str](options.rows)
        wanted = frozenset(row.name for row in rows if not asked or scene in asked or row.name in asked)
        if not wanted:
            continue
        print(f"\n{scene}", flush=True)
        (folder / scene).mkdir()
        unpin()
        now = datetime.now(UTC)  # noqa: TID251  # a figure says when it was measured
        book, began = Book(now.isoformat(timespec="minutes"), options.quick), time.monotonic()
        try:
            await _MEASURE[scene](Setting(folder / scene, options.quick, wanted, options.full), book)
        except Exception as error:  # noqa: BLE001  # one scene that fails must not take others along
            failed.append(scene)
            print(f"  FAILED: {type(error).__name__}: {error}", flush=True)
        figures = book.figures()
        record.figures |= {name: figure for name, figure in figures.items() if name in wanted}
        _show(rows, figures)
        print(f"  ({time.monotonic() - began:.0f} s, load {State.now().load:.1f})", flush=True)
        record.machine, record.commit = described(), await asyncio.to_thread(_commit)
        record.fsync_p99_ms, record.steal = (before, fsync_p99_ms(folder)), State.now().steal
        if options.write:
            record.write(options.write.with_suffix(".json"))
            options.write.write_text(page.written(record), encoding="utf-8")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return not failed


def _show(rows: Sequence[Row], figures: Mapping[str, Figure]) -> None:
    for row in rows:
        if (figure := figures.get(row.name)) is not None:
            bare = "" if figure.bare is None else f"  (bare {number(figure.bare)})"
            missed = "" if row.holds(figure.yurt) else f"  MISSED {row.shown_goal}"
            print(f"  {row.what:<72} {number(figure.yurt):>9} {row.unit}{bare}{missed}", flush=True)


def _commit() -> str:
    """What of the project was measured; empty outside of its repository."""
    words = ("git", "describe", "--always", "--dirty")
    found = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  # a constant
    return found.stdout.strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m yurt.lab.bench", description="Measure Yurt.")
    parser.add_argument("rows", nargs="*", help="rows or scenes; everything if none is named")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="once instead of three times, and less of it")
    size.add_argument("--full", action="store_true", help="also what takes very long, in its full size")
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

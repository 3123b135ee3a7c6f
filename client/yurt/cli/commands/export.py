"""``yurt export``: Mastodon's files, the signed archive, or the network of who follows whom around you."""

import argparse
from pathlib import Path

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.client.api import EngineApi
from yurt.client.counted import counted
from yurt.client.errors import UsageError
from yurt.client.portability.calls import Export, ExportKind, ExportView


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("target", metavar="PLACE", type=Path, nargs="?", help="a folder for CSV files")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--archive", metavar="FILE", type=Path, help="everything, signed; history sealed")
    what.add_argument("--graph", choices=("graphml", "edges"), help="your ties, for graph programs")
    parser.add_argument("--pseudonyms", action="store_true", help="with --graph: no names")


def run(args: argparse.Namespace, output: Output) -> int:
    """Write the files."""
    kind, path = _asked(args)

    async def work(engine: EngineApi) -> int:
        made = await engine.call(
            Export(kind=kind, path=str(path.expanduser().absolute()), pseudonyms=args.pseudonyms), ExportView
        )
        for file in made.files:
            output.show({"file": file.path, "rows": file.rows}, f"{file.path}  {counted(file.rows, 'row')}")
        if kind == "archive":
            held = counted(made.messages, "message is", "messages are")
            output.note(f"{held} in it, sealed: only your 24 words open them.")
        return 0

    return with_engine(work)


def _asked(args: argparse.Namespace) -> tuple[ExportKind, Path]:
    if args.pseudonyms and not args.graph:
        raise UsageError("--pseudonyms goes with --graph")
    if args.archive is not None:
        if args.target is not None:
            raise UsageError("name one place: --archive FILE has its own")
        return "archive", args.archive
    if args.graph:
        name = "network.graphml" if args.graph == "graphml" else "network-edges.csv"
        return args.graph, args.target if args.target is not None else Path(name)
    return "csv", args.target if args.target is not None else Path("yurt-export")

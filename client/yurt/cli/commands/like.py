"""``yurt like POST``: like a post, or no longer."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.client.api import EngineApi


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("post", metavar="POST", help="its URL; the timeline shows it")
    parser.add_argument("--undo", action="store_true", help="take it back")


def run(args: argparse.Namespace, output: Output) -> int:
    """Tell the node."""
    from yurt.wire.command import Done
    from yurt.wire.post_commands import Like

    async def work(engine: EngineApi) -> int:
        await engine.ask_node(Like(args.post, args.undo), Done)
        line = "You no longer like it." if args.undo else "You like it."
        output.show({"post": args.post, "like": not args.undo}, line)
        return 0

    return with_engine(work)

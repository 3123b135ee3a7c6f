"""``yurt boost POST``: show a public post to your followers, or no longer."""

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
    from yurt.wire.post_commands import Boost

    async def work(engine: EngineApi) -> int:
        await engine.ask_node(Boost(args.post, args.undo), Done)
        line = "You no longer boost it." if args.undo else "Your followers see it."
        output.show({"post": args.post, "boost": not args.undo}, line)
        return 0

    return with_engine(work)

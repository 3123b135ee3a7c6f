"""``yurt block ADDRESS``: have nothing to do with somebody, or do again."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.client.api import EngineApi


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("address", metavar="ADDRESS", help="name@node")
    parser.add_argument("--undo", action="store_true", help="end it")


def run(args: argparse.Namespace, output: Output) -> int:
    """Tell the node. Follows end both ways, and their node is told."""
    from yurt.wire.command import Done
    from yurt.wire.people_commands import Block, Unblock

    async def work(engine: EngineApi) -> int:
        await engine.ask_node(Unblock(args.address) if args.undo else Block(args.address), Done)
        line = f"You no longer block {args.address}." if args.undo else f"You block {args.address}."
        output.show({"address": args.address, "block": not args.undo}, line)
        return 0

    return with_engine(work)

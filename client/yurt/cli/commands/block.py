"""``yurt block ADDRESS``: have nothing to do with somebody, or do again."""

import argparse

from yurt.cli import kept_away
from yurt.cli.output import Output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    kept_away.add_arguments(parser, "block")


def run(args: argparse.Namespace, output: Output) -> int:
    """Tell the node. Follows end both ways, and their node is told."""
    from yurt.wire.people_commands import Block, Unblock

    return kept_away.run(args, output, kept_away.Verb("block", Block, Unblock))

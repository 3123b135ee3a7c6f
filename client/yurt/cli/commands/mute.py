"""``yurt mute ADDRESS``: do not see what somebody posts, or do again."""

import argparse

from yurt.cli import kept_away
from yurt.cli.output import Output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    kept_away.add_arguments(parser, "mute")


def run(args: argparse.Namespace, output: Output) -> int:
    """Tell the node. Nobody else is told."""
    from yurt.wire.people_commands import Mute, Unmute

    return kept_away.run(args, output, kept_away.Verb("mute", Mute, Unmute))

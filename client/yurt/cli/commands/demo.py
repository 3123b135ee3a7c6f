"""``yurt demo``: the first conversation, played on this machine; reached through ``yurt.lab.commands``."""

import argparse
import sys

from yurt.cli.output import Output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("--headless", action="store_true", help="never use the whole terminal")


def run(args: argparse.Namespace, output: Output) -> int:
    """Play it; in a terminal, let the person play it."""
    from yurt.lab.commands import demo

    if args.headless or output.as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return demo(json=output.as_json)
    from yurt.tui.commands import show_demo

    return demo(json=False, show=show_demo)

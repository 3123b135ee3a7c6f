"""``yurt demo``: the first conversation, played on this machine; reached through ``yurt.lab.commands``."""

import argparse

from yurt.cli.output import Output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("--headless", action="store_true", help="never use the whole terminal")


def run(args: argparse.Namespace, output: Output) -> int:
    """Play it; not 0 if anything was not read."""
    from yurt.lab.commands import demo

    return demo(headless=args.headless, json=output.as_json)

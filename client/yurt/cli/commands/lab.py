"""``yurt lab``: migrations between real nodes on this machine, for researchers; ``yurt.lab.commands``."""

import argparse
from pathlib import Path

from yurt.cli.output import Output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    run_one = actions.add_parser("run", help="play a scenario, and write what came of it")
    run_one.add_argument("scenario", metavar="SCENARIO", help="a TOML file, or a name that `list` shows")
    run_one.add_argument(
        "--out", type=Path, default=Path("migration"), metavar="DIR", help="for report.html and the figures"
    )
    run_one.add_argument("--small", action="store_true", help="with 8 nodes and few people, within a minute")
    actions.add_parser("list", help="name the scenarios that come with Yurt")


def run(args: argparse.Namespace, output: Output) -> int:
    """Play one, or name them."""
    from yurt.lab.commands import run_scenario, scenario_names

    if args.action == "run":
        return run_scenario(args.scenario, args.out, json=output.as_json, is_small=args.small)
    for name in scenario_names():
        output.show({"scenario": name}, name)
    return 0

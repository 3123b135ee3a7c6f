"""``yurt buddy``: nodes that keep a copy of your kit, and cannot read it."""

import argparse
from pathlib import Path

from yurt.cli import secrets
from yurt.cli.command import with_engine
from yurt.cli.commands.kit import kit_json, show_kit
from yurt.cli.output import Output
from yurt.cli.which_node import find_node
from yurt.client.api import EngineApi
from yurt.client.portability.calls import KitStatus, KitView, SetBuddy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="who keeps a copy, and how old it is")
    for name, line in (("add", "name a node; asks for your 24 words"), ("remove", "name it no longer")):
        one = actions.add_parser(name, help=line)
        one.add_argument("node", metavar="NODE", help="such as hilltop.example")
        one.add_argument("--phrase-file", type=Path, metavar="FILE", help="where the 24 words are")


def run(args: argparse.Namespace, output: Output) -> int:
    """Show or change who keeps a copy."""
    # Before anybody types 24 words; what stands in the record can always be taken out of it.
    node = find_node(args.node) if args.action == "add" else getattr(args, "node", "")

    async def work(engine: EngineApi) -> int:
        if args.action == "list":
            show_kit(await engine.call(KitStatus(), KitView), output)
            return 0
        phrase = secrets.read_phrase(args.phrase_file)
        call = SetBuddy(node=node, phrase=phrase, remove=args.action == "remove")
        kit = await engine.call(call, KitView)
        found = next((one for one in kit.buddies if one.node == node), None)
        if args.action == "remove":
            line = f"{node} is asked to keep nothing more; what it has, it forgets after 400 days."
        elif found is not None and found.graph:
            line = f"{node} keeps a copy of your kit. On paper: your 24 words, and {node}."
        else:
            line = f"{node} is a buddy of yours; it has no copy yet: {found.problem if found else ''}"
        output.show(kit_json(kit), line)
        return 0

    return with_engine(work)

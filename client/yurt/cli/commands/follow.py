"""``yurt follow ADDRESS``: follow somebody, or stop following them."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.commands.following import person_json
from yurt.cli.output import Output
from yurt.client.api import EngineApi


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("address", metavar="ADDRESS", help="name@node")
    parser.add_argument("--undo", action="store_true", help="stop following")


def run(args: argparse.Namespace, output: Output) -> int:
    """Follow; their answer comes later."""

    async def work(engine: EngineApi) -> int:
        if args.undo:
            await engine.unfollow(args.address)
            output.show({"address": args.address, "state": "none"}, f"You no longer follow {args.address}.")
            return 0
        person = await engine.follow(args.address)
        line = f"You asked to follow {person.address}."
        if person.locked:
            line += " It waits for approval: they approve by hand."
        output.show(person_json(person), line)
        return 0

    return with_engine(work)

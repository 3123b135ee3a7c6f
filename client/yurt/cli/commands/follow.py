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
    """Follow; their answer may come later."""
    return with_engine(lambda engine: act(engine, args, output))


async def act(engine: EngineApi, args: argparse.Namespace, output: Output) -> int:
    """Do it with an engine; returns the exit code."""
    if args.undo:
        await engine.unfollow(args.address)
        output.show({"address": args.address, "state": "none"}, f"You no longer follow {args.address}.")
        return 0
    person = await engine.follow(args.address)
    standing = [tie.state for tie in await engine.following() if tie.address == person.address]
    value = person_json(person) | ({"state": standing[0]} if standing else {})
    if standing == ["accepted"]:
        line = f"You follow {person.address}."
    else:
        by_hand = " It waits for approval: they approve by hand." if person.locked else ""
        line = f"You asked to follow {person.address}.{by_hand}"
    output.show(value, line)
    return 0

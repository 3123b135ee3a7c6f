"""``yurt verify ADDRESS``: the safety number with somebody, and whether it was compared."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.commands.following import person_json
from yurt.cli.output import Output
from yurt.client.api import EngineApi


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("address", metavar="ADDRESS", help="name@node, of somebody in your rooms")
    marks = parser.add_mutually_exclusive_group()
    marks.add_argument(
        "--number", metavar="DIGITS", help="the number that they see: marks them if it is the same"
    )
    marks.add_argument(
        "--compared", action="store_true", help="mark them: you compared it with them yourself"
    )
    marks.add_argument("--undo", action="store_true", help="take the mark away")


def run(args: argparse.Namespace, output: Output) -> int:
    """Show the number; mark the person if it was compared."""

    async def work(engine: EngineApi) -> int:
        person = await engine.person(args.address)
        if args.compared or args.undo or args.number:
            number = "" if args.undo else args.number or person.safety_number
            person = await engine.verify(args.address, number)
        state = "verified" if person.verified else "not verified"
        output.show(person_json(person), f"{person.safety_number}  {person.address}: {state}")
        if not person.verified:
            output.note("Compare it by voice or eye; then run this again with --compared.")
        return 0

    return with_engine(work, caught_up=True)

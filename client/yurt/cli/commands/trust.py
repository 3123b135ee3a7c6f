"""``yurt trust ADDRESS``: an address means somebody new, and that is right; with ``--keep`` it is not."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.commands.following import person_json
from yurt.cli.output import Output
from yurt.client.api import EngineApi, PersonView
from yurt.client.people_calls import KeepOld


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("address", metavar="ADDRESS", help="name@node, whose identity changed")
    parser.add_argument(
        "--keep", action="store_true", help="it still means whom it meant: whoever else claims it is not them"
    )


def run(args: argparse.Namespace, output: Output) -> int:
    """Accept the new person, who is not verified; or stay with the old one."""

    async def work(engine: EngineApi) -> int:
        before = await engine.person(args.address)
        if args.keep:
            person = await engine.call(KeepOld(args.address), PersonView)
            line = f"{person.address} is who it was." if before.changed else "Nothing had changed."
        else:
            person = await engine.trust(args.address)
            line = f"{person.address} is somebody new now." if before.changed else "Nothing had changed."
        output.show(person_json(person), line)
        output.note(f"Safety number with them: {person.safety_number}")
        return 0

    return with_engine(work, caught_up=True)

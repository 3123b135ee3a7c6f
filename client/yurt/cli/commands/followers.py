"""``yurt followers``: who follows you."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.commands.following import person_json, person_line
from yurt.cli.output import Output
from yurt.client.api import EngineApi


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes: nothing of its own."""
    parser.set_defaults()


def run(_args: argparse.Namespace, output: Output) -> int:
    """List who follows this person."""

    async def work(engine: EngineApi) -> int:
        people = await engine.followers()
        for person in people:
            output.show(person_json(person), person_line(person))
        if not people:
            output.note("Nobody follows you yet: tell people your address.")
        return 0

    return with_engine(work)

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
        for person in await engine.followers():
            output.show(person_json(person), person_line(person))
        return 0

    return with_engine(work)

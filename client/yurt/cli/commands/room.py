"""``yurt room create NAME``: open a room."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.commands.rooms import room_json
from yurt.cli.output import Output
from yurt.cli.which_room import short_id
from yurt.client.api import EngineApi


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("action", choices=("create",))
    parser.add_argument("name", metavar="NAME", help="what it is called; only its members learn it")


def run(args: argparse.Namespace, output: Output) -> int:
    """Open a room whose hub is the own node."""

    async def work(engine: EngineApi) -> int:
        room = await engine.create_room(args.name)
        output.show(room_json(room), f"{short_id(room.room)}  {room.name}")
        return 0

    return with_engine(work)

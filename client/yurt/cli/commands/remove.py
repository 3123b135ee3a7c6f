"""``yurt remove ROOM ADDRESS``: remove somebody from a room."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.cli.which_room import find_room
from yurt.client.api import EngineApi


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("room", metavar="ROOM", help="its name, or the beginning of its id")
    parser.add_argument("address", metavar="ADDRESS", help="name@node")


def run(args: argparse.Namespace, output: Output) -> int:
    """Remove all devices of a person."""

    async def work(engine: EngineApi) -> int:
        room = await find_room(engine, args.room)
        await engine.remove(room.room, args.address)
        output.show(
            {"room": room.room, "address": args.address, "removed": True}, f"{args.address} was removed."
        )
        return 0

    return with_engine(work, caught_up=True)

"""``yurt ban ROOM ADDRESS``: ban somebody from a room."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.cli.which_room import find_room
from yurt.client.api import EngineApi
from yurt.client.calls import Nothing
from yurt.client.invitations.calls import Ban
from yurt.client.links import parse_address


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("room", metavar="ROOM", help="its name, or the beginning of its id")
    parser.add_argument("address", metavar="ADDRESS", help="name@node")


def run(args: argparse.Namespace, output: Output) -> int:
    """Ban a person, and remove all their devices."""
    address = parse_address(args.address)

    async def work(engine: EngineApi) -> int:
        room = await find_room(engine, args.room)
        await engine.call(Ban(room=room.room, address=address), Nothing)
        output.show({"room": room.room, "address": address, "banned": True}, f"{address} was banned.")
        return 0

    return with_engine(work, caught_up=True)

"""``yurt room create NAME``: open a room; ``yurt room resync ROOM``: come back into one that has stopped."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.commands.rooms import room_json
from yurt.cli.output import Output
from yurt.cli.which_room import find_room, short_id
from yurt.client.api import EngineApi, RoomView
from yurt.client.calls import Nothing
from yurt.client.rooms.heal_calls import ResyncRoom


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument(
        "action",
        choices=("create", "resync"),
        help="open a room, or come back into one that has stopped here",
    )
    parser.add_argument(
        "name", metavar="NAME", help="what a new room is called (only its members learn it); else which room"
    )


def run(args: argparse.Namespace, output: Output) -> int:
    """Open a room whose hub is the own node, or repair one."""

    async def work(engine: EngineApi) -> int:
        room = await (_resync if args.action == "resync" else _create)(engine, args.name)
        output.show(room_json(room), f"{short_id(room.room)}  {room.name}")
        return 0

    return with_engine(work, caught_up=args.action == "resync")


async def _create(engine: EngineApi, name: str) -> RoomView:
    return await engine.create_room(name)


async def _resync(engine: EngineApi, name: str) -> RoomView:
    room = await find_room(engine, name)
    await engine.call(ResyncRoom(room.room), Nothing)
    return await find_room(engine, room.room.hex())

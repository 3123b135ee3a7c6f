"""``yurt leave ROOM``: leave a room."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.cli.which_room import find_room
from yurt.client.api import EngineApi
from yurt.client.invitations.calls import LeaveRoom, LeftView

TOLD_S = 3.0
"""How long to wait until the room has taken it in; it goes on by itself."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("room", metavar="ROOM", help="its name, or the beginning of its id")


def run(args: argparse.Namespace, output: Output) -> int:
    """Close a room here at once, for good, and let the others know."""

    async def work(engine: EngineApi) -> int:
        room = await find_room(engine, args.room)
        left = await engine.call(LeaveRoom(room=room.room, within=TOLD_S), LeftView)
        output.show({"room": room.room, "left": True, "done": left.done}, f"You left {room.name}.")
        if not left.done:
            output.note("A member's client takes you out within a minute; it can still be read here.")
        return 0

    return with_engine(work, caught_up=True)

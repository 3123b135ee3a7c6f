"""``yurt role ROOM ADDRESS ROLE``: say what somebody may do in a room."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.cli.which_room import find_room
from yurt.client.api import EngineApi


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("room", metavar="ROOM", help="its name, or the beginning of its id")
    parser.add_argument("address", metavar="ADDRESS", help="name@node")
    parser.add_argument(
        "role", metavar="ROLE", choices=("member", "moderator", "admin"), help="member, moderator or admin"
    )


def run(args: argparse.Namespace, output: Output) -> int:
    """Give a participant a role below one's own."""

    async def work(engine: EngineApi) -> int:
        room = await find_room(engine, args.room)
        await engine.set_role(room.room, args.address, args.role)
        output.show(
            {"room": room.room, "address": args.address, "role": args.role},
            f"{args.address} is {args.role} now.",
        )
        return 0

    return with_engine(work, caught_up=True)

"""``yurt delete ROOM MESSAGE``: take a message back, for good."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.commands.send import show_sent, wait_argument, wait_of
from yurt.cli.output import Output
from yurt.cli.which_message import HELP, find_message
from yurt.cli.which_room import find_room
from yurt.client.api import EngineApi


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("room", metavar="ROOM", help="its name, or the beginning of its id")
    parser.add_argument("message", metavar="MESSAGE", help=HELP)
    wait_argument(parser)


def run(args: argparse.Namespace, output: Output) -> int:
    """Delete an own message, or as a moderator one of somebody with a lower role."""

    async def work(engine: EngineApi) -> int:
        room = (await find_room(engine, args.room)).room
        item = await find_message(engine, room, args.message)
        sent = await engine.delete(room, item, wait=wait_of(args))
        return show_sent(sent, room, output, "Taken back: clients that do as they should forget it.")

    return with_engine(work, caught_up=True)

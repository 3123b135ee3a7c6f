"""``yurt edit ROOM MESSAGE TEXT``: say something else instead of an own message."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.commands.send import show_sent, text_argument, text_of, wait_argument, wait_of
from yurt.cli.output import Output
from yurt.cli.which_message import HELP, find_message
from yurt.cli.which_room import find_room
from yurt.client.api import EngineApi


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("room", metavar="ROOM", help="its name, or the beginning of its id")
    parser.add_argument("message", metavar="MESSAGE", help=HELP)
    text_argument(parser)
    wait_argument(parser)


def run(args: argparse.Namespace, output: Output) -> int:
    """Change what an own message says."""
    text = text_of(args)

    async def work(engine: EngineApi) -> int:
        room = (await find_room(engine, args.room)).room
        item = await find_message(engine, room, args.message)
        sent = await engine.edit(room, item, text, wait=wait_of(args))
        return show_sent(sent, room, output, "Changed, for everybody in the room.")

    return with_engine(work, caught_up=True)

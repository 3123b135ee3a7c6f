"""``yurt react ROOM MESSAGE EMOJI``: put an emoji under a message."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.commands.send import show_sent, wait_argument, wait_of
from yurt.cli.output import Output
from yurt.cli.which_message import HELP, find_message
from yurt.cli.which_room import find_room
from yurt.client.api import EngineApi
from yurt.client.emoji import checked_emoji


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("room", metavar="ROOM", help="its name, or the beginning of its id")
    parser.add_argument("message", metavar="MESSAGE", help=HELP)
    parser.add_argument("emoji", metavar="EMOJI", help="one emoji, or :name:")
    parser.add_argument("--undo", action="store_true", help="take the own one away")
    wait_argument(parser)


def run(args: argparse.Namespace, output: Output) -> int:
    """Put a reaction under a message, or take it away."""
    emoji = args.emoji if args.undo else checked_emoji(args.emoji)

    async def work(engine: EngineApi) -> int:
        room = (await find_room(engine, args.room)).room
        item = await find_message(engine, room, args.message)
        sent = await engine.react(room, item, emoji, undo=args.undo, wait=wait_of(args))
        return show_sent(sent, room, output, "Taken away." if args.undo else f"{emoji} is under it.")

    return with_engine(work, caught_up=True)

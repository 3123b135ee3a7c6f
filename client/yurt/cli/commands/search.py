"""``yurt search WORDS``: find what was said. It asks nobody: the words are in this vault only."""

import argparse
from typing import Final

from yurt.cli.command import with_engine
from yurt.cli.commands.tail import item_json, item_line
from yurt.cli.output import Output
from yurt.cli.which_room import find_room
from yurt.client.api import EngineApi
from yurt.client.clock import local_time
from yurt.client.errors import UsageError

MOST: Final = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("words", metavar="WORD", nargs="+", help="each may be the beginning of a word")
    parser.add_argument("--room", metavar="ROOM", help="only in this room")
    parser.add_argument("--limit", type=int, default=MOST, metavar="N", help=f"the last N ({MOST})")


def run(args: argparse.Namespace, output: Output) -> int:
    """Show the last messages that have all the words."""
    if args.limit < 1:
        raise UsageError("--limit takes a number from 1 up")

    async def work(engine: EngineApi) -> int:
        names = {room.room: room.name for room in await engine.rooms()}
        room = (await find_room(engine, args.room)).room if args.room else None
        found = await engine.search(" ".join(args.words), room=room, limit=args.limit)
        for item in found:
            day = f"{local_time(item.accepted_at / 1000):%Y-%m-%d} "
            output.show(item_json(item), day + item_line(item, names.get(item.room, "")))
        if not found:
            output.note("Nothing was found.")
        return 0

    return with_engine(work)

"""``yurt invite ROOM ADDRESS [--history all]``: add somebody to a room."""

import argparse
from typing import Final

from yurt.cli.command import with_engine
from yurt.cli.commands.following import person_json
from yurt.cli.output import Output
from yurt.cli.which_room import find_room
from yurt.client.api import EngineApi, PersonView
from yurt.client.history.calls import InviteWithHistory

_WHAT: Final = {
    "participant": "is in the room already",
    "asked": "does not follow you and is asked first: they come in when they agree",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("room", metavar="ROOM", help="its name, or the beginning of its id")
    parser.add_argument("address", metavar="ADDRESS", help="name@node; who does not follow you is asked")
    parser.add_argument(
        "--history",
        choices=("none", "all"),
        default="none",
        help="what they may read of before: nothing, or all that the room allows (you vouch for it)",
    )


def run(args: argparse.Namespace, output: Output) -> int:
    """Add all devices of a person."""

    async def work(engine: EngineApi) -> int:
        room = await find_room(engine, args.room)
        person = await (_with_history if args.history == "all" else _invite)(engine, room.room, args.address)
        line = f"{person.address} {_WHAT.get(person.state, 'was added')}."
        output.show({"room": room.room, **person_json(person)}, line)
        output.note(f"Safety number with them: {person.safety_number}")
        return 0

    return with_engine(work, caught_up=True)


async def _invite(engine: EngineApi, room: bytes, address: str) -> PersonView:
    return await engine.invite(room, address)


async def _with_history(engine: EngineApi, room: bytes, address: str) -> PersonView:
    return await engine.call(InviteWithHistory(room=room, address=address), PersonView)

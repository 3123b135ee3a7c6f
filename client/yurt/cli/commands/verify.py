"""``yurt verify ADDRESS``: the safety number with somebody; with ``--room ROOM``: the code of a room."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.commands.following import person_json
from yurt.cli.output import Output
from yurt.cli.which_room import find_room
from yurt.client.api import EngineApi
from yurt.client.errors import UsageError
from yurt.client.rooms.code_call import GetRoomCode, RoomCodeView


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument(
        "address", metavar="ADDRESS", nargs="?", default="", help="name@node, of somebody in your rooms"
    )
    parser.add_argument(
        "--room", metavar="ROOM", default="", help="instead: the digits that everybody in a room should see"
    )
    marks = parser.add_mutually_exclusive_group()
    marks.add_argument(
        "--number", metavar="DIGITS", help="the number that they see: marks them if it is the same"
    )
    marks.add_argument(
        "--compared", action="store_true", help="mark them: you compared it with them yourself"
    )
    marks.add_argument("--undo", action="store_true", help="take the mark away")


def run(args: argparse.Namespace, output: Output) -> int:
    """Show the number, and mark the person if it was compared; or show a room's code."""
    if bool(args.address) == bool(args.room):
        raise UsageError("yurt verify ADDRESS, or yurt verify --room ROOM")
    if args.room:
        return with_engine(lambda engine: _room(engine, args.room, output), caught_up=True)

    async def work(engine: EngineApi) -> int:
        person = await engine.person(args.address)
        if args.compared or args.undo or args.number:
            number = "" if args.undo else args.number or person.safety_number
            person = await engine.verify(args.address, number)
        state = "verified" if person.verified else "not verified"
        output.show(person_json(person), f"{person.safety_number}  {person.address}: {state}")
        if not person.verified:
            output.note("Compare it by voice or eye; then run this again with --compared.")
        return 0

    return with_engine(work, caught_up=True)


async def _room(engine: EngineApi, name: str, output: Output) -> int:
    room = await find_room(engine, name)
    code = await engine.call(GetRoomCode(room.room), RoomCodeView)
    told = {"room": room.room.hex(), "epoch": code.epoch, "code": code.digits}
    output.show(told, f"{code.digits}  {room.name}, epoch {code.epoch}")
    output.note("Compare it by voice or eye with people in the room; in another epoch it is another one.")
    return 0

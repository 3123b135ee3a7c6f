"""``yurt participants ROOM``: who is in a room, and as what."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.cli.which_room import find_room
from yurt.client.api import EngineApi, ParticipantView
from yurt.client.counted import counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("room", metavar="ROOM", help="its name, or the beginning of its id")


def run(args: argparse.Namespace, output: Output) -> int:
    """List the people of a room, oneself first."""

    async def work(engine: EngineApi) -> int:
        room = await find_room(engine, args.room)
        for person in await engine.participants(room.room):
            output.show({"room": room.room, **participant_json(person)}, _line(person))
        return 0

    return with_engine(work, caught_up=True)


def participant_json(person: ParticipantView) -> dict[str, object]:
    """Say a participant for programs."""
    return {
        "address": person.address,
        "did": person.did,
        "role": person.role,
        "devices": person.devices,
        "own": person.own,
        "verified": person.verified,
        "blocked": person.blocked,
        "read": [person.read.term, person.read.seq] if person.read else None,
    }


def _line(person: ParticipantView) -> str:
    marks = [("(you)", person.own), ("verified", person.verified), ("blocked", person.blocked)]
    words = [person.address, person.role, counted(person.devices, "device")]
    return "  ".join(words + [mark for mark, holds in marks if holds])

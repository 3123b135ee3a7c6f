"""``yurt rooms``: which rooms there are."""

import argparse
from typing import Final

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.cli.which_room import short_id
from yurt.client.api import EngineApi, RoomView
from yurt.client.counted import counted

_NAMED: Final = 6
"""Participants that a line names; `yurt participants` names all."""
_STOPPED: Final = {"comingBack": "you are coming back into it: its hub is asked again and again"}
"""What is no fault and has a word of its own, by its code."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes: nothing of its own."""
    parser.set_defaults()


def run(_args: argparse.Namespace, output: Output) -> int:
    """List the rooms, oldest first."""

    async def work(engine: EngineApi) -> int:
        rooms = await engine.rooms()
        for room in rooms:
            output.show(room_json(room), room_line(room))
        if not rooms:
            output.note("No rooms yet: open one with `yurt room create NAME`.")
        return 0

    return with_engine(work, caught_up=True)


def room_json(room: RoomView) -> dict[str, object]:
    """Say a room for programs."""
    return {
        "room": room.room,
        "name": room.name,
        "hub": room.hub,
        "epoch": room.epoch,
        "participants": list(room.participants),
        "outbox": room.outbox,
        "undecryptable": room.undecryptable,
        "removed": room.removed,
        "left": room.left,
        "waiting": room.waiting,
        "refused": room.refused,
        "stopped": room.stopped,
    }


def room_line(room: RoomView) -> str:
    """Say a room for people."""
    marks = [f"{room.outbox} waiting"] if room.outbox else []
    marks += ["waiting for a member to let you in"] if room.waiting else []
    marks += [f"you could not join: {room.refused}"] if room.refused else []
    marks += [("you left" if room.left else "you were removed")] if room.removed else []
    marks += [_STOPPED.get(room.stopped, f"stopped: {room.stopped}")] if room.stopped else []
    note = f"  ({', '.join(marks)})" if marks else ""
    # Of a room out of a kit it is known who is in it, and not yet what they are called.
    named = [address for address in room.participants if "@" in address][:_NAMED]
    people, others = ", ".join(named), len(room.participants) - len(named)
    if others:
        people += f" and {others} more" if named else counted(others, "person", "people")
    return f"{short_id(room.room)}  {room.name or '(no name yet)'}  {people}{note}"

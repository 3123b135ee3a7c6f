"""``yurt room``: open a room, and set how it is: its name, its topic, read marks, history for joiners."""

import argparse
import os
from collections.abc import Awaitable, Callable
from typing import Final

from yurt.cli.command import with_engine
from yurt.cli.commands.rooms import room_json
from yurt.cli.output import Output
from yurt.cli.which_room import find_room, short_id
from yurt.client.api import EngineApi, RoomView
from yurt.client.calls import Nothing
from yurt.client.counted import counted
from yurt.client.errors import UsageError
from yurt.client.history.calls import GiveHistory, GivenView, LimitHistory
from yurt.client.people_calls import ConfirmRoom
from yurt.client.rooms.heal_calls import ResyncRoom
from yurt.client.rooms.naming import NameRoom
from yurt.client.rooms.reading import SwitchReads
from yurt.rooms.common.content import CONTENT_ID_SIZE
from yurt.rooms.common.history import ALL

_DAY_S: Final = 86_400
_Do = Callable[[EngineApi, RoomView, str], Awaitable[str]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument(
        "action",
        choices=("create", "name", "topic", "reads", "history", "tell", "resync", "confirm"),
        help="open a room; change its name or topic; tell others how far you have read (on, off); how far "
        "back joiners may be given history (none, all, or days); tell ADDRESS what was said before they "
        "came; come back into a room that has stopped here; or say that a room is the right one, though "
        "whoever made your link is not in it",
    )
    parser.add_argument(
        "name", metavar="NAME", help="what a new room is called (only its members learn it); else which room"
    )
    parser.add_argument("value", metavar="VALUE", nargs="?", default="", help="what to set it to")


def run(args: argparse.Namespace, output: Output) -> int:
    """Open a room whose hub is the own node, or change or repair one."""
    do = _DO.get(args.action)
    if do is not None and not args.value and args.action not in ("topic", "resync", "confirm"):
        raise UsageError(f"yurt room {args.action} ROOM VALUE: say what to set it to")

    async def work(engine: EngineApi) -> int:
        if do is None:
            room = await engine.create_room(args.name)
            output.show(room_json(room), f"{short_id(room.room)}  {room.name}")
            return 0
        found = await find_room(engine, args.name)
        line = await do(engine, found, args.value)
        room = await find_room(engine, found.room.hex())
        output.show(room_json(room), line or f"{short_id(room.room)}  {room.name}")
        return 0

    return with_engine(work, caught_up=do is not None)


async def _resync(engine: EngineApi, room: RoomView, _value: str) -> str:
    await engine.call(ResyncRoom(room.room), Nothing)
    return ""


async def _confirm(engine: EngineApi, room: RoomView, _value: str) -> str:
    await engine.call(ConfirmRoom(room.room), Nothing)
    return "What you say here is sent from now on."


async def _name(engine: EngineApi, room: RoomView, value: str) -> str:
    await engine.call(NameRoom(room=room.room, content_id=os.urandom(CONTENT_ID_SIZE), called=value), Nothing)
    return f"The room is to be called {value}."


async def _topic(engine: EngineApi, room: RoomView, value: str) -> str:
    await engine.call(NameRoom(room=room.room, content_id=os.urandom(CONTENT_ID_SIZE), topic=value), Nothing)
    return f"The room is to be about {value}." if value else "The room is to have no topic."


async def _reads(engine: EngineApi, room: RoomView, value: str) -> str:
    if value not in ("on", "off"):
        raise UsageError("yurt room reads ROOM on|off")
    await engine.call(SwitchReads(room=room.room, on=value == "on"), Nothing)
    return f"Others {'see' if value == 'on' else 'do not see'} how far you have read here."


async def _history(engine: EngineApi, room: RoomView, value: str) -> str:
    if value not in ("none", "all") and not value.isdecimal():
        raise UsageError("yurt room history ROOM none|all|DAYS")
    seconds = {"none": 0, "all": ALL}.get(value)
    seconds = int(value) * _DAY_S if seconds is None else seconds
    await engine.call(LimitHistory(room=room.room, seconds=min(seconds, ALL)), Nothing)
    return f"Joiners may be given at most: {value}{' days' if value.isdecimal() else ''}."


async def _tell(engine: EngineApi, room: RoomView, value: str) -> str:
    given = await engine.call(GiveHistory(room=room.room, address=value), GivenView)
    return f"{value} is told what you have of before ({counted(given.devices, 'device')})."


_DO: Final[dict[str, _Do]] = {
    "name": _name,
    "topic": _topic,
    "reads": _reads,
    "history": _history,
    "tell": _tell,
    "resync": _resync,
    "confirm": _confirm,
}

"""``yurt link``: links by which people come into a room: make one, list them, end one."""

import argparse
import os

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.cli.which_room import find_room
from yurt.client.api import EngineApi, RoomView
from yurt.client.calls import Nothing
from yurt.client.clock import local_time
from yurt.client.counted import counted
from yurt.client.errors import UsageError
from yurt.client.invitations.calls import (
    DEFAULT_DAYS,
    DEFAULT_USES,
    EndLink,
    Links,
    LinkView,
    ListLinks,
    MakeLink,
)

_SECRET_SIZE = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("action", choices=("create", "list", "end"), help="make a link, list them, end one")
    parser.add_argument("room", metavar="ROOM", help="its name, or the beginning of its id")
    parser.add_argument("code", metavar="CODE", nargs="?", default="", help="of the link to end")
    parser.add_argument(
        "--uses", type=int, default=DEFAULT_USES, metavar="N", help="people it lets in (default: 1)"
    )
    parser.add_argument(
        "--days", type=int, default=DEFAULT_DAYS, metavar="N", help="how long it lasts (default: 7)"
    )
    parser.add_argument(
        "--account", action="store_true", help="let it bring newcomers an account on your node too"
    )


def run(args: argparse.Namespace, output: Output) -> int:
    """Make, list or end links."""
    if (args.action == "end") != bool(args.code):
        raise UsageError("say which link to end, and only then a code: `yurt link end ROOM CODE`")

    async def work(engine: EngineApi) -> int:
        room = await find_room(engine, args.room)
        match args.action:
            case "create":
                await _create(engine, room, args, output)
            case "list":
                await _list(engine, room, output)
            case _:
                await engine.call(EndLink(room=room.room, code=args.code), Nothing)
                output.show({"room": room.room, "code": args.code, "ended": True}, "Nobody joins by it now.")
        return 0

    return with_engine(work, caught_up=True)


async def _create(engine: EngineApi, room: RoomView, args: argparse.Namespace, output: Output) -> None:
    call = MakeLink(
        room=room.room, secret=os.urandom(_SECRET_SIZE), uses=args.uses, days=args.days, account=args.account
    )
    link = await engine.call(call, LinkView)
    output.show({**_json(room, link), "url": link.url, "account": args.account}, link.url)
    people = "one person" if link.uses_left == 1 else f"{link.uses_left} people"
    output.note(f"Whoever has this link may join, {people} within {args.days} days: send it privately.")


async def _list(engine: EngineApi, room: RoomView, output: Output) -> None:
    links = (await engine.call(ListLinks(room=room.room), Links)).links
    for link in links:
        end = f"{local_time(link.not_after):%Y-%m-%d}"
        mine = "  (yours)" if link.own else ""
        line = f"{link.code}  {counted(link.uses_left, 'use')} left  until {end}  by {link.by}{mine}"
        output.show(_json(room, link), line)
    if not links:
        output.note("No links: make one with `yurt link create ROOM`.")


def _json(room: RoomView, link: LinkView) -> dict[str, object]:
    return {
        "room": room.room,
        "code": link.code,
        "by": link.by,
        "uses_left": link.uses_left,
        "not_after": link.not_after,
        "own": link.own,
    }

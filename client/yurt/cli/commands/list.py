"""``yurt list``: private lists of people whom you follow."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.cli.parser import offer
from yurt.client.api import EngineApi
from yurt.client.counted import counted
from yurt.client.links import parse_address
from yurt.wire.command import Done
from yurt.wire.list_commands import (
    AddToList,
    CreateList,
    DropList,
    ListMembers,
    ListPage,
    Lists,
    RemoveFromList,
    ShowList,
)
from yurt.wire.problems import refuse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    create = actions.add_parser("create", help="make a list")
    create.add_argument("list", metavar="NAME")
    show = actions.add_parser("show", help="who is in a list")
    show.add_argument("list", metavar="NAME")
    drop = actions.add_parser("drop", help="forget a list; nobody is unfollowed")
    drop.add_argument("list", metavar="NAME")
    for name, line in (("add", "put somebody into a list"), ("remove", "take somebody out of it")):
        one = actions.add_parser(name, help=line)
        one.add_argument("list", metavar="NAME")
        one.add_argument("address", metavar="ADDRESS", help="name@node")


def run(args: argparse.Namespace, output: Output) -> int:
    """Do what was asked; without an action, show the lists."""
    return with_engine(lambda engine: act(engine, args, output))


async def act(engine: EngineApi, args: argparse.Namespace, output: Output) -> int:
    """Do it with an engine; returns the exit code."""
    if args.action in ("add", "remove"):
        parse_address(args.address)  # the own node would say it in other words
    if args.action in ("show", "drop", "add", "remove"):
        await _check(engine, args.list)
    match args.action:
        case "show":
            await _show(engine, args.list, output)
        case "create":
            await engine.ask_node(CreateList(args.list), Done)
            output.show({"list": args.list}, f"The list {args.list} is there.")
        case "drop":
            await engine.ask_node(DropList(args.list), Done)
            output.show({"list": args.list}, f"The list {args.list} is gone; you follow them all the same.")
        case "add":
            await engine.ask_node(AddToList(args.list, args.address), Done)
            output.show(_pair(args), await _added(engine, args.list, args.address))
        case "remove":
            await engine.ask_node(RemoveFromList(args.list, args.address), Done)
            output.show(_pair(args), f"{args.address} is no longer in {args.list}.")
        case _:
            await _every(engine, output)
    return 0


async def _check(engine: EngineApi, name: str) -> None:
    """Refuse a list that is not there: a slip of the finger makes none.

    Raises:
        ProblemError: `notFound`, with the lists that may be meant.
    """
    names = [one.list for one in (await engine.ask_node(Lists(), ListPage)).lists]
    if name.strip() not in names:
        meant = offer(name, names, "yours are") if names else "you have none yet"
        raise refuse("notFound", f"there is no list {name!r}: {meant} (`yurt list create NAME` makes one)")


async def _added(engine: EngineApi, name: str, address: str) -> str:
    """Say that somebody is in a list, and what they are to do for that whose follow does not stand."""
    wanted = address.removeprefix("@").lower()
    tie = next((one for one in await engine.following() if one.address.lower() == wanted), None)
    if tie is None:
        return f"{address} will be in {name} once you follow them: `yurt follow {address}`."
    if tie.state != "accepted":
        return f"{address} will be in {name} once they let you follow them."
    return f"{address} is in {name}."


def _pair(args: argparse.Namespace) -> dict[str, object]:
    return {"list": args.list, "address": args.address}


async def _every(engine: EngineApi, output: Output) -> None:
    found = (await engine.ask_node(Lists(), ListPage)).lists
    for one in found:
        more = f", {one.intended} to come" if one.intended else ""
        value = {"list": one.list, "members": one.members, "intended": one.intended}
        output.show(value, f"{one.list}  {counted(one.members, 'person', 'people')}{more}")
    if not found:
        output.note("You have no lists: `yurt list create NAME` makes one.")


async def _show(engine: EngineApi, name: str, output: Output) -> None:
    after = ""
    while True:
        page = await engine.ask_node(ShowList(name, after), ListMembers)
        for one in page.members:
            line = one.address if one.accepted else f"{one.address}  (once you follow them, and they let you)"
            output.show({"address": one.address, "accepted": one.accepted, "actor": one.actor}, line)
        after = page.next
        if not after:
            return

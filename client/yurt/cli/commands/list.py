"""``yurt list``: private lists of people whom you follow."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.client.api import EngineApi
from yurt.client.counted import counted
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

    async def work(engine: EngineApi) -> int:
        match args.action:
            case "show":
                await _show(engine, args.list, output)
            case "create":
                await engine.ask_node(CreateList(args.list), Done)
                output.show({"list": args.list}, f"The list {args.list} is there.")
            case "drop":
                await engine.ask_node(DropList(args.list), Done)
                output.show(
                    {"list": args.list}, f"The list {args.list} is gone; you follow them all the same."
                )
            case "add":
                await engine.ask_node(AddToList(args.list, args.address), Done)
                output.show(_pair(args), f"{args.address} is in {args.list}.")
            case "remove":
                await engine.ask_node(RemoveFromList(args.list, args.address), Done)
                output.show(_pair(args), f"{args.address} is no longer in {args.list}.")
            case _:
                await _every(engine, output)
        return 0

    return with_engine(work)


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
            line = one.address if one.accepted else f"{one.address}  (once they accept)"
            output.show({"address": one.address, "accepted": one.accepted, "actor": one.actor}, line)
        after = page.next
        if not after:
            return

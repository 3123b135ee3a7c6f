"""What ``yurt block`` and ``yurt mute`` have in common: begin, end, and list."""

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.client.api import EngineApi
from yurt.client.errors import UsageError
from yurt.client.links import parse_address

if TYPE_CHECKING:
    from yurt.wire.people_commands import Block, Mute, Unblock, Unmute


def add_arguments(parser: argparse.ArgumentParser, word: str) -> None:
    """Say what it takes."""
    parser.add_argument(
        "address", metavar="ADDRESS", nargs="?", default="", help=f"name@node; none: list whom you {word}"
    )
    parser.add_argument("--undo", action="store_true", help="end it")


@dataclass(frozen=True, slots=True)
class Verb:
    """What is done to somebody: blocking, or muting."""

    word: str
    begin: "type[Block | Mute]"
    end: "type[Unblock | Unmute]"


def run(args: argparse.Namespace, output: Output, verb: Verb) -> int:
    """Tell the node, or ask it who is meant so far."""
    if args.undo and not args.address:
        raise UsageError(f"yurt {verb.word} NAME@NODE --undo: say whom you {verb.word} no longer")
    if args.address:
        parse_address(args.address)  # the own node would say it in other words
    return with_engine(lambda engine: act(engine, args, output, verb))


async def act(engine: EngineApi, args: argparse.Namespace, output: Output, verb: Verb) -> int:
    """Do it with an engine; returns the exit code."""
    from yurt.wire.command import Done
    from yurt.wire.people_commands import KeptAway

    told: dict[str, object] = {"address": args.address, verb.word: not args.undo}
    if not args.address:
        await _list(engine, output, verb.word)
    elif args.undo:
        await engine.ask_node(verb.end(args.address), Done)
        output.show(told, f"You no longer {verb.word} {args.address}.")
    else:
        kept = await engine.ask_node(verb.begin(args.address), KeptAway)
        line = f"You {verb.word} {args.address}."
        if not kept.met:
            line += " Nobody could say who that is; it holds for whoever comes under this address."
        output.show(told | {"met": kept.met}, line)
    return 0


async def _list(engine: EngineApi, output: Output, word: str) -> None:
    from yurt.client.people_calls import BlockedView, ListBlocked

    found = await engine.call(ListBlocked(), BlockedView)
    addresses = found.blocked if word == "block" else found.muted
    for address in addresses:
        output.show({"address": address, word: True}, address)
    if not addresses:
        output.note(f"You {word} nobody.")

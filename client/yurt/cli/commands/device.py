"""``yurt device link | join | revoke | restore``: more computers on which you are you, and fewer."""

import argparse
import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING

from yurt.cli import secrets
from yurt.cli.command import with_engine
from yurt.cli.commands.devices import short
from yurt.cli.output import Output
from yurt.client import paths
from yurt.client.api import EngineApi
from yurt.client.devices.calls import (
    AwaitLink,
    AwaitRooms,
    BeginLink,
    LinkCodeView,
    LinkView,
    RevokeDevice,
    RoomsSettled,
    SettleRooms,
)
from yurt.client.errors import UsageError

if TYPE_CHECKING:
    from yurt.client.clock import SystemClock
    from yurt.client.vault.accounts import Account
    from yurt.identity.signed_record import VerifiedRecord
    from yurt.wire.network_map import NetworkMap

_REFUSED = 3
_ROOMS_S = 20.0
"""How long a new device waits for its rooms before it says how far it is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    link = actions.add_parser("link", help="show a code for a new device of yours (asks for the phrase)")
    join = actions.add_parser("join", help="on the new device: become yours, by the code")
    join.add_argument("node", metavar="NODE", help="your node, or your address there")
    join.add_argument("code", metavar="CODE", nargs="?", default="", help="asked for if it is not given")
    revoke = actions.add_parser("revoke", help="shut a lost or old device out (asks for the phrase)")
    revoke.add_argument("device", metavar="DEVICE", help="the beginning of its id: see yurt devices")
    restore = actions.add_parser("restore", help="come back with the phrase, when every device is lost")
    restore.add_argument("node", metavar="NODE", help="your node, or your address there")
    restore.add_argument(
        "--revoke-others", action="store_true", help="shut out all devices that you had before"
    )
    for action in (link, revoke, restore):
        action.add_argument("--phrase-file", type=Path, help="read the recovery phrase from this file")
    for action in (link, join, revoke, restore):
        action.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace, output: Output) -> int:
    """Do one of them."""
    match args.action:
        case "link":
            return _link(args, output)
        case "join":
            return _join(args, output)
        case "revoke":
            return _revoke(args, output)
        case _:
            return _restore(args, output)


# --- on a device that is yours ------------------------------------------------------------------------
def _link(args: argparse.Namespace, output: Output) -> int:
    phrase = secrets.read_phrase(args.phrase_file)

    async def work(engine: EngineApi) -> int:
        code = await engine.call(BeginLink(phrase=phrase), LinkCodeView)
        if output.as_json:
            output.show({"code": code.code, "node": code.node, "until": code.until}, "")
        else:
            output.secret("On the new device, within two minutes, and nowhere else:\n")
            output.secret(f"    yurt device join {code.node} {code.code}\n")
        view = LinkView(outcome="waiting")
        while view.outcome == "waiting":
            view = await engine.call(AwaitLink(), LinkView)
        if view.outcome != "linked":
            output.fail("refused", view.problem)
            return _REFUSED
        settled = await engine.call(SettleRooms(within=_ROOMS_S), RoomsSettled)
        output.show(
            {"device": view.device_id, "rooms": settled.done, "left": settled.left},
            f"Device {short(view.device_id)} is yours now. {_rooms(settled, 'It is in')}",
        )
        return 0

    return with_engine(work, caught_up=True)


def _revoke(args: argparse.Namespace, output: Output) -> int:
    phrase = secrets.read_phrase(args.phrase_file)

    async def work(engine: EngineApi) -> int:
        settled = await engine.call(RevokeDevice(device=args.device, phrase=phrase), RoomsSettled)
        output.show(
            {"device": args.device, "rooms": settled.done, "left": settled.left},
            f"Device {args.device} is shut out. {_rooms(settled, 'That is so in')}",
        )
        return 0

    return with_engine(work, caught_up=True)


def _rooms(settled: RoomsSettled, what: str) -> str:
    """Say how far the rooms are."""
    line = f"{what} {settled.done} room{'s' if settled.done != 1 else ''}."
    if settled.left:
        line += f" {settled.left} cannot be reached now and will follow ({settled.problem})."
    return line


# --- on a new one -------------------------------------------------------------------------------------
def _join(args: argparse.Namespace, output: Output) -> int:
    from yurt.client.devices import new_device

    node, code = _node(args.node), args.code or _asked_code()
    network, clock = _surroundings()
    passphrase = secrets.new_passphrase()
    made = new_device.join_by_code(paths.home(), node, code, passphrase, network=network, clock=clock)
    return asyncio.run(_enter(made, passphrase, network, clock, output))


def _restore(args: argparse.Namespace, output: Output) -> int:
    from yurt.client.devices import new_device
    from yurt.client.devices.linking import identity_of

    node, identity = _node(args.node), identity_of(secrets.read_phrase(args.phrase_file))

    def lost(record: "VerifiedRecord") -> tuple[bytes, ...]:
        listed = record.record.devices if args.revoke_others else ()
        return tuple(certificate.device.device_id for certificate in listed)

    network, clock = _surroundings()
    passphrase = secrets.new_passphrase()
    made = new_device.restore(
        paths.home(), node, identity, passphrase, revoke=lost, network=network, clock=clock
    )
    return asyncio.run(_enter(made, passphrase, network, clock, output))


async def _enter(
    made: "Awaitable[Account]",
    passphrase: str,
    network: "NetworkMap | None",
    clock: "SystemClock",
    output: Output,
) -> int:
    from yurt.client.devices.entrance import enter

    home = paths.home()
    engine = await enter(home, passphrase, made, network=network, clock=clock)
    try:
        status = await engine.status()
        rooms = await engine.call(AwaitRooms(within=_ROOMS_S), RoomsSettled)
    finally:
        await engine.close()
    line = f"You are {status.address} here too. This device is in {rooms.done} of your rooms"
    line += f"; {rooms.left} more when another device of yours is online." if rooms.left else "."
    output.show(
        {
            "address": status.address,
            "did": status.did,
            "home": str(home),
            "rooms": rooms.done,
            "left": rooms.left,
        },
        line,
    )
    return 0


def _surroundings() -> "tuple[NetworkMap | None, SystemClock]":
    from yurt.client.clock import SystemClock

    network = paths.network_path()
    return paths.load_network(network), SystemClock(network)


def _node(text: str) -> str:
    from yurt.identity.location import MalformedLocation, check_node

    try:
        return check_node(text.strip().rpartition("@")[2].lower())
    except MalformedLocation:
        raise UsageError(f"{text!r} is no node: it should look like harbour.example") from None


def _asked_code() -> str:
    if not secrets.has_terminal():
        raise UsageError("no terminal to ask for the code in: give it as an argument")
    return input("Code: ")

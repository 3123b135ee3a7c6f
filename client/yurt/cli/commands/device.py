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
from yurt.cli.which_node import find_node
from yurt.client import paths
from yurt.client.api import EngineApi, Status
from yurt.client.calls import Nothing
from yurt.client.counted import counted, lasting
from yurt.client.devices.calls import (
    AwaitLink,
    AwaitRooms,
    BeginLink,
    DeviceRevoked,
    DeviceViews,
    JudgeDevice,
    KeyStanding,
    LinkCodeView,
    LinkView,
    ListDevices,
    RevokeDevice,
    RoomsSettled,
    SettleRooms,
)
from yurt.client.devices.from_kit_calls import EnteredFromKit, EnterFromKit
from yurt.client.errors import UsageError

if TYPE_CHECKING:
    from yurt.client.clock import SystemClock
    from yurt.client.vault.accounts import Account
    from yurt.identity.signed_record import VerifiedRecord
    from yurt.wire.network_map import NetworkMap

_REFUSED = 3
_KEY: dict[KeyStanding, str] = {
    "new": " Your actor key is a new one; your kit has it.",
    "waiting": " Your actor key is still the old one: your node gets a new one when it can be reached.",
    "other": " Another device of yours made a new actor key; your buddies have it.",
    "unchanged": "",
}
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
    restore.add_argument(
        "--kit", metavar="FILE", type=Path, action="append", default=[], help="a kit's file; may be repeated"
    )
    restore.add_argument(
        "--buddy",
        metavar="NODE",
        action="append",
        default=[],
        help="a node that keeps your kit; may be repeated",
    )
    for action in (link, revoke, restore):
        action.add_argument("--phrase-file", type=Path, help="read the recovery phrase from this file")


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
    async def work(engine: EngineApi) -> int:
        await engine.call(JudgeDevice(device=args.device), Nothing)  # before anybody types 24 words
        phrase = secrets.read_phrase(args.phrase_file)
        revoked = await engine.call(RevokeDevice(device=args.device, phrase=phrase), DeviceRevoked)
        output.show(
            {
                "device": args.device,
                "rooms": revoked.done,
                "left": revoked.left,
                "actor_key": revoked.actor_key,
            },
            f"Device {args.device} is shut out. {_rooms(revoked, 'That is so in')}{_KEY[revoked.actor_key]}",
        )
        return 0

    return with_engine(work, caught_up=True)


def _rooms(settled: RoomsSettled, what: str) -> str:
    """Say how far the rooms are."""
    line = f"{what} {counted(settled.done, 'room')}."
    if settled.left:
        line += f" {settled.left} cannot be reached now and will follow ({settled.problem})."
    return line


# --- on a new one -------------------------------------------------------------------------------------
def _join(args: argparse.Namespace, output: Output) -> int:
    from yurt.client.devices import new_device

    node, code = find_node(args.node), args.code or _asked_code()
    network, clock = _surroundings()
    passphrase = secrets.new_passphrase()
    made = new_device.join_by_code(paths.home(), node, code, passphrase, network=network, clock=clock)
    return asyncio.run(_enter(made, passphrase, network, clock, output))


def _restore(args: argparse.Namespace, output: Output) -> int:
    from yurt.client.devices import new_device
    from yurt.client.devices.linking import identity_of
    from yurt.client.errors import VaultExists

    node, phrase = find_node(args.node), secrets.read_phrase(args.phrase_file)
    identity = identity_of(phrase)
    wanted = EnterFromKit(
        phrase=phrase, buddies=tuple(map(find_node, args.buddy)), files=tuple(map(_kit, args.kit))
    )

    def lost(record: "VerifiedRecord") -> tuple[bytes, ...]:
        listed = record.record.devices if args.revoke_others else ()
        return tuple(certificate.device.device_id for certificate in listed)

    network, clock = _surroundings()
    passphrase = secrets.new_passphrase()
    made = new_device.restore(
        paths.home(), node, identity, passphrase, revoke=lost, network=network, clock=clock
    )
    try:
        return asyncio.run(_enter(made, passphrase, network, clock, output, wanted))
    except VaultExists:
        if not (args.kit or args.buddy):
            raise
        # Restored before; now a kit was found.

        async def again(engine: EngineApi) -> int:
            return await _enter_from_kit(engine, wanted, await engine.status(), output)

        return with_engine(again)


async def _enter(
    made: "Awaitable[Account]",
    passphrase: str,
    network: "NetworkMap | None",
    clock: "SystemClock",
    output: Output,
    wanted: EnterFromKit | None = None,
) -> int:
    from yurt.client.devices.entrance import enter

    home = paths.home()
    engine = await enter(home, passphrase, made, network=network, clock=clock)
    try:
        status = await engine.status()
        if wanted is not None:
            return await _enter_from_kit(engine, wanted, status, output)
        rooms = await engine.call(AwaitRooms(within=_ROOMS_S), RoomsSettled)
    finally:
        await engine.close()
    line = f"You are {status.address} here too. This device is in {rooms.done} of your rooms"
    line += f"; {rooms.left} more when another device of yours is online." if rooms.left else "."
    output.show(_entered(status, rooms.done, rooms.left), line)
    return 0


async def _enter_from_kit(engine: EngineApi, wanted: EnterFromKit, status: Status, output: Output) -> int:
    """Let another device that lives add this one; what is left comes from the kit."""
    devices = await engine.call(ListDevices(), DeviceViews)
    others = any(device.signed_in and not device.own for device in devices.devices)
    if others:
        await engine.call(AwaitRooms(within=_ROOMS_S), RoomsSettled)
    rooms = await engine.call(wanted, EnteredFromKit)
    lines = [f"You are {status.address} here again. This device is in {rooms.done} of your rooms."]
    if rooms.age_s >= 0:
        lines.append(f"Your kit is {lasting(rooms.age_s)} old.")
    elif rooms.problem and not others:
        lines.append(f"There is no kit: {rooms.problem}.")
    lines += [f"  {note}" for note in rooms.notes]
    if rooms.left:
        lines.append(_left(rooms.left, others=others))
    also = {"kit_age": rooms.age_s, "kit_problem": rooms.problem, "notes": list(rooms.notes)}
    output.show(_entered(status, rooms.done, rooms.left) | also, "\n".join(lines))
    return 0


def _left(rooms: int, *, others: bool) -> str:
    """Say what is lost, and what to do."""
    what = counted(rooms, "room")
    if others:
        return f"{what} more when another device of yours is online."
    return (
        f"{what} not yet: what was said there cannot be read here. If a kit of yours is found, type the same "
        "command again with --kit FILE or --buddy NODE; else ask somebody in each room to remove you and to "
        "invite you again."
    )


def _entered(status: Status, done: int, left: int) -> dict[str, object]:
    return {
        "address": status.address,
        "did": status.did,
        "home": str(paths.home()),
        "rooms": done,
        "left": left,
    }


def _kit(path: Path) -> bytes:
    try:
        return path.expanduser().read_bytes()
    except OSError as error:
        raise UsageError(f"the kit {path} cannot be read: {error.strerror}") from None


def _surroundings() -> "tuple[NetworkMap | None, SystemClock]":
    from yurt.client.clock import SystemClock

    network = paths.network_path()
    return paths.load_network(network), SystemClock(network)


def _asked_code() -> str:
    if not secrets.has_terminal():
        raise UsageError("no terminal to ask for the code in: give it as an argument")
    return input("Code: ")
